import { defineConfig } from 'vitest/config';

export default defineConfig({
  // A synthesis takes about a second; each file makes several.
  test: { include: ['test/**/*.test.ts'], globalSetup: 'test/global-setup.ts', testTimeout: 180_000, hookTimeout: 180_000, reporters: ['dot'] },
});
