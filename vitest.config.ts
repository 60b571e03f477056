// Three projects. `fast` is the edit loop. `full` needs real workerd, Chromium or longer training. `alone` does too, and measures, fills
// both cores or writes what others read (dist/, a fixed port), so each of its files has the machine for itself.
import { defineConfig } from 'vitest/config';

const setupFiles = ['tests/seeded.ts'];

const ALONE = [
  'edge-deploy',
  'edge-docs',
  'element',
  'engines',
  'examples',
  'start',
  'web-devices',
  'web-size',
  'web-smooth',
].map((name) => `tests/full/${name}.test.ts`);
const slow = { setupFiles, testTimeout: 180_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['tests/fast/**/*.test.ts'],
          setupFiles,
          testTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...slow,
          name: 'full',
          include: ['tests/full/**/*.test.ts'],
          exclude: ALONE,
          // Each worker would build the page if `npm test` had not.
          maxWorkers: process.env.POCKETGEN_WEB_BUILT === '1' ? 2 : 1,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...slow, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
