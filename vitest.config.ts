// Two projects: `fast` is the edit loop, `full` needs real workerd, Chromium or longer training.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: ['tests/fast/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'full', include: ['tests/full/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 180_000 } },
    ],
    fileParallelism: false,
  },
});
