// Two projects: `fast` is the edit loop, `full` needs real workerd, Chromium or longer training.
import { defineConfig } from 'vitest/config';

const setupFiles = ['tests/seeded.ts'];

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'fast', include: ['tests/fast/**/*.test.ts'], setupFiles, testTimeout: 30_000 } },
      {
        test: {
          name: 'full',
          include: ['tests/full/**/*.test.ts'],
          setupFiles,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
    fileParallelism: false,
  },
});
