// Transparency: premultiplied ↔ straight levels, and what is seen of a picture on a ground.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { premultiply, straighten } from '../../contract/alpha.ts';
import { backgroundName, onBackground, parseBackground, WHITE } from '../../contract/background.ts';
import { contactSheet, type Picture } from '../../contract/picture.ts';
import { levelsOf, pictureOf, toPictures } from '../../contract/pixels.ts';

const level = fc.integer({ min: 0, max: 255 });
const pixels = fc.array(fc.tuple(level, level, level, level), { minLength: 1, maxLength: 50 });
const flat = (list: number[][]) => Uint8Array.from(list.flat());

describe('premultiplied and straight levels', () => {
  test('every colour a network can give comes back: all 32,896 pairs of a level and an alpha', () => {
    for (let a = 0; a < 256; a++)
      for (let p = 0; p <= a; p++) {
        const there = straighten(Uint8Array.of(p, 0, a, a));
        if (premultiply(there).join() !== [p, 0, a, a].join()) expect.fail(`level ${p} of alpha ${a}`);
        if (a > 0 && there[0] !== Math.round((p * 255) / a)) expect.fail(`level ${p} of alpha ${a}: ${there[0]}`);
      }
  });

  test('premultiplying is the rounded product: all 65,536 pairs', () => {
    for (let a = 0; a < 256; a++)
      for (let c = 0; c < 256; c++)
        if (premultiply(Uint8Array.of(c, 0, 0, a))[0] !== Math.round((c * a) / 255)) expect.fail(`${c} × ${a}`);
  });

  test('pixels are independent, inputs stay as they are, opaque ones do not change', () => {
    fc.assert(
      fc.property(pixels, (list) => {
        const data = flat(list);
        const before = data.slice();
        const straight = straighten(data);
        const alone = list.map((pixel) => [...straighten(Uint8Array.from(pixel))]);
        expect([...straight]).toEqual(alone.flat());
        expect(straighten(premultiply(straight))).toEqual(straight);
        expect(data).toEqual(before);
        const opaque = flat(list.map(([r, g, b]) => [r ?? 0, g ?? 0, b ?? 0, 255]));
        expect([premultiply(opaque), straighten(opaque)]).toEqual([opaque, opaque]);
      }),
    );
  });

  test('a colour above its alpha counts as the alpha, and nothing is seen at alpha 0', () => {
    expect([...straighten(Uint8Array.of(200, 100, 50, 100))]).toEqual([255, 255, 128, 100]);
    expect([...straighten(Uint8Array.of(200, 100, 50, 0))]).toEqual([0, 0, 0, 0]);
  });
});

describe('pictures of four channels', () => {
  test('are straight RGBA made of a premultiplied output', () => {
    const output = Float32Array.from([0, 64, 0, 64, 0, 128, 0, 128], (value) => value / 127.5 - 1); // [1, 4, 1, 2]
    const [picture] = toPictures(output, 1, { width: 2, height: 1, channels: 4 });
    expect([...(picture?.data ?? [])]).toEqual([0, 0, 0, 0, 128, 128, 255, 128]);
    expect([...levelsOf(picture ?? { channels: 4, data: new Uint8Array() })]).toEqual([0, 0, 0, 0, 64, 64, 128, 128]);
  });

  test('of other channels keep their levels', () => {
    const levels = Uint8Array.of(1, 2, 3);
    const picture = pictureOf(levels, { width: 1, height: 1, channels: 3 });
    expect([picture.data, levelsOf(picture)]).toEqual([levels, levels]);
  });

  test('stand on a sheet with nothing between them', () => {
    const dot: Picture = { width: 1, height: 1, channels: 4, data: Uint8Array.of(9, 8, 7, 255) };
    expect([...contactSheet([dot, dot], 2, 1).data]).toEqual([9, 8, 7, 255, 0, 0, 0, 0, 9, 8, 7, 255]);
  });
});

describe('backgrounds', () => {
  test.each([
    ['checkerboard', 'checkerboard'],
    ['White', 'ffffff'],
    ['black', '000000'],
    ['#f80', 'ff8800'],
    ['FF8800', 'ff8800'],
    ['#0a0B0c', '0a0b0c'],
  ])('%s is %s', (text, name) => {
    expect(backgroundName(parseBackground(text))).toBe(name);
  });

  test.each(['', 'ff', 'ffff', '#ff88001', 'red', 'constructor'])('%j is refused', (text) => {
    expect(() => parseBackground(text)).toThrow(
      `background: expected checkerboard, white, black or a colour such as ff8800, got ${text}`,
    );
  });

  test('mix with what lies on them as the formula says, to the nearest level', () => {
    fc.assert(
      fc.property(pixels, fc.tuple(level, level, level), (list, ground) => {
        const picture = { width: list.length, height: 1, channels: 4, data: flat(list) };
        const seen = onBackground(picture, ground);
        expect(seen.channels).toBe(3);
        list.forEach(([r = 0, g = 0, b = 0, a = 0], i) => {
          const expected = [r, g, b].map((c, k) => Math.round((c * a + (ground[k] ?? 0) * (255 - a)) / 255));
          expect([...seen.data.subarray(3 * i, 3 * i + 3)]).toEqual(expected);
        });
      }),
    );
  });

  test('the checkerboard has squares of eight pixels, white at the top left, hidden by what is opaque', () => {
    const clear: Picture = { width: 17, height: 9, channels: 4, data: new Uint8Array(17 * 9 * 4) };
    clear.data.set([1, 2, 3, 255], 0);
    const { data } = onBackground(clear, 'checkerboard');
    const at = (x: number, y: number) => [...data.subarray((y * 17 + x) * 3, (y * 17 + x) * 3 + 3)];
    expect(at(0, 0)).toEqual([1, 2, 3]);
    expect([at(7, 7), at(16, 0), at(8, 8)]).toEqual(Array(3).fill([255, 255, 255]));
    expect([at(8, 0), at(15, 7), at(0, 8)]).toEqual(Array(3).fill([217, 217, 217]));
  });

  test('a picture without alpha is what it was', () => {
    const grey: Picture = { width: 1, height: 1, channels: 1, data: Uint8Array.of(7) };
    expect(onBackground(grey, WHITE)).toBe(grey);
  });
});
