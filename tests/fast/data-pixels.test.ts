// What decides pixels: size, fit, background, transparency; the record of it; sentences for options that cannot be.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { addDataOptions, dataFlagsOf, loadOptionsOf } from '../../cli/data-options.ts';
import { randomWords } from '../../contract/random.ts';
import { type LoadOptions, loadDataset, pictureSizes } from '../../train/data/index.ts';
import { findNearCopies } from '../../train/data/near-copies.ts';
import { previewSheet } from '../../train/data/preview.ts';
import { encodeTiff } from '../helpers/tiff.ts';
import { plain } from '../helpers/untidy.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-pixels-'));
const cacheDir = join(root, 'cache');
let folder = root;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const load = (options: LoadOptions) => loadDataset(folder, { cacheDir, ...options });
const pixel = (
  { pixels, width, channels }: { pixels: Uint8Array; width: number; channels: number },
  x: number,
  y: number,
) => [...pixels.subarray((y * width + x) * channels, (y * width + x + 1) * channels)];

test.each(pictureSizes)('--size %i', async (size) => {
  await plain().toFile(join(folder, 'a.png'));
  const { train } = await load({ size });
  expect(train).toMatchObject({ width: size, height: size, channels: 3, count: 1 });
  expect(pixel(train, size - 1, size - 1)).toEqual([200, 10, 30]);
});

describe('a wide red picture, transparent on its left', () => {
  beforeEach(async () => {
    const right = await plain({ r: 200, g: 100, b: 50, alpha: 128 / 255 }, 30)
      .png()
      .toBuffer();
    await sharp({ create: { width: 60, height: 30, channels: 4, background: 'transparent' } })
      .composite([{ input: right, left: 30, top: 0 }])
      .png()
      .toFile(join(folder, 'wide.png'));
  });

  test('four channels are premultiplied: colours times alpha, and nothing where nothing is seen', async () => {
    const { train } = await load({ size: 32, channels: 4 });
    expect(pixel(train, 2, 16)).toEqual([0, 0, 0, 0]);
    expect(pixel(train, 30, 16)).toEqual([100, 50, 25, 128]);
    expect(train.options).toEqual({ size: 32, channels: 4, fit: 'cover' });
    expect(train.note).toContain('32x32, colour with transparency');
  });

  test('otherwise they lie on the background, and transparency is suggested only where none was named', async () => {
    const white = await load({ size: 32 });
    expect([pixel(white.train, 2, 16), pixel(white.train, 30, 16)]).toEqual([
      [255, 255, 255],
      [227, 177, 152],
    ]);
    expect(white.train.options).toEqual({ size: 32, channels: 3, fit: 'cover', background: '#ffffff' });
    expect(white.report).toMatchObject({
      withAlpha: 1,
      remarks: [
        '1 of 1 pictures are transparent in places and were laid on white: --transparent keeps that, --background lays them on another colour',
      ],
    });
    const lime = await load({ size: 32, background: 'lime' });
    expect([pixel(lime.train, 2, 16), pixel(lime.train, 30, 16)]).toEqual([
      [0, 255, 0],
      [100, 177, 25],
    ]);
    expect(lime.train.options?.background).toBe('#00ff00');
    expect(lime.report?.remarks).toEqual([]);
    expect(lime.train.note).toContain('colour on #00ff00');
  });

  test('contain shows all of it between transparent bands, which are not taken for its own transparency', async () => {
    const { train } = await load({ size: 32, channels: 4, fit: 'contain' });
    expect(pixel(train, 31, 16)).toEqual([100, 50, 25, 128]);
    expect([pixel(train, 31, 4), pixel(train, 31, 28)]).toEqual([
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(train.note).toContain('fitted and resized to 32x32');
    rmSync(join(folder, 'wide.png'));
    await plain().resize(60, 30, { fit: 'fill' }).toFile(join(folder, 'opaque.png'));
    const opaque = await load({ size: 32, fit: 'contain', background: 'black' });
    expect([pixel(opaque.train, 16, 16), pixel(opaque.train, 16, 2)]).toEqual([
      [200, 10, 30],
      [0, 0, 0],
    ]);
    expect(opaque.report?.withAlpha).toBe(0);
  });

  test('a coloured ground makes grey pictures coloured where it is seen, and a sheet shows a checkerboard', async () => {
    rmSync(join(folder, 'wide.png'));
    await plain({ r: 90, g: 90, b: 90, alpha: 0 }).png().toFile(join(folder, 'clear.png'));
    expect((await load({})).train.channels).toBe(1);
    expect((await load({ background: 'tomato' })).train.channels).toBe(3);
    const { train } = await load({ channels: 4 });
    const sheet = previewSheet(train, { scale: 1 });
    const seen = new Set(
      Array.from({ length: 32 }, (_, x) => sheet.data[(20 * sheet.width + sheet.width - 7 - x) * 3]),
    );
    expect([sheet.channels, [...seen].sort()]).toEqual([3, [204, 255]]);
  });
});

test('the same pixels on every machine, whatever the order in which pictures are read', async () => {
  const [width, height] = [150, 111];
  const words = randomWords(7, 0, 0, width * height);
  // Smooth shapes with noise on them, half of it transparent.
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) => {
    const [at, c] = [i >> 2, i & 3];
    const [x, y] = [at % width, Math.floor(at / width)];
    const noise = ((words[at] ?? 0) >>> (8 * c)) & 63;
    return c === 3 ? (x < 60 ? 255 : (x * 7 + noise) & 255) : ((x * (c + 1) + y * 2) & 191) + noise;
  });
  const picture = sharp(rgba, { raw: { width, height, channels: 4 } });
  const rgb = { width, height, bands: 3, bits: 8, format: 'unsigned', colour: 'rgb' } as const;
  await picture.clone().png().toFile(join(folder, 'a.png'));
  await picture.clone().webp({ lossless: true }).toFile(join(folder, 'b.webp'));
  await picture.clone().removeAlpha().jpeg().toFile(join(folder, 'c.jpg'));
  writeFileSync(join(folder, 'd.tif'), encodeTiff({ ...rgb, samples: rgba.filter((_, i) => i % 4 < 3) }));
  const hash = async (options: LoadOptions): Promise<string> => (await load({ channels: 4, ...options })).train.sha256;
  // Made by sharp 0.34.5 (libvips 8.17.3) on x86-64, with and without libvips's vector code, with one thread and with four.
  expect(await hash({ size: 48 })).toBe('0e5baf10067f8a28f3ee9d1974a794f2a915ca45a62a7b82bc98b88fcf014df8');
  expect(await hash({ size: 128, fit: 'contain' })).toBe(
    'd63107e4abd36f587841a1e99392ec78626e8f00e64bf999d0b15f6397f48447',
  );
});

