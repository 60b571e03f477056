// Output → pixels → PNG, and the sheets and enlargements made of pictures.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../contract/errors.ts';
import { contactSheet, type Picture, scaleUp } from '../../contract/picture.ts';
import { toLevel, toPictures } from '../../contract/pixels.ts';
import { decodePng, encodePng } from '../../contract/png.ts';

const anyPicture = fc
  .record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
    channels: fc.integer({ min: 1, max: 4 }),
  })
  .chain(({ width, height, channels }) => {
    const length = width * height * channels;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((data): Picture => ({ width, height, channels, data }));
  });

describe('the rounding rule', () => {
  test.each([
    [-1, 0],
    [0, 128],
    [1, 255],
    [-1.5, 0],
    [1.5, 255],
    [Number.POSITIVE_INFINITY, 255],
    [Number.NEGATIVE_INFINITY, 0],
    [2 / 255 - 1, 1],
    [0.999 / 255 - 1, 0],
  ])('maps %d to %d', (x, level) => {
    expect(toLevel(x)).toBe(level);
  });

  test('gives every level back that level / 127.5 - 1 came from', () => {
    for (let level = 0; level < 256; level++) expect(toLevel(Math.fround(level / 127.5 - 1))).toBe(level);
  });

  test('reads [batch, channels, height, width] into interleaved pictures', () => {
    const level = (value: number) => value / 127.5 - 1;
    const output = Float32Array.from([10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 61], level); // [2, 3, 1, 2]
    const pictures = toPictures(output, 2, { width: 2, height: 1, channels: 3 });
    expect(pictures.map((p) => [...p.data])).toEqual([
      [10, 20, 30, 11, 21, 31],
      [40, 50, 60, 41, 51, 61],
    ]);
  });

  test('refuses NaN and a wrong size instead of drawing black', () => {
    expect(() => toPictures(Float32Array.of(0, Number.NaN), 1, { width: 2, height: 1, channels: 1 })).toThrow(
      'output: expected numbers, got NaN in picture 0',
    );
    expect(() => toPictures(new Float32Array(3), 1, { width: 2, height: 1, channels: 1 })).toThrow('expected 2');
  });
});

describe('PNG', () => {
  test('keeps every pixel of every kind of picture', () => {
    fc.assert(
      fc.property(anyPicture, (picture) => {
        expect(decodePng(encodePng(picture))).toEqual(picture);
      }),
    );
  });

  test('does not change its bytes: a 2x1 grey picture', () => {
    // Read back with Python's zlib: IHDR 2x1 8-bit grey, one IDAT holding filter 0 and levels 00 ff, IEND, CRCs right.
    const bytes = encodePng({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 255) });
    expect(Buffer.from(bytes).toString('hex')).toMatchInlineSnapshot(
      `"89504e470d0a1a0a0000000d4948445200000002000000010800000000d14920560000000b49444154789c6360f80f000102010042bebc680000000049454e44ae426082"`,
    );
  });
});

describe('scaleUp', () => {
  test('repeats each pixel in both directions', () => {
    fc.assert(
      fc.property(anyPicture, fc.integer({ min: 1, max: 4 }), (picture, factor) => {
        const large = scaleUp(picture, factor);
        expect([large.width, large.height]).toEqual([picture.width * factor, picture.height * factor]);
        for (let y = 0; y < large.height; y++)
          for (let x = 0; x < large.width; x++)
            for (let c = 0; c < picture.channels; c++) {
              const small = (Math.floor(y / factor) * picture.width + Math.floor(x / factor)) * picture.channels + c;
              if (large.data[(y * large.width + x) * picture.channels + c] !== picture.data[small])
                expect.fail(`pixel ${x}, ${y}, ${c}`);
            }
      }),
    );
  });

  test('refuses a factor that is not a positive integer', () => {
    const picture = { width: 1, height: 1, channels: 1, data: new Uint8Array(1) };
    for (const factor of [0, -1, 1.5, Number.NaN]) expect(() => scaleUp(picture, factor)).toThrow(UserError);
  });
});

describe('contactSheet', () => {
  const dot = (level: number): Picture => ({ width: 1, height: 1, channels: 1, data: Uint8Array.of(level) });

  test('lays pictures row by row with white between and after them', () => {
    const sheet = contactSheet([dot(1), dot(2), dot(3)], 2, 1);
    expect([sheet.width, sheet.height]).toEqual([3, 3]);
    expect([...sheet.data]).toEqual([1, 255, 2, 255, 255, 255, 3, 255, 255]);
  });

  test('is no wider than its pictures', () => {
    expect(contactSheet([dot(1), dot(2)], 8).width).toBe(2);
  });

  test('refuses pictures of different sizes and an empty list', () => {
    expect(() => contactSheet([dot(1), scaleUp(dot(1), 2)], 2)).toThrow('expected pictures of 1x1x1, got 2x2x1');
    expect(() => contactSheet([], 2)).toThrow(UserError);
  });
});
