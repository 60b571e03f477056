// Checkpoints and run folders: what is written comes back, what is damaged is refused by name.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { loadNewestCheckpoint, saveCheckpoint, stateHash } from '../../train/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../train/safetensors.ts';

const shapes = { 'generator/a': [2, 3], 'ema/b': [4], scalar: [] };
const stateOf = (x: number) => ({
  'generator/a': Float32Array.of(1, 2, 3, 4, 5, x),
  'ema/b': Float32Array.of(-x, 0, 1e-30, 7),
  scalar: Float32Array.of(x),
});
const progress = (images: number) => ({ images, beta1Product: 0, beta2Product: 0.5, seconds: 1.25 });

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pocketgen-'));
});

test('a checkpoint comes back bit for bit, and only the last two are kept', () => {
  for (const images of [64, 128, 192]) {
    saveCheckpoint(dir, { progress: progress(images), state: stateOf(images) }, shapes);
  }
  expect(readdirSync(dir)).toEqual(['0000000128.safetensors', '0000000192.safetensors']);
  const loaded = loadNewestCheckpoint(dir, shapes, (line) => expect.fail(line));
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
    'of another format version',
    (b: Uint8Array) => Buffer.from(Buffer.from(b).toString('latin1').replace('checkpoint-1', 'checkpoint-9'), 'latin1'),
    /expected format pocketgen-checkpoint-1, got pocketgen-checkpoint-9/,
  ],
] as const)('a checkpoint that is %s is refused by name and the one before it is used', (_, damage, reason) => {
  saveCheckpoint(dir, { progress: progress(64), state: stateOf(64) }, shapes);
  const newest = saveCheckpoint(dir, { progress: progress(128), state: stateOf(128) }, shapes);
  writeFileSync(newest, damage(new Uint8Array(readFileSync(newest))));
  const said: string[] = [];
  expect(loadNewestCheckpoint(dir, shapes, (line) => said.push(line))?.progress.images).toBe(64);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^checkpoint 0000000128\.safetensors: /);
  expect(said[0]).toMatch(reason);
});

test('a checkpoint of another network is refused', () => {
  saveCheckpoint(dir, { progress: progress(64), state: stateOf(64) }, shapes);
  const said: string[] = [];
  const loaded = loadNewestCheckpoint(dir, { ...shapes, 'ema/b': [5] }, (line) => said.push(line));
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
