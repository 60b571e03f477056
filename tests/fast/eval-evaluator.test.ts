// What the evaluator makes of a few held-out pictures, by a judge whose features are the pixels themselves.
import { expect, test } from 'vitest';
import { randomNormals, randomWords } from '../../contract/random.ts';
import { pickPictures, pictureSet } from '../../train/data/picture-set.ts';
import type { PictureSet } from '../../train/data/types.ts';
import { native } from '../../train/engines/onnxruntime.ts';
import { copies } from '../../train/eval/choice.ts';
import type { Judge } from '../../train/eval/classifier.ts';
import { createEvaluator } from '../../train/eval/evaluator.ts';

const CLASSES = ['a', 'b', 'c', 'd'];

const setOf = (size: number, channels: 1 | 4, pixels: Uint8Array, labels: Uint8Array): PictureSet =>
  pictureSet({
    name: 'clusters',
    classes: CLASSES,
    ...{ width: size, height: size, channels, pixels, labels },
    note: '',
    options: undefined,
  } as never);

const byPixels = ({ width, height, channels }: PictureSet): Judge => ({
  task: 'classes',
  compute: native,
  async judge(pixels) {
    const columns = width * height * channels;
    const rows = pixels.length / columns;
    return { features: { rows, columns, data: Float32Array.from(pixels) }, labels: new Uint8Array(rows) };
  },
});

/** Grey pictures around the mean of their class, sorted by class, as own pictures are held out and generated. */
function clusters(seed: number, count: number): PictureSet {
  const labels = Uint8Array.from({ length: count }, (_, i) => Math.floor((4 * i) / count));
  const noise = randomNormals(seed, 1, 0, count * 16);
  const pixels = Uint8Array.from(noise, (value, i) => 40 + 50 * (labels[Math.floor(i / 16)] ?? 0) + 6 * value);
  return setOf(4, 1, pixels, labels);
}

test.each([167, 200, 303, 250])(
  'of %i held-out pictures in the order of their classes none is left out',
  async (held) => {
    const [train, test] = [clusters(1, 600), clusters(2, held)];
    const evaluator = await createEvaluator({ train, test }, byPixels(test), { samples: 500, seen: false });
    const made = clusters(3, 500);
    // In an order in which any part of them is as good as another.
    const keys = randomWords(4, 1, 0, 500);
    const order = Array.from({ length: 500 }, (_, i) => i).sort((i, j) => (keys[i] ?? 0) - (keys[j] ?? 0));
    const mixed = await evaluator.evaluate(pickPictures(made, order).pixels);
    const sorted = await evaluator.evaluate(made.pixels);
    for (const key of ['coverage', 'recall', 'precision'] as const)
      expect([key, Math.abs(sorted[key] - mixed[key]) < 0.05]).toEqual([key, true]);
    expect(sorted.coverage).toBeGreaterThan(0.9);
    expect(Math.abs(evaluator.real.coverage - sorted.coverage)).toBeLessThan(0.05);
    // However many are generated, they are compared in groups of as many as are held out.
    const many = await evaluator.evaluate(clusters(3, 2000).pixels);
    expect(Math.abs(many.coverage - sorted.coverage)).toBeLessThan(0.02);
  },
);

test('pictures that come in families make no copyist of a generator that draws the same families', async () => {
  const size = 32;
  /** Blobs of colour; a tenth of the numbers are of families of ten, whose members are a little brighter or darker. */
  const draw = (seed: number, count: number): PictureSet => {
    const pixels = new Uint8Array(count * size * size * 4).fill(255);
    for (let n = 0; n < count; n++) {
      const family = n % 10 === 0 ? n % 5 : 1000 * seed + n;
      const place = randomNormals(7, family, 0, 12);
      const brighter = 2 * ((n / 10 + seed) % 5);
      for (let i = 0; i < size * size; i++)
        for (let c = 0; c < 3; c++) {
          const [x, y] = [(i % size) - 16, Math.floor(i / size) - 16];
          const [cx = 0, cy = 0, height = 0] = place.subarray(4 * c);
          const level = 120 + x + y + 60 * height * Math.exp(-((x - 8 * cx) ** 2 + (y - 8 * cy) ** 2) / 80);
          pixels[(n * size * size + i) * 4 + c] = Math.max(0, Math.min(255, level + (family < 5 ? brighter : 0)));
        }
    }
    return setOf(size, 4, pixels, new Uint8Array(count));
  };
  const [train, test] = [draw(1, 200), draw(2, 60)];
  const evaluator = await createEvaluator({ train, test }, byPixels(test), { samples: 200 });
  const fresh = await evaluator.evaluate(draw(3, 200).pixels);
  expect(fresh.nearCopies).toBeGreaterThan(0.05);
  expect(evaluator.real.nearCopies).toBeGreaterThan(0.05);
  expect(copies(fresh, evaluator.real.nearCopies)).toBe(false);
  const repeated = await evaluator.evaluate(train.pixels);
  expect(copies(repeated, evaluator.real.nearCopies)).toBe(true);
});
