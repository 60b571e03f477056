// What pictures stand on is measured from their edges; a ring around a tile is seen on any ground.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Picture } from '../../contract/picture.ts';
import { contrast, measureGround, seenOn } from '../../web/pictures/ground.ts';

/** `edge` gives the colour of the pixels around the rim, `inner` of all others. */
function picture(channels: 1 | 3, edge: (i: number) => number[], inner: number[]): Picture {
  const size = 8;
  const pixels = Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    return x === 0 || y === 0 || x === size - 1 || y === size - 1 ? edge(i) : inner;
  });
  return { width: size, height: size, channels, data: Uint8Array.from(pixels.flat()) };
}

test('a ground is the common colour of the edges, and close to black or white it is black or white', () => {
  const noisy = (level: number) => (i: number) => [level + (i % 3), level, level - (i % 4)];
  expect(measureGround([picture(3, noisy(250), [9, 9, 9])])).toEqual([255, 255, 255]);
  expect(measureGround([picture(1, () => [4], [200])])).toEqual([0, 0, 0]);
  const blue = picture(3, () => [20, 40, 200], [0, 0, 0]);
  expect(measureGround([blue])).toEqual([20, 40, 200]);
  // A thing may reach the edge in places.
  const reaching = picture(3, (i) => (i % 4 === 0 ? [200, 30, 0] : [255, 255, 255]), [200, 30, 0]);
  expect(measureGround([reaching, reaching])).toEqual([255, 255, 255]);
});

test('pictures that are painted to the edge have no ground', () => {
  const painted = picture(3, (i) => [(i * 53) % 256, (i * 101) % 256, (i * 197) % 256], [0, 0, 0]);
  expect(measureGround([painted])).toBeUndefined();
  // Half on white, half on black: neither is everybody's.
  const [white, black] = [picture(1, () => [255], [0]), picture(1, () => [0], [255])];
  expect(measureGround([white, black])).toBeUndefined();
  expect(measureGround([])).toBeUndefined();
});

test('contrast is WCAG 2.2’s ratio', () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 10);
  // The grey that is the usual example of just enough for text on white.
  expect(contrast([118, 118, 118], [255, 255, 255])).toBeCloseTo(4.54, 2);
});

test('on every ground one of black and white is seen, and the accent is taken where it can be', () => {
  const level = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(level, level, level, (r, g, b) => {
      const ring = seenOn(
        [r, g, b],
        [
          [0, 0, 0],
          [255, 255, 255],
        ],
      );
      expect(ring !== undefined && contrast(ring, [r, g, b])).toBeGreaterThanOrEqual(3);
    }),
  );
  const accents = [
    [255, 154, 92],
    [184, 64, 11],
  ] as const;
  expect(seenOn([0, 0, 0], accents)).toEqual(accents[0]);
  expect(seenOn([255, 255, 255], accents)).toEqual(accents[1]);
});
