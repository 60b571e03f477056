// Power spectra against NumPy's (eval-spectrum.json, written by eval-spectrum.py) and against patterns whose power is known.
import { describe, expect, test } from 'vitest';
import { type PictureShape, spectralGap, spectrum } from '../../train/eval/spectrum.ts';
import reference from './eval-spectrum.json' with { type: 'json' };

/** The same bytes as `levels` in eval-spectrum.py. */
function levels(seed: number, count: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

const shapeOf = (size: number, count: number, channels: number): PictureShape => ({
  count,
  width: size,
  height: size,
  channels,
});

/** A level for every pixel of every picture and channel. */
function draw(
  { count, width, height, channels }: PictureShape,
  level: (x: number, y: number, i: number) => number,
): Uint8Array {
  return Uint8Array.from({ length: count * width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return level(pixel % width, Math.floor(pixel / width) % height, i);
  });
}

describe.each(reference.cases)(
  '$count pictures of $size px, $channels channels',
  ({ size, count, channels, ...expected }) => {
    const shape = shapeOf(size, count, channels);
    const real = levels(7, count * size * size * channels);
    const generated = draw(shape, (x, _, i) =>
      Math.floor(((real[i] ?? 0) + 2 * (real[x === 0 ? i + (size - 1) * channels : i - channels] ?? 0)) / 4),
    );

    test('power and gaps are NumPy’s', () => {
      const { power } = spectrum(real, shape);
      for (const [u, value] of expected.row1.entries()) expect(power[size / 2 + u]).toBeCloseTo(value, 6);
      const gap = spectralGap(spectrum(generated, shape), spectrum(real, shape));
      for (const key of ['nyquist', 'horizontal', 'vertical', 'upperThird'] as const)
        expect(gap[key]).toBeCloseTo(expected[key], 8);
    });
  },
);

describe('known patterns', () => {
  const shape = shapeOf(28, 4, 3);
  const real = levels(3, 4 * 28 * 28 * 3).map((level) => 100 + (level >> 3));
  const before = spectrum(real, shape);
  /** Of a part's side. */
  const side = 14;
  const half = side / 2;
  /** What one frequency has of a pattern of amplitude 1: a third of what it would have without the window goes to those beside it. */
  const peak = (side * 2) ** 2 / 9;
  const patterns = {
    nyquist: { at: half * side + half, sign: (x: number, y: number) => (x + y) % 2 === 0 },
    horizontal: { at: half, sign: (x: number) => x % 2 === 0 },
    vertical: { at: half * side, sign: (_: number, y: number) => y % 2 === 0 },
  };

  test.each(Object.entries(patterns))(
    '%s: stripes of amplitude A against flat pictures have power A²N², spread by the window',
    (_, { at, sign }) => {
      const { power } = spectrum(
        draw(shape, (x, y) => (sign(x, y) ? 130 : 120)),
        shape,
      );
      expect(power[at]).toBeCloseTo(25 * peak, 6);
      expect(power.reduce((sum, value) => sum + value, 0)).toBeCloseTo(25 * side * side, 6);
    },
  );

  // The pattern's sign is random from picture to picture here: cross terms with the picture cancel in pairs.
  test.each(Object.entries(patterns))(
    '%s: adding it raises that number by what its power says, and no other Nyquist frequency',
    (key, { at, sign }) => {
      const withPattern = (amplitude: number): Uint8Array =>
        draw(shape, (x, y, i) => (real[i] ?? 0) + (sign(x, y) ? amplitude : -amplitude));
      const both = new Uint8Array([...withPattern(3), ...withPattern(-3)]);
      const gap = spectralGap(spectrum(both, shapeOf(28, 8, 3)), before);
      const expected = 10 * Math.log10(1 + (9 * peak) / (before.power[at] ?? 0));
      expect(expected).toBeGreaterThan(6);
      for (const name of ['nyquist', 'horizontal', 'vertical'] as const)
        expect(gap[name]).toBeCloseTo(name === key ? expected : 0, 6);
      expect(gap.upperThird).toBeGreaterThan(0);
    },
  );

  test('a picture that is its own mirror image is no other than one that is not', () => {
    const shape = shapeOf(32, 200, 1);
    const noise = levels(11, 200 * 32 * 32);
    const mirrored = draw(shape, (x, _, i) => noise[i - x + Math.min(x, 31 - x)] ?? 0);
    const gap = spectralGap(spectrum(noise, shape), spectrum(mirrored, shape));
    // Of whole pictures, those that mirror themselves would have nothing where columns alternate.
    for (const decibels of Object.values(gap)) expect(Math.abs(decibels)).toBeLessThan(2.5);
  });

  test('half the contrast is −6.02 dB everywhere, whatever the brightness', () => {
    const evenLevels = real.map((level) => level & ~1);
    const gap = spectralGap(
      spectrum(
        evenLevels.map((level) => level / 2),
        shape,
      ),
      spectrum(evenLevels, shape),
    );
    for (const value of Object.values(gap)) expect(value).toBeCloseTo(-20 * Math.log10(2), 8);
  });

  test('pictures of one colour each have no power, and are like themselves', () => {
    const shape = shapeOf(8, 3, 1);
    const flat = draw(shape, (_x, _y, i) => 40 * Math.floor(i / 64));
    const real = spectrum(flat, shape);
    expect(Math.max(...real.power)).toBeLessThan(1e-9);
    expect(spectralGap(real, real)).toEqual({ nyquist: 0, horizontal: 0, vertical: 0, upperThird: 0 });
    const noisy = spectrum(
      flat.map((level, i) => level ^ (i % 3 === 0 ? 2 : 0)),
      shape,
    );
    for (const decibels of Object.values(spectralGap(noisy, real))) expect(Number.isFinite(decibels)).toBe(true);
  });

  test('odd sides, other sides and no pictures are one sentence', () => {
    expect(() => spectrum(new Uint8Array(27 * 27), shapeOf(27, 1, 1))).toThrow(
      'expected square pictures with a side of a multiple of 4',
    );
    expect(() => spectrum(new Uint8Array(), shapeOf(28, 0, 1))).toThrow('got 0 of 28x28x1');
    expect(() => spectralGap(spectrum(new Uint8Array(16 * 16), shapeOf(16, 1, 1)), before)).toThrow(
      'of 28 pixels, got 16',
    );
  });
});
