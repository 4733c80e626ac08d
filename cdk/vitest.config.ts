import { defineConfig } from 'vitest/config';

export default defineConfig({
  // A synthesis takes about a second and loading the CDK several, so test files share both.
  test: { include: ['test/**/*.test.ts'], globalSetup: 'test/global-setup.ts', isolate: false, testTimeout: 180_000, hookTimeout: 180_000, reporters: ['dot'] },
});