test.each(['none', '', 'transparent', 'rgba(0, 0, 0, 0.5)', '#12'])(
  '--background %j is one sentence',
  async (background) => {
    await plain().toFile(join(folder, 'a.png'));
    await expect(load({ background })).rejects.toThrow('--background: expected an opaque CSS colour like white');
  },
);

describe('flags', () => {
  const parse = (...args: string[]) =>
    dataFlagsOf(
      addDataOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }))
        .parse(args, { from: 'user' })
        .opts(),
    );

  test('become the options they stand for', () => {
    expect(loadOptionsOf(parse(), 'own')).toEqual({});
    expect(loadOptionsOf(parse('--size', '96', '--fit', 'contain', '--transparent', '--strict'), 'own')).toEqual({
      size: 96,
      fit: 'contain',
      channels: 4,
      strict: true,
    });
    expect(loadOptionsOf(parse('--grey', '--background', 'navy'), 'own')).toEqual({ channels: 1, background: 'navy' });
  });

  test('that would do nothing are refused', () => {
    expect(() => loadOptionsOf(parse('--strict'), 'mnist')).toThrow(
      '--strict: expected a folder or .zip of pictures with it, got mnist, whose pictures are 28x28 and grey',
    );
    expect(() => loadOptionsOf(parse('--transparent', '--grey'), 'own')).toThrow(
      '--transparent: expected it without --grey, got both; leave one of them out',
    );
    expect(() => loadOptionsOf(parse('--transparent', '--background', 'red'), 'own')).toThrow('without --background');
    expect(() => parse('--size', '33')).toThrow('expected 16, 28, 32, 48, 64, 96, 128, got 33');
  });
});

test('near copies are those that a comparison of all pixels and hashes finds: groups of 60 changed pictures', () => {
  const [size, kinds] = [16, 20];
  const count = 3 * kinds;
  const pixels = new Uint8Array(count * size * size * 4);
  for (let i = 0; i < count; i++) {
    // 8x8 random blocks; the second of three is a little lighter, the third is the first one turned upside down.
    const words = randomWords(i % kinds, 0, 0, 64);
    for (let at = 0; at < size * size; at++) {
      const [x, y] = [(at % size) >> 1, Math.floor(at / size) >> 1];
      const word = words[(i < 2 * kinds ? y : 7 - y) * 8 + x] ?? 0;
      const levels = [0, 8, 16].map((shift) =>
        Math.min(255, ((word >>> shift) & 255) + (i >= kinds && i < 2 * kinds ? 9 : 0)),
      );
      pixels.set([...levels, 255], (i * size * size + at) * 4);
    }
  }
  const { group, exact, grouped } = findNearCopies({ count, size, pixels });
  expect(Array.from(group)).toEqual(Array.from({ length: count }, (_, i) => (i < 2 * kinds ? i % kinds : i)));
  expect([exact, grouped]).toEqual([0, 2 * kinds]);
});

test('a folder of a known data set’s name is not taken for it', async () => {
  const own = join(folder, 'mnist');
  mkdirSync(own);
  await plain().toFile(join(own, 'a.png'));
  expect((await loadDataset(own, { cacheDir })).train.name).toBe('own mnist');
});
