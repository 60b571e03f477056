// Completion in the client: a part of a picture is kept and the rest drawn, by a completer that is traced here into a bundle of colour,
// in the bytes that the edge and the contract give.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open, UserError } from '../../client/index.ts';
import type { Model } from '../../client/types.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { pocketgen } from '../../edge/app.ts';
import { type Host, memoryCache, serveFolder } from '../helpers/bundle-host.ts';
import { addCompleter } from '../helpers/completes.ts';
import { writeBundle } from '../web-bundles.ts';
import { openFolder } from './edge-services.ts';

const models = mkdtempSync(join(tmpdir(), 'pocketgen-client-complete-'));
const folder = join(models, 'seen');
const size = { width: 16, height: 16 };
/** The right third is drawn. */
const places = Uint8Array.from({ length: 256 }, (_, i) => (i % 16 >= 11 ? 1 : 0));
const mask: Picture = { ...size, channels: 1, data: places.map((one) => 200 * one) };
let manifest: Manifest;
let model: Model;
let picture: Picture;

const filesOf = (of = 'seen'): Map<string, Uint8Array<ArrayBuffer>> =>
  new Map(readdirSync(join(models, of)).map((name) => [name, new Uint8Array(readFileSync(join(models, of, name)))]));
const asFiles = (named: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) =>
  [...named].map(([name, bytes]) => new File([bytes], name));

beforeAll(async () => {
  await writeBundle(models, { name: 'seen', size: 16, channels: 3, classes: ['hat', 'shoe'] });
  manifest = await addCompleter(folder);
  model = await open(asFiles(filesOf()));
  const { width, height, channels, data } = await model.draw({ seed: 5, class: 'hat' });
  picture = { width, height, channels, data };
});
afterAll(async () => {
  await model.dispose();
  rmSync(models, { recursive: true });
});

test('gives the edge’s bytes for every seed; what is dark in the mask stays to the last level', async () => {
  const made = await model.complete(picture, { mask, seeds: [1, 'ada@example.com'], class: 'shoe', truncation: 0.8 });
  expect(made.map(({ seed }) => seed)).toEqual([1, 'ada@example.com']);
  const app = pocketgen({ models: await openFolder(models) });
  for (const one of made) {
    const form = new FormData();
    for (const [name, file] of Object.entries({ picture, mask })) form.append(name, new Blob([encodePng(file)]), name);
    const query = new URLSearchParams({ seed: String(one.seed), class: 'shoe', truncation: '0.8' });
    const answer = await app.request(`/v1/complete/seen?${query}`, { method: 'POST', body: form });
    expect(new Uint8Array(await (await one.toBlob()).arrayBuffer())).toEqual(
      new Uint8Array(await answer.arrayBuffer()),
    );
    const kept = (data: Uint8Array): number[] => [...data].filter((_, i) => places[Math.floor(i / 3)] === 0);
    expect(kept(one.data)).toEqual(kept(picture.data));
    expect(one.data).not.toEqual(picture.data);
  }
  expect(made[0]?.data).not.toEqual(made[1]?.data);
});

test('no class told is one more answer; many seeds come out as alone; a canvas’s pixels are a mask too', async () => {
  const one = async (request: object) => (await model.complete(picture, { mask, seeds: [7], ...request }))[0]?.data;
  const [hat, shoe, untold] = [await one({ class: 'hat' }), await one({ class: 1 }), await one({})];
  expect(new Set([hat, shoe, untold].map(String)).size).toBe(3);
  const seeds = Array.from({ length: LIMITS.batch + 2 }, (_, i) => i);
  const many = await model.complete(picture, { mask, seeds });
  expect(many).toHaveLength(seeds.length);
  expect(many[7]?.data).toEqual(untold);
  expect(many.at(-1)?.data).toEqual(await one({ seeds: seeds.slice(-1) }));
  // White where it is seen through: transparent places stay.
  const data = new Uint8ClampedArray([...places].flatMap((hidden) => [255, 255, 255, 255 * hidden]));
  expect(await one({ mask: { ...size, data, colorSpace: 'srgb' } })).toEqual(untold);
  expect(await one({ mask: { ...mask, data: new Uint8Array(256) } })).toEqual(picture.data);
  expect((await model.complete(picture, { mask })).length).toBe(1);
});

test('the completer is downloaded when it is asked for, checked and kept', async () => {
  const host: Host = await serveFolder(models);
  const cache = memoryCache();
  const asked = () => host.asked.filter((path) => path === 'seen/completer.fp32.onnx').length;
  const [expected] = await model.complete(picture, { mask, seeds: [3] });
  for (const before of [0, 1]) {
    const other = await open(`${host.url}seen/`, { cache });
    const signal = AbortSignal.abort(new Error('left'));
    await expect(other.complete(picture, { mask, signal })).rejects.toThrow('left');
    expect(asked()).toBe(before);
    const [made] = await other.complete(picture, { mask, seeds: [3] });
    expect(made?.data).toEqual(expected?.data);
    expect(asked()).toBe(1);
    await other.dispose();
  }
  await host.close();
});

test('what cannot be completed is named', async () => {
  const narrow = { width: 15, height: 16, channels: 1, data: new Uint8Array(240) } as const;
  await expect(model.complete(picture, { mask: narrow })).rejects.toThrow('mask: expected 16x16, got 15x16; draw it');
  await expect(model.complete(picture, { mask: picture })).rejects.toThrow('mask: expected 1 channels, got 3');
  await expect(model.complete(mask, { mask })).rejects.toThrow('picture: expected 3 channels, got 1');
  await expect(model.complete(picture, { mask, class: 'boat' })).rejects.toThrow('class: expected one of hat, shoe');
  await expect(model.complete(picture, { mask, truncation: 0 })).rejects.toThrow('truncation: expected');
  const signal = AbortSignal.abort(new Error('left'));
  await expect(model.complete(picture, { mask, signal })).rejects.toThrow('left');

  const part = filesOf();
  part.delete('completer.fp32.onnx');
  const alone = await open(asFiles(part));
  await expect(alone.complete(picture, { mask })).rejects.toThrow('expected a completer and its file in the bundle');
  await alone.dispose();

  const json = structuredClone(manifest);
  for (const golden of json.completer?.goldens ?? []) golden.pixels = Buffer.alloc(768).toString('base64');
  const changed = filesOf().set('model.json', new TextEncoder().encode(JSON.stringify(json)));
  const wrong = await open(asFiles(changed));
  await expect(wrong.complete(picture, { mask })).rejects.toBeInstanceOf(UserError);
  await wrong.dispose();

  await writeBundle(models, { name: 'plain', size: 16, channels: 3 });
  const only = await open(pathToFileURL(`${join(models, 'plain')}/`));
  await expect(only.complete(picture, { mask })).rejects.toThrow('plain: expected a model that completes pictures');
  await only.dispose();
  const bytes = await open(asFiles(filesOf('plain')));
  await expect(bytes.complete(picture, { mask })).rejects.toThrow('plain: expected a model that completes pictures');
  await bytes.dispose();
});
