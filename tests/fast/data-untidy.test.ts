// The untidy folder: every kind of file that people have beside their pictures, as a folder and as a zip. What is used,
// what is left out, and what is said.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatasetSplits, loadDataset, reportLines } from '../../train/data/index.ts';
import { litter, readableFiles, unreadableFiles } from '../helpers/untidy.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-untidy-'));
const folder = join(root, 'my pictures');
const zip = join(root, 'my pictures.zip');
const cacheDir = join(root, 'cache');
const size = 32;
afterAll(() => rmSync(root, { recursive: true }));

let readable: Record<string, Buffer>;
let unreadable: Awaited<ReturnType<typeof unreadableFiles>>;

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

beforeAll(async () => {
  readable = await readableFiles();
  unreadable = await unreadableFiles();
  const files = {
    ...readable,
    ...Object.fromEntries(Object.entries(unreadable).map(([path, [bytes]]) => [path, bytes])),
    ...litter,
    'notes.txt': Buffer.from('hello'),
    'cats/source.psdx': Buffer.from('hello'),
  };
  for (const [path, bytes] of Object.entries(files)) write(join(folder, path), bytes);
  // As Finder makes them: all in a folder of the zip's name.
  writeFileSync(
    zip,
    zipSync(Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`my pictures/${path}`, bytes]))),
  );

  mkdirSync(join(folder, 'empty'));
  execFileSync('mkfifo', [join(folder, 'cats', 'pipe.png')]);
  symlinkSync('nowhere.png', join(folder, 'cats', 'lost.png'));
  symlinkSync('..', join(folder, 'cats', 'loop'));
  write(join(root, 'elsewhere', 'linked.png'), readable['cats/shouting.PNG'] ?? Buffer.alloc(0));
  symlinkSync(join(root, 'elsewhere'), join(folder, 'birds'));
  symlinkSync(join(root, 'elsewhere', 'linked.png'), join(folder, 'birds-too.png.link'));
});

/** Colour at the top left of a picture of three channels, by its path: all are in the training set. */
function topLeft({ train }: DatasetSplits, paths: string[], path: string): number[] {
  const at = paths.indexOf(path) * size * size * 3;
  return [...train.pixels.subarray(at, at + 3)];
}

const sorted = (paths: string[]): string[] => [...paths].sort((a, b) => (a < b ? -1 : 1));
/** Paths in the order of classes, which is that of their names' code units. */
const inOrder = (extra: string[]): string[] => sorted([...Object.keys(readable), ...extra]);

describe.each(['folder', 'zip'])('the untidy %s', (kind) => {
  const source = kind === 'zip' ? zip : folder;
  let splits: DatasetSplits;
  beforeAll(async () => {
    splits = await loadDataset(source, { size, channels: 3, cacheDir });
  });
  const own = (paths: string[]): string[] => (kind === 'zip' ? paths.map((path) => `my pictures/${path}`) : paths);

  test('uses all that can be read, by class, in names of any script', () => {
    const linked = kind === 'zip' ? [] : ['birds'];
    expect(splits.train.classes).toEqual([...linked, 'cats', 'dogs and more', 'Ёлки', '猫']);
    expect(splits.train.count).toBe(Object.keys(readable).length + linked.length);
    expect(splits.test.count).toBe(0);
    expect(splits.train.name).toBe('my pictures');
  });

  test('names each file that is left out, with the reason, and nothing else', () => {
    const expected: Record<string, string> = {};
    for (const [path, [, reason]] of Object.entries(unreadable)) expected[own([path])[0] ?? ''] = reason;
    if (kind === 'folder') {
      expected['empty/'] = 'no pictures in it';
      expected['cats/lost.png'] = 'a link to nothing';
      expected['cats/loop/'] = 'a link to a folder that is read already';
      expected['cats/pipe.png'] = 'neither a file nor a folder';
    }
    const leftOut = Object.fromEntries((splits.report?.leftOut ?? []).map(({ path, reason }) => [path, reason]));
    expect(leftOut).toEqual(expected);
    expect(splits.report?.otherFiles).toBe(kind === 'folder' ? 3 : 2);
    const lines = reportLines(splits);
    expect(lines[0]).toContain(
      `${source}: ${splits.train.count} own pictures in ${splits.train.classes.length} classes`,
    );
    expect(lines[0]).toContain(`; ${Object.keys(expected).length} left out; `);
    expect(lines).toContain(`left out: ${own(['cats/text.png'])[0]} (no picture in a format that is read)`);
  });

  test('the colours are those that a viewer shows', () => {
    const paths = inOrder(kind === 'folder' ? ['birds/linked.png'] : []);
    const at = (path: string): number[] => topLeft(splits, paths, path);
    const exact = [
      'cats/animated.gif',
      'cats/bmp-24.bmp',
      'cats/bmp-32.bmp',
      'cats/bmp-8.bmp',
      'cats/shouting.PNG',
      'cats/palette.png',
      'dogs and more/1x1.png',
      '猫/唯一.png',
    ];
    const close = [
      'cats/avif.avif',
      'cats/photo.JFIF',
      'cats/profile.jpg',
      'dogs and more/drawing.svg',
      'Ёлки/ёлка.png',
    ];
    for (const path of exact) expect([path, ...at(path)]).toEqual([path, 200, 10, 30]);
    for (const path of close)
      for (const [c, level] of [200, 10, 30].entries()) expect(Math.abs((at(path)[c] ?? 0) - level)).toBeLessThan(4);
    expect(at('cats/deep-16-bits.tif')).toEqual([128, 128, 128]);
    expect(at('cats/deep-12-bits.tif')).toEqual([128, 128, 128]); // 2056 of 4095; as 16 bits it would be 8
    for (const level of at('cats/cmyk.jpg')) expect(Math.abs(level - 128)).toBeLessThan(16);
    // Orientation 8: the upper, red half is to be shown on the left.
    const turned = paths.indexOf('cats/turned.jpg') * size * size * 3;
    const lowerLeft = turned + (size - 1) * size * 3;
    expect(splits.train.pixels[lowerLeft]).toBeGreaterThan(190);
    expect(splits.train.pixels[turned + (size - 1) * 3 + 2]).toBeGreaterThan(240);
    // The lower half of the drawing is transparent, and so white.
    const drawing = paths.indexOf('dogs and more/drawing.svg') * size * size * 3;
    expect([...splits.train.pixels.subarray(drawing + (size * size - 1) * 3, drawing + size * size * 3)]).toEqual([
      255, 255, 255,
    ]);
  });

  test('a second time nothing is decoded and the same pictures come', async () => {
    const again = await loadDataset(source, { size, channels: 3, cacheDir });
    expect(again.train.sha256).toBe(splits.train.sha256);
    expect(again.report).toEqual(splits.report);
  });

  test('--strict refuses, naming files', async () => {
    await expect(loadDataset(source, { size, cacheDir, strict: true })).rejects.toThrow(
      /: expected nothing left out \(--strict\), got \d+ that cannot be read: .*cats\/.* and \d+ more; repair or remove them$/,
    );
  });
});
