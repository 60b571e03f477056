// Own pictures: real PNG and JPEG files written by sharp, read back as a data set.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { randomWords } from '../../contract/random.ts';
import { classCounts, type LoadOptions, loadDataset, pickPictures, pictureSet } from '../../train/data/index.ts';
import { premultiplied } from '../../train/data/near-copies.ts';
import { pixelDigests, splitPictures } from '../../train/data/split.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-folder-'));
process.env.POCKETGEN_CACHE = join(root, 'cache');
let folder = root;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true }));

type Colour = { r: number; g: number; b: number; alpha?: number };

async function write(name: string, background: Colour, width = 40, height = 40): Promise<void> {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const channels = background.alpha === undefined ? 3 : 4;
  await sharp({ create: { width, height, channels, background } }).toFile(path);
}
/** 4x4 fields unlike those of any other `red`, which is the level of the first one; `side` pixels in all. */
async function writeArt(name: string, red: number, side = 4): Promise<void> {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const words = randomWords(red, 0, 0, 48);
  const pixels = Uint8Array.from(words, (word, i) => (i === 0 ? red : word & 255));
  const art = sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } });
  await art.resize(side, side, { kernel: 'nearest' }).toFile(path);
}
const red = { r: 200, g: 10, b: 30 };
const grey = { r: 90, g: 90, b: 90 };

