// What the discriminator is shown: each change against a plain computation of it, on straight and premultiplied colours.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { useBackend } from '../../train/engines/tfjs.ts';
import {
  AUGMENTATIONS,
  type Augmentation,
  augment,
  augmentationShapes,
  createAugmenter,
} from '../../train/nn/augmentation.ts';

const SIZE = 16;
const STREAMS = { words: 20, normals: 21 };
const positions = Array.from({ length: 64 }, (_, i) => i);

/** Pixels in [-1, 1]; with four channels none has more colour than alpha. */
function pictures(channels: number): Float32Array {
  const out = new Float32Array(positions.length * SIZE * SIZE * channels);
  for (let i = 0; i < out.length; i++) out[i] = (((i * 2654435761) >>> 8) & 255) / 127.5 - 0.999; // never empty
  if (channels === 4)
    for (let i = 0; i < out.length; i += 4)
      for (let c = 0; c < 3; c++) out[i + c] = Math.min(out[i + c] ?? 0, out[i + 3] ?? 0);
  return out;
}

function seen(kinds: readonly Augmentation[], channels: number, probability: number, x: Float32Array): Float32Array {
  const augmenter = createAugmenter({ kinds, size: SIZE, channels }, positions.length, 1, STREAMS);
  const values = augmenter(positions, probability);
  const shapes = augmentationShapes({ kinds, size: SIZE, channels }, positions.length);
  return tf.tidy(() => {
    const inputs = Object.fromEntries(
      Object.entries(values).map(([name, v]) => [name, tf.tensor(v, [...(shapes[name] ?? [])])]),
    );
    return augment(inputs, tf.tensor4d(x, [64, SIZE, SIZE, channels]), 0)
      .dataSync()
      .slice() as Float32Array;
  });
}

const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] ?? Number.NaN))), 0);
const at = (x: Float32Array, channels: number, i: number, row: number, column: number): number[] => {
  const start = ((i * SIZE + row) * SIZE + column) * channels;
  return [...x.subarray(start, start + channels)];
};

beforeAll(() => useBackend('cpu'));

describe.each([1, 3, 4])('%i channels', (channels) => {
  const x = pictures(channels);

  test('with probability 0 every picture stays as it is', () => {
    expect(largest(seen(AUGMENTATIONS, channels, 0, x), x)).toBeLessThan(1e-6);
  });

  test('about the share asked for is mirrored, half of the times that mirroring is drawn, and exactly', () => {
    const y = seen(['mirror'], channels, 0.8, x);
    let mirrored = 0;
    for (const i of positions) {
      const asIs = at(x, channels, i, 3, 1).every((v, c) => Math.abs(v - (at(y, channels, i, 3, 1)[c] ?? 9)) < 1e-6);
      const source = asIs ? 1 : SIZE - 2;
      expect(at(y, channels, i, 3, 1)).toEqual(at(x, channels, i, 3, source));
      if (!asIs) mirrored++;
    }
    expect(mirrored / positions.length).toBeGreaterThan(0.25);
    expect(mirrored / positions.length).toBeLessThan(0.55);
  });

  test('a shifted picture is its own neighbourhood, mirrored at the border', () => {
    const y = seen(['shift'], channels, 1, x);
    const reflect = (k: number): number => (k < 0 ? -1 - k : k >= SIZE ? 2 * SIZE - 1 - k : k);
    let moved = 0;
    for (const i of positions) {
      const found = Array.from({ length: 25 }, (_, k) => [Math.floor(k / 5) - 2, (k % 5) - 2] as const).find(
        ([down, right]) =>
          [0, 5, SIZE - 1].every((row) =>
            [0, 7, SIZE - 1].every((column) => {
              const [a, b] = [
                at(y, channels, i, row, column),
                at(x, channels, i, reflect(row - down), reflect(column - right)),
              ];
              return a.every((v, c) => Math.abs(v - (b[c] ?? 9)) < 1e-6);
            }),
          ),
      );
      expect(found).toBeDefined();
      if (found && (found[0] !== 0 || found[1] !== 0)) moved++;
    }
    expect(moved).toBeGreaterThan(50);
  });

  test('moved and scaled pictures are mixtures of their pixels: one value in every place stays', () => {
    const flat = new Float32Array(x.length).fill(0.3);
    const y = seen(['mirror', 'shift', 'fractional-shift', 'scale', 'aspect'], channels, 1, flat);
    expect(largest(y, flat)).toBeLessThan(1e-6);
  });

  test('a cutout is a square of half the side, empty', () => {
    const y = seen(['cutout'], channels, 1, x);
    const empty = channels === 4 ? -1 : 0;
    const cut = positions.map((i) => {
      const own = Array.from({ length: SIZE * SIZE }, (_, p) => at(y, channels, i, Math.floor(p / SIZE), p % SIZE));
      return own.filter((pixel) => pixel.every((v) => v === empty)).length;
    });
    expect(Math.max(...cut)).toBe(64);
    expect(Math.min(...cut)).toBeGreaterThanOrEqual(16); // at least a corner
  });
});

test('premultiplied colours change as the straight ones do', () => {
  const opaque = pictures(3);
  const straight = seen(['colour'], 3, 0.7, opaque);
  const alpha = 0.25; // in [0, 1]
  const clear = new Float32Array((opaque.length / 3) * 4);
  for (let p = 0; p < opaque.length / 3; p++) {
    for (let c = 0; c < 3; c++) clear[4 * p + c] = ((opaque[3 * p + c] ?? 0) + 1) * alpha - 1;
    clear[4 * p + 3] = 2 * alpha - 1;
  }
  const changed = seen(['colour'], 4, 0.7, clear);
  expect(largest(straight, opaque)).toBeGreaterThan(0.5);
  for (let p = 0; p < opaque.length / 3; p += 37) {
    expect(changed[4 * p + 3]).toBeCloseTo(2 * alpha - 1, 6);
    for (let c = 0; c < 3; c++)
      expect(((changed[4 * p + c] ?? 0) + 1) / alpha - 1).toBeCloseTo(straight[3 * p + c] ?? Number.NaN, 5);
  }
});

test('what is invisible stays so, whatever the colours do', () => {
  const nothing = new Float32Array(positions.length * SIZE * SIZE * 4).fill(-1);
  expect(largest(seen(AUGMENTATIONS, 4, 1, nothing), nothing)).toBeLessThan(1e-6);
});

test('grey stays grey under every change of colour, and takes the contrast and brightness of grey', () => {
  const grey = pictures(1);
  const rgb = new Float32Array(grey.length * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = grey[Math.floor(i / 3)] ?? 0;
  const [one, three] = [seen(['colour'], 1, 0.7, grey), seen(['colour'], 3, 0.7, rgb)];
  for (let i = 0; i < three.length; i += 41) expect(three[i]).toBeCloseTo(one[Math.floor(i / 3)] ?? Number.NaN, 5);
});
