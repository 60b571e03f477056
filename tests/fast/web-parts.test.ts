// Parts of the page that need no page: the batch queue, own bundles, words for failures, the network as it is told.
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { createQueue, Dropped } from '../../client/engine/queue.ts';
import { RunnerError } from '../../client/engine/runner.ts';
import { readBundle } from '../../client/files/bundle.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import type { Picture } from '../../contract/picture.ts';
import { readNetwork } from '../../web/files/network.ts';
import { plainWords } from '../../web/ui/panels.ts';

test('what a finger waits for goes before the wall, and the wall can be dropped', async () => {
  const order: number[] = [];
  const queue = createQueue(async (latents) => {
    order.push(latents[0]?.[0] ?? -1);
    return [] as Picture[];
  });
  const push = (n: number, priority: 'interactive' | 'background') => queue.push([Float32Array.of(n)], [], priority);
  const wall = [push(1, 'background'), push(2, 'background')];
  const finger = push(3, 'interactive');
  queue.resume();
  await Promise.all([...wall, finger]);
  await queue.idle();
  expect(order).toEqual([3, 1, 2]);

  queue.pause();
  const dropped = push(4, 'background');
  queue.dropBackground();
  await expect(dropped).rejects.toBeInstanceOf(Dropped);
});

test('while nobody draws, what waits and what comes is refused, until somebody draws again', async () => {
  const queue = createQueue(async () => []);
  const push = () => queue.push([Float32Array.of(1)], [], 'interactive');
  const waits = push();
  queue.refuse(new Error('no network'));
  await expect(waits).rejects.toThrow('no network');
  await expect(push()).rejects.toThrow('no network');
  queue.resume();
  expect(await push()).toEqual([]);
});

test('whatever ends a model is told in a sentence', () => {
  for (const why of ['error', 'memory', 'wrong', 'lost', 'silent', 'unloaded', 'no-wasm', 'crashed'] as const)
    expect(plainWords(new RunnerError(why, 'its own words'))).toMatch(/^[A-Z].* .*\.$/);
});

test('numbers to compare with and single constants are not told to be learned', () => {
  const { steps } = readNetwork(new Uint8Array(readFileSync('models/fashion-transformer/generator.int8.onnx')));
  // The tokens before anything is known, and the code of each: constants both.
  expect(steps.slice(0, 2).map(({ operator, parameters }) => [operator, parameters])).toEqual([
    ['Concat', 0],
    ['Concat', 0],
  ]);
});

async function bundleFiles(
  change: (manifest: Record<string, unknown>) => void = () => undefined,
): Promise<Map<string, Uint8Array>> {
  const model = new TextEncoder().encode('not a real network, but its hash is right');
  const manifest = {
    format: 'pocketgen-bundle',
    formatVersion: 3,
    name: 'tiny',
    title: 'Tiny',
    description: '',
    kind: 'gan',
    image: { width: 8, height: 8, channels: 3 },
    latent: { size: 4, distribution: 'normal', generator: 'philox4x32-10/as241' },
    classes: [],
    opset: 17,
    inputs: { latent: { name: 'z', shape: ['batch', 4] } },
    output: { name: 'x', shape: ['batch', 3, 8, 8], range: [-1, 1] },
    files: [
      { path: 'g.onnx', role: 'generator', variant: 'fp32', bytes: model.length, sha256: await sha256Hex(model) },
    ],
    defaultVariant: 'fp32',
    defaultTruncation: 1,
    goldens: [],
    training: { preset: 'x', config: {}, dataset: { name: 'x', sha256: '' }, imagesSeen: 0, engine: 'x', seed: 0 },
    license: 'MIT',
  };
  change(manifest);
  return new Map([
    ['model.json', new TextEncoder().encode(JSON.stringify(manifest))],
    ['g.onnx', model],
  ]);
}
const asFiles = (files: Map<string, Uint8Array>) =>
  [...files].map(([name, bytes]) => new File([new Uint8Array(bytes)], name));

test('a bundle is taken from the files of a folder or from a zip with or without the folder', async () => {
  const files = await bundleFiles();
  expect((await readBundle(asFiles(files))).manifest.name).toBe('tiny');
  // Windows once wrote backslashes between folders.
  for (const prefix of ['', 'tiny/', 'tiny\\', 'models\\tiny\\']) {
    const zip = zipSync(Object.fromEntries([...files].map(([name, bytes]) => [prefix + name, bytes])));
    const read = await readBundle([new File([new Uint8Array(zip)], prefix === '' ? 'TINY.ZIP' : 'tiny.zip')]);
    expect(read.network).toEqual(files.get('g.onnx'));
  }
});

test('a bundle that is incomplete, altered, too large or no bundle is refused in one sentence', async () => {
  const files = await bundleFiles();
  const without = new Map(files);
  without.delete('g.onnx');
  await expect(readBundle(asFiles(without))).rejects.toThrow('g.onnx: expected it in the bundle, got none');
  const altered = new Map(files).set('g.onnx', new TextEncoder().encode('not a real network, but its hash is wrong'));
  await expect(readBundle(asFiles(altered))).rejects.toThrow('g.onnx: expected SHA-256');
  await expect(readBundle([new File(['x'], 'a.txt')])).rejects.toThrow(
    'model.json: expected it in the bundle, got none',
  );
  await expect(readBundle([new File(['PK nonsense'], 'a.zip')])).rejects.toThrow('a.zip: expected a zip');
  const large = await bundleFiles((manifest) => {
    manifest.image = { width: 1024, height: 1024, channels: 3 };
    manifest.output = { name: 'x', shape: ['batch', 3, 1024, 1024], range: [-1, 1] };
  });
  await expect(readBundle(asFiles(large))).rejects.toThrow('image: expected at most 512 pixels a side');
});