describe('a folder of own pictures', () => {
  test('sub-folders are classes, in name order, and colours survive', async () => {
    await write('cats/b.png', red);
    await write('cats/a.jpg', grey);
    await write('birds/deep/c.webp', grey, 64, 32);
    const { train, test: held } = await loadDataset(folder, { size: 32 });
    expect(train).toMatchObject({ classes: ['birds', 'cats'], width: 32, height: 32, channels: 3, count: 3 });
    expect([...train.labels]).toEqual([0, 1, 1]);
    expect([...train.pixels.subarray(2 * 32 * 32 * 3, 2 * 32 * 32 * 3 + 3)]).toEqual([200, 10, 30]);
    expect(held.count).toBe(0);
    expect(train.note).toContain('3 own pictures in 2 classes, cropped and resized to 32x32, colour; ');
    expect(train.note).toContain('too few to hold any out');
  });

  test('grey pictures alone give one channel; one picture and no classes work', async () => {
    await write('only.png', grey, 5, 9);
    const { train } = await loadDataset(folder, { size: 28 });
    expect(train).toMatchObject({ classes: [], width: 28, channels: 1, count: 1 });
    expect([...new Set(train.pixels)]).toEqual([90]);
  });

  test('one class works', async () => {
    await write('cats/a.png', red);
    const { train } = await loadDataset(folder);
    expect(train).toMatchObject({ classes: ['cats'], count: 1, width: 32 });
  });

  test('transparent pixels become white', async () => {
    await write('clear.png', { r: 0, g: 0, b: 0, alpha: 0 });
    const { train } = await loadDataset(folder);
    expect([...new Set(train.pixels)]).toEqual([255]);
  });

  test('a wide picture is cropped around its centre', async () => {
    const left = await sharp({ create: { width: 20, height: 30, channels: 3, background: red } })
      .png()
      .toBuffer();
    await sharp({ create: { width: 90, height: 30, channels: 3, background: grey } })
      .composite([{ input: left, left: 0, top: 0 }])
      .png()
      .toFile(join(folder, 'wide.png'));
    const { train } = await loadDataset(folder, { size: 28, channels: 3 });
    expect([...new Set(train.pixels)]).toEqual([90]);
  });

  test('small pixel art is enlarged without blur', async () => {
    const art = Buffer.from([0, 255, 255, 0]);
    await sharp(art, { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toFile(join(folder, 'art.png'));
    const { train } = await loadDataset(folder, { size: 28 });
    expect([...new Set(train.pixels)].sort((a, b) => a - b)).toEqual([0, 255]);
  });

  test('16-bit pictures are read as 8-bit', async () => {
    const deep = Uint16Array.from({ length: 100 }, () => 0x8080);
    await sharp(deep, { raw: { width: 10, height: 10, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toFile(join(folder, 'deep.png'));
    const { train } = await loadDataset(folder);
    expect([...new Set(train.pixels)]).toEqual([128]);
  });

  test('other files are counted, those of the system are not', async () => {
    await write('a/good.png', red);
    writeFileSync(join(folder, 'a', 'notes.txt'), 'hello');
    writeFileSync(join(folder, 'a', '.DS_Store'), '');
    expect((await loadDataset(folder)).train.note).toContain('; 1 other file was left out');
  });

  test('no pictures, loose and sorted pictures together: one sentence each', async () => {
    await expect(loadDataset(folder)).rejects.toThrow(
      `${folder}: expected pictures (PNG, JPEG, WebP, GIF, AVIF, TIFF, SVG, BMP), got none`,
    );
    mkdirSync(join(folder, 'dogs'));
    await expect(loadDataset(folder)).rejects.toThrow('got none, only dogs/ (no pictures in it)');
    await write('cats/a.png', red);
    await write('loose.png', red);
    await expect(loadDataset(folder)).rejects.toThrow('got both (loose.png and cats/)');
  });

  test('small sets hold a fifth out; copies stay on one side; adding a picture moves no other', async () => {
    const names = Array.from({ length: 150 }, (_, i) => `${i % 2 ? 'odd' : 'even'}/${1000 + i}.png`);
    for (const [i, name] of names.entries()) await writeArt(name, i);
    await writeArt('odd/copy.png', 3);
    const first = await loadDataset(folder, { size: 28, channels: 3 });
    expect(first.train.count + first.test.count).toBe(151);
    expect(first.test.count).toBeGreaterThan(15);
    expect(first.test.count).toBeLessThan(50);
    expect(first.report).toMatchObject({ exactCopies: 1, copies: [['odd/1003.png', 'odd/copy.png']] });
    expect(classCounts(first.train).every((count) => count > 0)).toBe(true);
    const reds = (set: { pixels: Uint8Array; count: number }): number[] =>
      Array.from({ length: set.count }, (_, i) => set.pixels[i * 28 * 28 * 3] ?? -1);
    expect(reds(first.test).filter((value) => reds(first.train).includes(value))).toEqual([]);

    await writeArt('odd/0-new.png', 250);
    const second = await loadDataset(folder, { size: 28, channels: 3 });
    expect(reds(second.test).filter((value) => value !== 250)).toEqual(reds(first.test));
    expect(second.train.sha256).not.toBe(first.train.sha256);
  });

  test('the same pictures are held out at any size, so a model that grows is not judged by what it was trained on', async () => {
    for (let i = 0; i < 150; i++) await writeArt(`${i % 2 ? 'odd' : 'even'}/${1000 + i}.png`, i, 64);
    const heldOut = async (options: LoadOptions): Promise<number[]> => {
      const { test: held } = await loadDataset(folder, options);
      const bytes = held.pixels.length / held.count;
      return Array.from({ length: held.count }, (_, i) => held.pixels[i * bytes] ?? -1);
    };
    const small = await heldOut({ size: 16, channels: 3 });
    expect(small.length).toBeGreaterThan(15);
    expect(await heldOut({ size: 64, channels: 4, fit: 'contain' })).toEqual(small);
  });

  test('pictures that a model was trained on when they were split by their pixels are split so for it', async () => {
    for (let i = 0; i < 150; i++) await writeArt(`art/${1000 + i}.png`, i);
    const options: LoadOptions = { size: 28, channels: 3 };
    const { train, test: held } = await loadDataset(folder, options);
    const bytes = 28 * 28 * 3;
    const inOrder = [train, held]
      .flatMap((set) => Array.from({ length: set.count }, (_, i) => set.pixels.subarray(i * bytes, (i + 1) * bytes)))
      .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
    const pixels = Uint8Array.from(inOrder.flatMap((picture) => [...picture]));
    const all = pictureSet({ ...train, pixels, labels: new Uint8Array(150) });
    const pictures = premultiplied(all);
    const before = pickPictures(all, splitPictures(pictures, all.labels, pixelDigests(pictures)).train);
    expect(before.sha256).not.toBe(train.sha256);
    const asBefore = await loadDataset(folder, { ...options, trainedOn: before.sha256 });
    expect(asBefore.train.sha256).toBe(before.sha256);
    const other = await loadDataset(folder, { ...options, trainedOn: 'f'.repeat(64) });
    expect(other.train.sha256).toBe(train.sha256);
  });

  test('a class whose pictures are all nearly the same is not held out as a whole', async () => {
    for (let i = 0; i < 90; i++) await writeArt(`art/${i}.png`, i);
    for (let i = 0; i < 30; i++) await write(`plain/${i}.png`, { r: 100 + i, g: 90, b: 80 }, 2, 2);
    const { train, test: held } = await loadDataset(folder, { size: 28 });
    expect(classCounts(train)[1]).toBe(30);
    expect(classCounts(held)[1]).toBe(0);
    expect(held.count).toBeGreaterThan(5);
  });
});
