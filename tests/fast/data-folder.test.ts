// Own pictures: real PNG and JPEG files written by sharp, read back as a data set.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { classCounts, loadDataset } from '../../train/data/index.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-folder-'));
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
    expect(train.note).toContain(
      '3 own pictures in 2 classes, cropped and resized to 32x32, colour; too few to hold any out',
    );
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

  test('unreadable pictures are named; other files are counted', async () => {
    await write('a/good.png', red);
    writeFileSync(join(folder, 'a', 'broken.png'), 'not a picture');
    writeFileSync(join(folder, 'a', 'empty.jpg'), '');
    await expect(loadDataset(folder)).rejects.toThrow(
      /got 2 unreadable: a\/broken\.png \(.*\), a\/empty\.jpg \(.*\); repair or remove/,
    );
    rmSync(join(folder, 'a', 'broken.png'));
    rmSync(join(folder, 'a', 'empty.jpg'));
    writeFileSync(join(folder, 'a', 'notes.txt'), 'hello');
    writeFileSync(join(folder, 'a', '.DS_Store'), '');
    expect((await loadDataset(folder)).train.note).toContain('; 1 other file was left out');
  });

  test('a truncated JPEG is refused', async () => {
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251));
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    writeFileSync(join(folder, 'cut.jpg'), jpeg.subarray(0, jpeg.length / 2));
    await expect(loadDataset(folder)).rejects.toThrow('got 1 unreadable: cut.jpg');
  });

  test('no pictures, an empty class, loose and sorted pictures together: one sentence each', async () => {
    await expect(loadDataset(folder)).rejects.toThrow('expected pictures (.png .jpg');
    mkdirSync(join(folder, 'dogs'));
    await expect(loadDataset(folder)).rejects.toThrow('dogs: expected at least one picture in each class, got none');
    await write('loose.png', red);
    await expect(loadDataset(folder)).rejects.toThrow('got both (loose.png and dogs/)');
  });

  test('about a tenth is held out; copies stay on one side; adding a picture moves no other', async () => {
    const names = Array.from({ length: 150 }, (_, i) => `${i % 2 ? 'odd' : 'even'}/${1000 + i}.png`);
    for (const [i, name] of names.entries()) await write(name, { r: i, g: (i * 37) % 256, b: 9 }, 2, 2);
    await write('odd/copy.png', { r: 3, g: 111, b: 9 }, 2, 2); // same bytes as picture 3
    const first = await loadDataset(folder, { size: 28 });
    expect(first.train.count + first.test.count).toBe(151);
    expect(first.test.count).toBeGreaterThan(5);
    expect(first.test.count).toBeLessThan(30);
    expect(classCounts(first.train).every((count) => count > 0)).toBe(true);
    const reds = (set: { pixels: Uint8Array; count: number }): number[] =>
      Array.from({ length: set.count }, (_, i) => set.pixels[i * 28 * 28 * 3] ?? -1);
    expect(reds(first.test).filter((value) => reds(first.train).includes(value))).toEqual([]);

    await write('odd/0-new.png', { r: 250, g: 250, b: 1 }, 2, 2);
    const second = await loadDataset(folder, { size: 28 });
    expect(reds(second.test).filter((value) => value !== 250)).toEqual(reds(first.test));
    expect(second.train.sha256).not.toBe(first.train.sha256);
  });
});
