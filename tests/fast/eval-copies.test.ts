// Near copies of training pictures among others: found through noise and brightness, not through likeness.
import { expect, test } from 'vitest';
import { findNearCopies, nearCopyFinder, type PremultipliedPictures } from '../../train/data/near-copies.ts';

const size = 32;

/** A few soft blobs, different for each number, opaque. */
function blobs(seeds: readonly number[]): PremultipliedPictures {
  const pixels = new Uint8Array(seeds.length * size * size * 4).fill(255);
  for (const [n, seed] of seeds.entries()) {
    for (let i = 0; i < size * size; i++) {
      const [x, y] = [i % size, Math.floor(i / size)];
      for (let c = 0; c < 3; c++) {
        let level = 40;
        for (let k = 1; k <= 4; k++) {
          const [cx, cy] = [(seed * k * 7.3) % size, (seed * k * 11.9 + c) % size];
          level += 180 * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 30);
        }
        pixels[(n * size * size + i) * 4 + c] = Math.min(255, level);
      }
    }
  }
  return { count: seeds.length, size, pixels };
}

const change = (pictures: PremultipliedPictures, by: (level: number, i: number) => number): PremultipliedPictures => ({
  ...pictures,
  pixels: pictures.pixels.map((level, i) => (i % 4 === 3 ? level : Math.max(0, Math.min(255, by(level, i))))),
});

const find = nearCopyFinder(blobs([1, 2, 3, 4, 5]));

test('exact copies, noisy and slightly brighter ones are found where they are', () => {
  expect([...find(blobs([4, 1]))]).toEqual([3, 0]);
  expect([...find(change(blobs([4, 1]), (level, i) => level + (i % 5) - 2))]).toEqual([3, 0]);
  expect([...find(change(blobs([2]), (level) => level + 12))]).toEqual([1]);
});

test('groups are of copies and of copies of copies; thousands of one picture are one group at once', () => {
  const some = blobs([1, 2, 1, 3, 2]);
  const noisy = change(blobs([3]), (level, i) => level + (i % 5) - 2);
  const all = { count: 6, size, pixels: new Uint8Array([...some.pixels, ...noisy.pixels]) };
  expect(findNearCopies(all)).toEqual({ group: Uint32Array.of(0, 1, 0, 3, 1, 3), exact: 2, grouped: 6 });

  // Of each pair all pixels would be compared: some seven minutes.
  const count = 3000;
  const blank = new Uint8Array(count * size * size * 4).fill(200);
  const { group, exact, grouped } = findNearCopies({ count, size, pixels: blank });
  expect([new Set(group), exact, grouped]).toEqual([new Set([0]), count - 1, count]);
  // The same with a pixel of each of its own: copies, none of them exact.
  for (let n = 0; n < count; n++) blank[n * size * size * 4 + 4 * (n % 1000)] = n % 200;
  expect(findNearCopies({ count, size, pixels: blank }).grouped).toBe(count);
});

test('other pictures, much brighter ones and moved ones are none', () => {
  expect([...find(blobs([6, 7, 8]))]).toEqual([-1, -1, -1]);
  expect([...find(change(blobs([2]), (level) => level + 60))]).toEqual([-1]);
  const { pixels } = blobs([3]);
  const moved = {
    count: 1,
    size,
    pixels: new Uint8Array([...pixels.subarray(8 * size * 4), ...pixels.subarray(0, 8 * size * 4)]),
  };
  expect([...find(moved)]).toEqual([-1]);
});
