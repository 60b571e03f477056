// Checkpoints and run folders: what is written comes back, what is damaged is refused by name.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recipeFor } from '../../train/recipe.ts';
import {
  loadNewestCheckpoint,
  loadSnapshot,
  saveCheckpoint,
  saveSnapshot,
  setAside,
  stateHash,
} from '../../train/store/checkpoint.ts';
import type { RunFiles } from '../../train/store/files.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { openRun, type RunConfig, readConfig } from '../../train/store/run.ts';
import { decodeSafetensors, encodeSafetensors } from '../../train/store/safetensors.ts';

const shapes = { 'generator/a': [2, 3], 'ema/b': [4], scalar: [] };
const stateOf = (x: number) => ({
  'generator/a': Float32Array.of(1, 2, 3, 4, 5, x),
  'ema/b': Float32Array.of(-x, 0, 1e-30, 7),
  scalar: Float32Array.of(x),
});
const progress = (images: number) => ({ images, beta1Product: 0, beta2Product: 0.5, seconds: 1.25 });

let dir = '';
let files: RunFiles;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pocketgen-'));
  files = folderFiles(dir);
});
/** Names of the checkpoints, also of those that are none any more. */
const kept = () => readdirSync(join(dir, 'checkpoints'));

afterEach(() => rmSync(dir, { recursive: true }));

const config: Omit<RunConfig, 'plans'> = {
  recipe: recipeFor('quick', { width: 28, height: 28, channels: 1, classes: ['a', 'b'], count: 20 }),
  dataset: { source: './pictures', name: 'pictures', sha256: 'ab', count: 20, classes: ['a', 'b'], note: 'found' },
};

test('a checkpoint comes back bit for bit, and only the last two are kept', async () => {
  for (const images of [64, 128, 192]) {
    await saveCheckpoint(files, { progress: progress(images), state: stateOf(images) }, shapes);
  }
  expect(kept()).toEqual(['0000000128.safetensors', '0000000192.safetensors']);
  const loaded = await loadNewestCheckpoint(files, shapes, (line) => expect.fail(line));
  expect(loaded?.progress).toEqual(progress(192));
  expect(stateHash(loaded?.state ?? {})).toBe(stateHash(stateOf(192)));
});

test.each([
  ['truncated', (b: Uint8Array) => b.subarray(0, b.length - 3), /expected \d+ bytes of numbers/],
  ['cut inside its header', (b: Uint8Array) => b.subarray(0, 20), /expected a header of/],
  ['empty', () => new Uint8Array(), /expected at least 8 bytes, got 0/],
  [
    'altered in one bit',
    (b: Uint8Array) => b.map((v, i) => (i === b.length - 1 ? v ^ 1 : v)),
    /expected SHA-256 [0-9a-f]+, got/,
  ],
  [
    'altered in what it says of the progress',
    (b: Uint8Array) =>
      Buffer.from(Buffer.from(b).toString('latin1').replace('images\\":128', 'images\\":100'), 'latin1'),
    /expected SHA-256 [0-9a-f]+, got/,
  ],
  [
    'of another format version',
    (b: Uint8Array) => Buffer.from(Buffer.from(b).toString('latin1').replace('checkpoint-2', 'checkpoint-9'), 'latin1'),
    /expected format pocketgen-checkpoint-2, got pocketgen-checkpoint-9/,
  ],
] as const)('a checkpoint that is %s is refused by name and the one before it is used', async (_, damage, reason) => {
  await saveCheckpoint(files, { progress: progress(64), state: stateOf(64) }, shapes);
  await saveCheckpoint(files, { progress: progress(128), state: stateOf(128) }, shapes);
  const newest = join(dir, 'checkpoints', '0000000128.safetensors');
  writeFileSync(newest, damage(new Uint8Array(readFileSync(newest))));
  const said: string[] = [];
  expect((await loadNewestCheckpoint(files, shapes, (line) => said.push(line)))?.progress.images).toBe(64);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^checkpoint 0000000128\.safetensors: /);
  expect(said[0]).toMatch(reason);
});

test('checkpoints that were refused are set aside, so that new ones are not taken for the oldest', async () => {
  for (const images of [64, 128])
    await saveCheckpoint(files, { progress: progress(images), state: stateOf(images) }, shapes);
  expect(await setAside(files, 0)).toBe(2);
  await saveCheckpoint(files, { progress: progress(8), state: stateOf(8) }, shapes);
  expect(kept()).toEqual([
    '0000000008.safetensors',
    '0000000064.safetensors.refused',
    '0000000128.safetensors.refused',
  ]);
  expect(await setAside(files, 8)).toBe(0);
});

