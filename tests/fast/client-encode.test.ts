// The way back in the client: pictures become points, by an encoder that is traced here and put into a bundle beside a generator.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open, UserError } from '../../client/index.ts';
import type { Model } from '../../client/types.ts';
import { createEncoder } from '../../contract/encoder.ts';
import { oneHot } from '../../contract/latent.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { type Host, memoryCache, serveFolder } from '../helpers/bundle-host.ts';
import { bundleWithEncoder } from '../helpers/way-back.ts';

let files: Map<string, Uint8Array<ArrayBuffer>>;
let manifest: Manifest;
let model: Model;

beforeAll(async () => {
  files = await bundleWithEncoder();
  manifest = parseManifest(JSON.parse(new TextDecoder().decode(files.get('model.json'))));
  model = await open(asFiles(files));
});
afterAll(() => model.dispose());

const asFiles = (named: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) =>
  [...named].map(([name, bytes]) => new File([bytes], name));

test('a picture becomes the latent that the contract’s encoder gives, as a point to draw', async () => {
  const picture = await model.draw({ seed: 5, class: 'Bag', truncation: 1 });
  const point = await model.encode(picture, { class: 'Bag' });
  const session = await ort.InferenceSession.create(files.get('encoder.fp32.onnx') as Uint8Array);
  const [expected] = await createEncoder(manifest, session, ort.Tensor as never).encode([picture], [oneHot(8, 10)]);
  expect(point).toEqual({ latent: expected, class: 'Bag', truncation: 1 });
  const again = await model.draw(point);
  expect(again.point).toEqual(point);
  // What it is said to be counts.
  expect((await model.encode(picture, { class: 'Coat' })).latent).not.toEqual(point.latent);
});

test('many at once come out as alone, and pixels of a canvas as the picture', async () => {
  const pictures = await Promise.all([1, 2, 3].map((seed) => model.draw({ seed, class: 0 })));
  const together = await Promise.all(pictures.map((picture) => model.encode(picture, { class: 0 })));
  for (const [i, picture] of pictures.entries()) {
    expect(await model.encode(picture, { class: 0 })).toEqual(together[i]);
    const data = new Uint8ClampedArray([...picture.data].flatMap((level) => [level, level, level, 255]));
    const pixels = { width: 28, height: 28, data, colorSpace: 'srgb' } as ImageData;
    expect(await model.encode(pixels, { class: 0 })).toEqual(together[i]);
  }
});

test('from an address, the encoder is downloaded when it is asked for, checked and kept', async () => {
  const host: Host = await serveFolder('models');
  host.instead = (path, response) => {
    const bytes = files.get(path.replace('way-back/', ''));
    if (bytes === undefined) return false;
    response.end(bytes);
    return true;
  };
  const cache = memoryCache();
  const address = `${host.url}way-back/`;
  const asked = () => host.asked.filter((path) => path === 'way-back/encoder.fp32.onnx').length;
  const picture = await model.draw({ seed: 5, class: 'Bag' });
  const point = await model.encode(picture, { class: 'Bag' });

  const first = await open(address, { cache });
  expect(asked()).toBe(0);
  expect(await first.encode(picture, { class: 'Bag' })).toEqual(point);
  await first.dispose();
  expect(asked()).toBe(1);

  const second = await open(address, { cache });
  expect(await second.encode(picture, { class: 'Bag' })).toEqual(point);
  await second.dispose();
  expect(asked()).toBe(1);
  await host.close();
});

test('what cannot be encoded is named', async () => {
  const picture = await model.draw({ seed: 1 });
  await expect(model.encode(picture)).rejects.toThrow('class: expected what the picture is of, got nothing');
  const wide = { width: 30, height: 28, channels: 1, data: new Uint8Array(840) };
  await expect(model.encode(wide, { class: 0 })).rejects.toThrow(
    'picture: expected 28x28, got 30x28; draw it on a canvas',
  );
  const signal = AbortSignal.abort(new Error('left'));
  await expect(model.encode(picture, { class: 0, signal })).rejects.toThrow('left');

  const { encoder: _, ...json } = manifest;
  const without = { ...json, files: json.files.filter(({ role }) => role === 'generator') };
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-no-encoder-'));
  writeFileSync(join(folder, 'model.json'), JSON.stringify(without));
  writeFileSync(join(folder, 'generator.fp32.onnx'), files.get('generator.fp32.onnx') ?? '');
  const plain = await open(pathToFileURL(`${folder}/`));
  await expect(plain.encode(picture, { class: 0 })).rejects.toThrow(
    'fashion-gan: expected a model with an encoder, got one',
  );
  await plain.dispose();
  rmSync(folder, { recursive: true });

  const part = new Map(files);
  part.delete('encoder.fp32.onnx');
  const alone = await open(asFiles(part));
  await expect(alone.encode(picture, { class: 0 })).rejects.toThrow(
    'expected an encoder and its file in the bundle, got none',
  );
  await alone.dispose();
});

test('an encoder that does not give its goldens is not used', async () => {
  const json = structuredClone(manifest);
  for (const golden of json.encoder?.goldens ?? []) golden.sha256 = '0'.repeat(64);
  const changed = new Map(files).set('model.json', new TextEncoder().encode(JSON.stringify(json)));
  const wrong = await open(asFiles(changed));
  const picture = await wrong.draw({ seed: 1 });
  const encoded = wrong.encode(picture, { class: 0 });
  await expect(encoded).rejects.toThrow(/expected the latent of golden 0 .* byte for byte/);
  await expect(encoded).rejects.toBeInstanceOf(UserError);
  await wrong.dispose();
});
