// The latent file: what is written is read again, and what belongs to another model is refused.
import { expect, test } from 'vitest';
import { decodeLatent, decodeMix, toGrid } from '../../contract/compact.ts';
import { latentFile, latentQuery, readLatentFile } from '../../contract/latent-file.ts';
import type { Manifest } from '../../contract/manifest.ts';

const manifest = { name: 'shapes', latent: { size: 3 }, classes: ['Ring', 'Box'] } as unknown as Manifest;
const plain = { ...manifest, classes: [] } as unknown as Manifest;
const VERSION = '0123456789ab';
const latent = Float32Array.of(0.5, -1.23456, 9);

test('a file is read as it was written, numbers on the grid, and its short form says the same', () => {
  const file = latentFile(manifest, VERSION, latent, [[1, 1]]);
  expect(file).toMatchObject({ model: 'shapes', version: VERSION, class: 'Box', truncation: 1 });
  expect(decodeLatent(file.z, 3)).toEqual(toGrid(latent));
  const read = readLatentFile(JSON.parse(JSON.stringify(file)), manifest, VERSION);
  expect(read).toEqual({ latent: toGrid(latent), weights: Float32Array.of(0, 1), truncation: 1 });
  expect(latentQuery(file, manifest)).toBe(`z=${file.z}&class=Box`);
});

test('mixtures and models without classes', () => {
  const mixed = latentFile(manifest, VERSION, latent, decodeMix('0*0.25,1*0.75', manifest));
  expect(mixed.class).toEqual({ Ring: 0.25, Box: 0.75 });
  expect(readLatentFile(mixed, manifest, VERSION).weights).toEqual(Float32Array.of(0.25, 0.75));
  expect(new URLSearchParams(latentQuery(mixed, manifest)).get('classes')).toBe('0*0.25,1*0.75');
  // Below the grid there is one class left.
  expect(latentFile(manifest, VERSION, latent, decodeMix('0*0.0000001,1*0.9999', manifest)).class).toBe('Box');
  const none = latentFile(plain, VERSION, latent, []);
  expect('class' in none).toBe(false);
  expect(readLatentFile(none, plain, VERSION).weights).toEqual(new Float32Array());
});

test('numbers alone are enough; what does not fit is named', () => {
  expect(readLatentFile({ latent: [1, 2, 3], class: 1, truncation: 0.5 }, manifest, VERSION)).toEqual({
    latent: Float32Array.of(1, 2, 3),
    weights: Float32Array.of(0, 1),
    truncation: 0.5,
  });
  const file = latentFile(manifest, VERSION, latent, [[1, 1]]);
  const read = (change: object) => () => readLatentFile({ ...file, ...change }, manifest, VERSION);
  expect(read({ version: 'ffffffffffff' })).toThrow('expected a latent of shapes@0123456789ab, got one of shapes@ffff');
  expect(read({ model: 'clothes' })).toThrow('got one of clothes@0123456789ab; encode the picture again');
  expect(read({ latent: [1] })).toThrow('latent file: expected 3 numbers, got 1');
  expect(read({ latent: [1, 1e300, 3], z: undefined })).toThrow(
    'expected numbers that float32 can hold, got 1e+300 at 1',
  );
  expect(read({ latent: [1, 2, 3] })).toThrow('expected the same numbers in z and latent, got others');
  expect(read({ class: 'Hat' })).toThrow('class: expected one of Ring, Box');
  expect(read({ class: undefined })).toThrow('class: expected one of Ring, Box, got none');
  expect(() => readLatentFile([], manifest, VERSION)).toThrow('latent file: ');
  expect(() => readLatentFile(null, manifest, VERSION)).toThrow('make one with pocketgen encode');
});