test('a snapshot comes back with its facts; a damaged one counts as none, with the reason', async () => {
  const path = join(dir, 'best.safetensors');
  const metrics = { samples: 500, kid: 0.25, kidError: 0.01, nearCopies: 0, coverage: 0.5 };
  const snapshot = { images: 64, metrics, lowest: { kid: 0.24, kidError: 0.01 }, weights: stateOf(3) };
  expect(await loadSnapshot(files, shapes, (line) => expect.fail(line))).toBeUndefined();
  await saveSnapshot(files, snapshot, shapes);
  expect(await loadSnapshot(files, shapes, (line) => expect.fail(line))).toEqual(snapshot);
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const said: string[] = [];
  expect(await loadSnapshot(files, shapes, (line) => said.push(line))).toBeUndefined();
  expect(said).toEqual([
    expect.stringMatching(/^snapshot best\.safetensors: expected SHA-256 .*; going on without it$/),
  ]);
});

test('a folder is another config’s for the asking until something is saved in it; half-written files go', async () => {
  const changed = { ...config, recipe: { ...config.recipe, batch: 4 } };
  await (await openRun(files, config)).release();
  mkdirSync(join(dir, 'checkpoints'));
  writeFileSync(join(dir, 'checkpoints', '0000000008.safetensors.77.tmp'), 'half');
  writeFileSync(join(dir, 'best.safetensors.77.tmp'), 'half');
  await (await openRun(files, changed)).release();
  expect((await readConfig(files)).recipe.batch).toBe(4);
  expect(kept()).toEqual([]);
  expect(existsSync(join(dir, 'best.safetensors.77.tmp'))).toBe(false);
  await saveCheckpoint(files, { progress: progress(8), state: stateOf(8) }, shapes);
  await expect(openRun(files, config)).rejects.toThrow(
    /recipe\.batch: was 4, is 16; use the same options or another --out/,
  );
  // Where the pictures are and what they are called does not matter.
  const moved = { ...config.dataset, name: 'moved', source: './moved' };
  await (await openRun(files, { ...changed, dataset: moved })).release();
  // They are looked for where they were found last; what a bundle calls them stays.
  expect((await readConfig(files)).dataset).toEqual({ ...config.dataset, source: './moved' });
});

test('the images of whole batches are what was asked for', async () => {
  const asked = { ...config, recipe: { ...config.recipe, images: 40, batch: 16 } };
  const run = await openRun(files, asked);
  expect(await run.plan(48)).toEqual({ planned: 40, trained: 40 });
  await expect(run.plan(64)).rejects.toThrow('images: expected 64 or more');
  await run.release();
});

test('a full disk is told with the name of the file', async () => {
  const file = join(dir, 'best.safetensors');
  symlinkSync('/dev/full', `${file}.${process.pid}.tmp`); // a device whose every write says that the disk is full
  const error = await files.write('best.safetensors', new Uint8Array(8)).catch((caught: unknown) => caught);
  expect(files.failure(error)).toContain(`${file}: expected to write it, got "no space left on device"`);
});

test('a checkpoint of another network is refused', async () => {
  await saveCheckpoint(files, { progress: progress(64), state: stateOf(64) }, shapes);
  const said: string[] = [];
  const loaded = await loadNewestCheckpoint(files, { ...shapes, 'ema/b': [5] }, (line) => said.push(line));
  expect(loaded).toBeUndefined();
  expect(said[0]).toContain('expected tensor ema/b of shape [5], got [4]');
});

test('any float32 bits survive safetensors, NaN payloads and negative zero included', () => {
  fc.assert(
    fc.property(fc.uint32Array({ maxLength: 40 }), fc.string(), (words, name) => {
      fc.pre(name !== '__metadata__' && name !== '__proto__');
      const data = new Float32Array(words.slice().buffer);
      const bytes = encodeSafetensors({ metadata: { k: 'v' }, tensors: { [name]: { shape: [data.length], data } } });
      const back = decodeSafetensors(Buffer.from(bytes));
      expect(back.metadata).toEqual({ k: 'v' });
      const read = back.tensors[name]?.data ?? new Float32Array();
      expect(new Uint32Array(read.buffer)).toEqual(words);
    }),
  );
});
