// The client in Node draws what the contract's generator draws: seeds, labels, walks and mixes, and the files made of them.
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from '../../client/index.ts';
import type { DrawnPicture, Model } from '../../client/types.ts';
import { goldenPixels } from '../../contract/bundle.ts';
import { createGenerator, type Generator } from '../../contract/generator.ts';
import { latentOf, oneHot, parseSeed, truncate } from '../../contract/latent.ts';
import { generatorFile } from '../../contract/lookup.ts';
import { encodePng } from '../../contract/png.ts';
import { blend, slerp } from '../../contract/walk.ts';

const BUNDLE = new URL('../../models/fashion-gan/', import.meta.url);
let model: Model;
let reference: Generator;

beforeAll(async () => {
  model = await open(BUNDLE);
  const bytes = readFileSync(new URL(generatorFile(model.manifest).path, BUNDLE));
  reference = createGenerator(model.manifest, await ort.InferenceSession.create(bytes), ort.Tensor as never);
});
afterAll(() => model.dispose());

async function all(pictures: AsyncIterable<DrawnPicture>): Promise<DrawnPicture[]> {
  const list: DrawnPicture[] = [];
  for await (const picture of pictures) list.push(picture);
  return list;
}

test('every golden of the bundle comes out byte for byte', async () => {
  const goldens = model.manifest.goldens.filter(({ variant }) => variant === model.variant);
  expect(goldens.length).toBeGreaterThan(2);
  for (const golden of goldens) {
    const { seed, truncation } = golden;
    const picture = await model.draw({
      seed,
      truncation,
      ...(golden.class === undefined ? {} : { class: golden.class }),
    });
    expect(picture.data).toEqual(goldenPixels(golden));
  }
  expect(model.device).toMatchObject({ provider: 'wasm', measuring: false });
});

test('a text is a seed, a label is a class, and the file has the bytes that the edge gives', async () => {
  const picture = await model.draw({ seed: 'ada', class: 'sneaker', truncation: 0.7 });
  const [expected] = await reference.generate([{ seed: parseSeed('ada'), class: 7, truncation: 0.7 }]);
  expect(picture.data).toEqual(expected?.data);
  const blob = await picture.toBlob();
  expect(blob.type).toBe('image/png');
  const png = encodePng({ ...picture });
  expect(new Uint8Array(await blob.arrayBuffer())).toEqual(png);
  expect(await picture.toDataURL()).toBe(`data:image/png;base64,${Buffer.from(png).toString('base64')}`);
  expect(picture.svg(3)).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="84" height="84"/);
  expect(picture.point).toEqual({ seed: 'ada', class: 'Sneaker', truncation: 0.7 });
});

test('the bundle decides truncation and class where nobody does, and a random seed is told', async () => {
  const picture = await model.draw();
  expect(picture.point.truncation).toBe(model.manifest.defaultTruncation);
  expect(model.classes).toContain(picture.point.class);
  expect((await model.draw(picture.point)).data).toEqual(picture.data);
  expect((await model.draw()).point.seed).not.toBe(picture.point.seed);
});

test('many pictures come in order, whatever the batches, and the same as alone', async () => {
  const points = Array.from({ length: 40 }, (_, seed) => ({ seed }));
  const many = await all(model.drawMany(points));
  expect(many.map(({ point }) => point.seed)).toEqual(points.map(({ seed }) => seed));
  expect((await model.draw({ seed: 33 })).data).toEqual(many[33]?.data);
});

test('leaving the loop ends the work: what comes after is drawn at once', async () => {
  let taken = 0;
  function* endless() {
    for (let seed = 0; ; seed++) {
      taken++;
      yield { seed };
    }
  }
  for await (const { point } of model.drawMany(endless())) if (point.seed === 2) break;
  const before = taken;
  await model.draw({ seed: 1 });
  expect(taken).toBe(before);
  expect(before).toBeLessThan(64);
});

test("a walk's frames are those of the contract, and each can be drawn again", async () => {
  const frames = await all(model.walk({ from: { seed: 1, class: 0 }, to: { seed: 2, class: 1 }, frames: 5 }));
  const count = model.classes.length;
  const { size } = model.manifest.latent;
  const truncation = model.manifest.defaultTruncation;
  const [a, b] = [1, 2].map((seed) => truncate(latentOf(seed, size), truncation)) as [Float32Array, Float32Array];
  const expected = await reference.decode(
    [0, 0.25, 0.5, 0.75, 1].map((t) => slerp(a, b, t)),
    [0, 0.25, 0.5, 0.75, 1].map((t) => blend(oneHot(0, count), oneHot(1, count), t)),
  );
  expect(frames.map(({ data }) => data)).toEqual(expected.map(({ data }) => data));
  expect(frames[2]?.point.class).toEqual({ 'T-shirt/top': 0.5, Trouser: 0.5 });
  for (const frame of frames) expect((await model.draw(frame.point)).data).toEqual(frame.data);
});

test('a child takes each number from one parent or the other, the same for the same coins', async () => {
  const [a, b] = [{ seed: 'ada' }, { seed: 'bob' }];
  const { size } = model.manifest.latent;
  const parents = [a, b].map(({ seed }) => latentOf(parseSeed(seed), size));
  const child = await model.mix(a, b, { child: 3 });
  const latent = Array.from(child.point.latent ?? []);
  expect(latent.every((z, i) => z === parents[0]?.[i] || z === parents[1]?.[i])).toBe(true);
  const ofFirst = latent.filter((z, i) => z === parents[0]?.[i]).length;
  expect(ofFirst).toBeGreaterThan(size / 4);
  expect(ofFirst).toBeLessThan((size * 3) / 4);
  expect((await model.mix(a, b, { child: 3 })).data).toEqual(child.data);
  expect((await model.mix(a, b, { child: 4 })).data).not.toEqual(child.data);
});

test.each([
  [{ class: 'Sneeker' }, /^class: expected one of .*, got Sneeker; did you mean Sneaker\?$/],
  [{ class: 'zebra crossing' }, /got zebra crossing$/],
  [{ class: 10 }, /an index from 0 to 9, got 10/],
  [{ class: { Bag: Number.NaN } }, /class Bag: expected a finite weight, got NaN/],
  [{ seed: -1 }, /seed: expected an integer from 0 to 4294967295 or a text, got -1/],
  [{ seed: 1, latent: [] }, /point: expected a seed or a latent, got both/],
  [{ latent: [1, 2] }, /latent: expected 64 numbers, got 2/],
  [{ truncation: 0 }, /truncation: expected a number above 0, at most 1, got 0/],
])('%j is refused by name', async (request, words) => {
  await expect(model.draw(request)).rejects.toThrow(words);
});

test('an aborted draw rejects with its reason and the model goes on', async () => {
  const controller = new AbortController();
  const drawn = model.draw({ seed: 5, signal: controller.signal });
  controller.abort();
  await expect(drawn).rejects.toMatchObject({ name: 'AbortError' });
  await expect(model.draw({ signal: AbortSignal.abort('left') })).rejects.toBe('left');
  expect((await model.draw({ seed: 5 })).width).toBe(28);
});

test('what needs a page says so in Node', async () => {
  const picture = await model.draw({ seed: 1 });
  expect(() => picture.toImageData()).toThrow('ImageData: expected a page or a worker, got neither');
  expect(() => picture.toCanvas()).toThrow('canvas: expected a document or OffscreenCanvas, got neither');
});
