// Decoded pictures in the cache folder: used instead of decoding, never when stale or damaged, done without when they cannot
// be kept.
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../contract/errors.ts';
import { loadDataset } from '../../train/data/index.ts';
import { checkMemory } from '../../train/data/memory.ts';
import { plain } from '../helpers/untidy.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-cache-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder = root;
let cacheDir = root;
beforeEach(async () => {
  const at = mkdtempSync(join(root, 'case-'));
  [folder, cacheDir] = [join(at, 'own'), join(at, 'cache')];
  mkdirSync(folder);
  for (const [i, colour] of ['#102030', '#405060', '#708090'].entries())
    await plain(colour).toFile(join(folder, `${i}.png`));
});
const size = 16;
const bytes = size * size * 4;
const load = () => loadDataset(folder, { size, channels: 3, cacheDir });
const kept = (): string => {
  const [name = ''] = readdirSync(join(cacheDir, 'pictures'));
  return join(cacheDir, 'pictures', name);
};
const reds = async (): Promise<number[]> => {
  const { train } = await load();
  return Array.from({ length: train.count }, (_, i) => train.pixels[i * size * size * 3] ?? -1);
};

/** Writes other pixels for the last picture into the cache: 99 in every byte but alpha. */
function forge(withDigest: boolean): void {
  const file = readFileSync(kept());
  const pixels = Buffer.alloc(bytes, 99);
  for (let i = 3; i < bytes; i += 4) pixels[i] = 255;
  pixels.copy(file, file.length - bytes);
  const digest = createHash('sha256').update(pixels).digest();
  // Before the pixels of three pictures: the digest of the third one's.
  if (withDigest) digest.copy(file, file.length - 3 * bytes - 32);
  writeFileSync(kept(), file);
}

test('what was decoded once is taken from there', async () => {
  await load();
  forge(true);
  expect(await reds()).toEqual([0x10, 0x40, 99]);
});

test('damaged pixels are noticed and made again', async () => {
  await load();
  const whole = readFileSync(kept());
  forge(false);
  expect(await reds()).toEqual([0x10, 0x40, 0x70]);
  expect(readFileSync(kept()).equals(whole)).toBe(true);
  for (const damage of [whole.subarray(0, 100), Buffer.concat([whole, whole]), Buffer.alloc(0), Buffer.from('hello')]) {
    writeFileSync(kept(), damage);
    expect(await reds()).toEqual([0x10, 0x40, 0x70]);
    expect(readFileSync(kept()).equals(whole)).toBe(true);
  }
});

test('a picture that changed is decoded anew, one that only moved is not', async () => {
  await load();
  forge(true);
  await plain('#a0b0c0').toFile(join(folder, '0.png'));
  writeFileSync(join(folder, '3.png'), readFileSync(join(folder, '2.png')));
  expect(await reds()).toEqual([0xa0, 0x40, 99, 99]);
});

test('size and fit are kept apart', async () => {
  await load();
  forge(true);
  const contained = await loadDataset(folder, { size, fit: 'contain', channels: 3, cacheDir });
  expect(contained.train.pixels.at(-1)).toBe(0x90);
  expect((await loadDataset(folder, { size: 28, channels: 3, cacheDir })).train.pixels.at(-1)).toBe(0x90);
  expect(readdirSync(join(cacheDir, 'pictures'))).toHaveLength(3);
});

test('a full disk, or a cache folder that cannot be, does not fail the load, and is said', async () => {
  const first = await load();
  const file = kept();
  rmSync(file);
  symlinkSync('/dev/full', `${file}.${process.pid}.tmp`); // a device whose every write says that the disk is full
  const second = await load();
  expect(second.train.sha256).toBe(first.train.sha256);
  expect(second.report?.remarks).toEqual([
    'decoded pictures could not be kept in the cache folder (no space left), so the next command decodes them again',
  ]);
  expect(readdirSync(join(cacheDir, 'pictures'))).toEqual([]);
  writeFileSync(join(root, 'file'), '');
  const third = await loadDataset(folder, { size, channels: 3, cacheDir: join(root, 'file') });
  expect(third.train.sha256).toBe(first.train.sha256);
  expect(third.report?.remarks[0]).toContain('could not be kept in the cache folder (ENOTDIR)');
});

test('another process that writes here at the same time does no harm; what killed ones have left goes after an hour', async () => {
  const pictures = join(cacheDir, 'pictures');
  mkdirSync(pictures, { recursive: true });
  symlinkSync('nowhere', join(pictures, 'a.pixels.1.tmp')); // listed, and gone when it is looked at: renamed in between
  const old = (name: string, minutes: number): void => {
    writeFileSync(join(pictures, name), 'half');
    const then = new Date(Date.now() - minutes * 60_000);
    utimesSync(join(pictures, name), then, then);
  };
  old('b.pixels.2.tmp', 61);
  old('c.pixels.3.tmp', 55);
  old('d.pixels', 600);
  expect((await load()).report?.remarks).toEqual([]);
  expect(readdirSync(pictures).filter((name) => /^[a-d]\./.test(name))).toEqual([
    ...['a.pixels.1.tmp', 'c.pixels.3.tmp', 'd.pixels'],
  ]);
});

test('memory: much is said, too much is refused, before it is taken', () => {
  const gib = 2 ** 30;
  expect(checkMemory('own', 40_000, 64, 8 * gib)).toBe(
    '40000 pictures of 64x64 will take 1.7 GiB of memory while they are loaded',
  );
  expect(checkMemory('own', 2_000, 64, 8 * gib)).toBeUndefined();
  expect(() => checkMemory('own', 100_000, 128, 8 * gib)).toThrow(
    new UserError(
      'own: expected 12.7 GiB of memory for 100000 pictures of 128x128, got 8.0 GiB that are free; ' +
        'take a smaller --size or fewer pictures',
    ),
  );
});
