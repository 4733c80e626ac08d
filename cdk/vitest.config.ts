import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/global-setup.ts',
    // Files in the same process share the CDK, which takes seconds to load, and the synthesised templates.
    isolate: false,
    pool: 'threads',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['dot'],
  },
});
