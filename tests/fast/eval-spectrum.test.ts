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
      for (const [u, value] of expected.row1.entries()) expect(power[size + u]).toBeCloseTo(value, 6);
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
  const half = 14;
  const patterns = {
    nyquist: { at: half * 28 + half, sign: (x: number, y: number) => (x + y) % 2 === 0 },
    horizontal: { at: half, sign: (x: number) => x % 2 === 0 },
    vertical: { at: half * 28, sign: (_: number, y: number) => y % 2 === 0 },
  };

  test.each(Object.entries(patterns))(
    '%s: stripes of amplitude A against flat pictures have power A²N²',
    (_, { at, sign }) => {
      const { power } = spectrum(
        draw(shape, (x, y) => (sign(x, y) ? 130 : 120)),
        shape,
      );
      expect(power[at]).toBeCloseTo(25 * 28 * 28, 6);
      expect(power.reduce((sum, value) => sum + value, 0)).toBeCloseTo(25 * 28 * 28, 6);
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
      const expected = 10 * Math.log10(1 + (9 * 28 * 28) / (before.power[at] ?? 0));
      expect(expected).toBeGreaterThan(6);
      for (const name of ['nyquist', 'horizontal', 'vertical'] as const)
        expect(gap[name]).toBeCloseTo(name === key ? expected : 0, 6);
      expect(gap.upperThird).toBeGreaterThan(0);
    },
  );

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

  test('pixel art enlarged twice has no power at the edge of its spectrum, and is like itself there', () => {
    const size = 8;
    const enlarged = Uint8Array.from({ length: 3 * size * size }, (_, i) => {
      const [n, x, y] = [Math.floor(i / 64), Math.floor((i % 8) / 2), Math.floor((i % 64) / 16)];
      return (37 * (n + 1) * (x + 3 * y + 1)) % 256;
    });
    const shape = { count: 3, width: size, height: size, channels: 1 };
    const real = spectrum(enlarged, shape);
    expect(real.power[4 * size + 4]).toBeLessThan(1e-9);
    expect(spectralGap(real, real)).toEqual({ nyquist: 0, horizontal: 0, vertical: 0, upperThird: 0 });
    const noisy = spectrum(
      enlarged.map((level, i) => level ^ (i % 3 === 0 ? 2 : 0)),
      shape,
    );
    for (const decibels of Object.values(spectralGap(noisy, real))) expect(Number.isFinite(decibels)).toBe(true);
  });

  test('odd sides, other sides and no pictures are one sentence', () => {
    expect(() => spectrum(new Uint8Array(27 * 27), shapeOf(27, 1, 1))).toThrow(
      'expected square pictures of an even side',
    );
    expect(() => spectrum(new Uint8Array(), shapeOf(28, 0, 1))).toThrow('got 0 of 28x28x1');
    expect(() => spectralGap(spectrum(new Uint8Array(16 * 16), shapeOf(16, 1, 1)), before)).toThrow(
      'of 28 pixels, got 16',
    );
  });
});
