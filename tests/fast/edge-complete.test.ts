// Pictures completed by the edge: what stays, what is drawn, what is refused and how, on Node's wasm without a server.
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCompleter } from '../../contract/completer.ts';
import { latentOf, oneHot } from '../../contract/latent.ts';
import type { Picture } from '../../contract/picture.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { pocketgen } from '../../edge/app.ts';
import { openLibrary } from '../../edge/library.ts';
import { type Engine, type Models, openWhole } from '../../edge/models.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import { addCompleter } from '../helpers/completes.ts';
import { PLAIN, SEEN, SEEN_CLEAR } from './edge-fixture.ts';
import { modelOf, openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder(SEEN, SEEN_CLEAR, PLAIN);
let models: Models;
let app: ReturnType<typeof pocketgen>;
/** 8x6, of the model. */
let picture: Uint8Array<ArrayBuffer>;
const hidden = Uint8Array.from({ length: 48 }, (_, i) => (i % 8 >= 4 ? 1 : 0));
const maskOf = (places: Uint8Array, light = 255): Uint8Array<ArrayBuffer> =>
  encodePng({ width: 8, height: 6, channels: 1, data: places.map((one) => light * one) });

beforeAll(async () => {
  for (const name of ['tiny-seen', 'tiny-seen-clear']) await addCompleter(`${tiny.folder}/${name}`);
  models = await openFolder(tiny.folder);
  app = pocketgen({ models });
  picture = new Uint8Array(await (await app.request('/v1/images/tiny-seen/3.png?class=bag')).arrayBuffer());
});
afterAll(tiny.remove);

const formOf = (files: Record<string, Uint8Array<ArrayBuffer>>): FormData => {
  const form = new FormData();
  for (const [name, bytes] of Object.entries(files)) form.append(name, new Blob([bytes]), name);
  return form;
};
const post = (path: string, body: BodyInit = formOf({ picture, mask: maskOf(hidden) })) =>
  app.request(path, { method: 'POST', body });
const pngOf = async (response: Response): Promise<Picture> => decodePng(new Uint8Array(await response.arrayBuffer()));
const problem = async (response: Response) => {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const { status, detail } = (await response.json()) as { status: number; detail: string };
  return `${status} ${detail}`;
};

describe('POST /v1/complete', () => {
  test('gives what the completer makes of picture, mask, seed and class; what is dark in the mask stays to the last level', async () => {
    const response = await post('/v1/complete/tiny-seen?seed=7&class=bag&truncation=1');
    expect([response.status, response.headers.get('Content-Type'), response.headers.get('Cache-Control')]).toEqual([
      200,
      'image/png',
      'no-store',
    ]);
    const made = await pngOf(response);
    const { manifest } = await modelOf(models, 'tiny-seen');
    const session = await wasmEngine().createSession(
      new Uint8Array(readFileSync(`${tiny.folder}/tiny-seen/completer.fp32.onnx`)),
    );
    const given = decodePng(picture);
    const [expected] = await createCompleter(manifest, session, wasmEngine().Tensor).complete([
      { picture: given, hidden, latent: latentOf(7, 5), classWeights: oneHot(2, 3) },
    ]);
    expect(made.data).toEqual(expected?.data);
    const kept = (data: Uint8Array): number[] => [...data].filter((_, i) => hidden[Math.floor(i / 3)] === 0);
    expect(kept(made.data)).toEqual(kept(given.data));
    expect(made.data).not.toEqual(given.data);
  });

  test('another seed is another picture, and so is another class; no class is one more', async () => {
    const of = async (query: string) => (await pngOf(await post(`/v1/complete/tiny-seen?${query}`))).data.join();
    const all = await Promise.all(['seed=1&class=0', 'seed=2&class=0', 'seed=1&class=1', 'seed=1', ''].map(of));
    expect(new Set(all).size).toBe(4);
    expect(all[4]).toBe(all[3]);
    expect(await of('seed=ada@example.com')).toBe(await of('seed=1739980320'));
  });

  test('transparent models keep straight colours, and pictures of any size and format are taken, enlarged if asked', async () => {
    const clear = new Uint8Array(await (await app.request('/v1/images/tiny-seen-clear/3.png')).arrayBuffer());
    const places = new Uint8Array(63).fill(0, 0, 30).fill(255, 30);
    const mask = encodePng({ width: 9, height: 7, channels: 1, data: places });
    const made = await pngOf(await post('/v1/complete/tiny-seen-clear', formOf({ picture: clear, mask })));
    expect(made.data.subarray(0, 120)).toEqual(decodePng(clear).data.subarray(0, 120));
    const large = await sharp(picture).resize(400, 300, { kernel: 'nearest' }).jpeg().toBuffer();
    const largeMask = await sharp(maskOf(hidden)).resize(400, 300, { kernel: 'nearest' }).png().toBuffer();
    const form = formOf({ picture: new Uint8Array(large), mask: new Uint8Array(largeMask) });
    const enlarged = await pngOf(await post('/v1/complete/tiny-seen?scale=4', form));
    expect([enlarged.width, enlarged.height]).toEqual([32, 24]);
  });

  test('/docs tells what to type of a model that completes, whichever is served first', async () => {
    expect((await models.list())[0]?.name).toBe('tiny-plain');
    const page = await (await app.request('/docs')).text();
    const [, path = ''] = /-F picture=@picture.png -F mask=@mask.png[^\n]*?(\/v1\/complete\/[^&?]*)/.exec(page) ?? [];
    expect((await post(path)).status).toBe(200);
  });

  test('is 404 for a model that only draws', async () => {
    expect(await problem(await post('/v1/complete/tiny-plain'))).toBe(
      '404 model: expected a model that completes pictures, got tiny-plain, which only draws',
    );
    expect((await app.request('/v1/complete/tiny-seen')).status).toBe(405);
    const completes = async (name: string) =>
      ((await (await app.request(`/v1/models/${name}`)).json()) as { completer: boolean }).completer;
    expect([await completes('tiny-seen'), await completes('tiny-plain')]).toEqual([true, false]);
  });

  test('a completer is opened once, however many ask for it at first', async () => {
    let opened = 0;
    const wasm = wasmEngine();
    const counting: Engine = {
      ...wasm,
      createSession(bytes) {
        opened++;
        return wasm.createSession(bytes);
      },
    };
    const library = await openLibrary({
      folder: `${tiny.folder}/tiny-seen`,
      open: (source) => openWhole(source, counting, 1),
      notice: () => undefined,
    });
    const served = pocketgen({ models: library });
    const before = opened;
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        served.request('/v1/complete/tiny-seen', {
          method: 'POST',
          body: formOf({ picture, mask: maskOf(hidden) }),
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(opened - before).toBe(1);
    library.close();
  });

  test('no answer is larger than any other route’s', async () => {
    const { width, height } = (await modelOf(models, 'tiny-seen')).manifest.image;
    const app = pocketgen({
      models: {
        ...models,
        lend: (name, version, work) =>
          models.lend(name, version, (loan) => {
            const image = { ...loan.entry.image, width: width * 20, height: height * 20 };
            return work({ ...loan, entry: { ...loan.entry, image } });
          }),
      },
    });
    const sent = { method: 'POST', body: formOf({ picture, mask: maskOf(hidden) }) };
    expect(await problem(await app.request('/v1/complete/tiny-seen?scale=32', sent))).toMatch(
      /^400 scale: expected at most 4194304 pixels/,
    );
  });

  test('says what is wrong with a body', async () => {
    const path = '/v1/complete/tiny-seen';
    const mask = maskOf(hidden);
    expect(await problem(await post(path, picture))).toMatch(/^415 body: expected multipart\/form-data with picture/);
    expect(await problem(await post(path, formOf({ picture })))).toBe('400 mask: expected one file, got none');
    expect(await problem(await post(path, formOf({ mask })))).toBe('400 picture: expected one file, got none');
    const text = formOf({ picture });
    text.append('mask', 'all of it');
    expect(await problem(await post(path, text))).toBe('400 mask: expected one file, got text');
    const two = formOf({ picture, mask });
    two.append('mask', new Blob([mask]), 'mask');
    expect(await problem(await post(path, two))).toBe('400 mask: expected one file, got several');
    const seed = formOf({ picture, mask });
    seed.append('seed', '7');
    expect(await problem(await post(path, seed))).toBe(
      '400 seed: expected the files picture and mask alone, got another field; parameters go into the address',
    );
    const tall = encodePng({ width: 8, height: 30, channels: 1, data: new Uint8Array(240).fill(255) });
    expect(await problem(await post(path, formOf({ picture, mask: tall })))).toBe(
      '400 mask: expected 8x6, as the picture has, got 8x30',
    );
    expect(await problem(await post(path, formOf({ picture, mask: maskOf(hidden, 100) })))).toBe(
      '400 mask: expected light places, which are drawn anew, got none; nothing would change',
    );
    expect(await problem(await post(path, formOf({ picture: picture.slice(0, 50), mask })))).toMatch(
      /^400 picture: expected a whole PNG, got a damaged one/,
    );
    expect(await problem(await post(path, formOf({ picture, mask: new Uint8Array(9) })))).toMatch(
      /^400 mask: expected PNG or JPEG/,
    );
    expect(await problem(await post(path, formOf({ picture, mask: new Uint8Array(4_194_305) })))).toBe(
      '413 body: expected at most 4194304 bytes, got more',
    );
    expect(await problem(await post(`${path}?seed=`))).toMatch(/^400 seed: expected text of 1 to 256 characters/);
    expect(await problem(await post(`${path}?class=hat`))).toMatch(/^400 class: expected one of T-shirt/);
  });

  test('a hundred forms cut or turned at random are all refused or answered, none is an error of the server', async () => {
    const whole = new Request('http://localhost/', { method: 'POST', body: formOf({ picture, mask: maskOf(hidden) }) });
    const type = whole.headers.get('Content-Type') ?? '';
    const bytes = new Uint8Array(await whole.arrayBuffer());
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const body = i % 2 === 0 ? bytes.slice(0, Math.floor((i * bytes.length) / 100)) : bytes.slice();
      if (i % 2 === 1) body[(i * 7919) % body.length] = (body[(i * 7919) % body.length] ?? 0) ^ 255;
      const headers = { 'Content-Type': type };
      seen.add((await app.request('/v1/complete/tiny-seen', { method: 'POST', body, headers })).status);
    }
    for (const status of seen) expect([200, 400]).toContain(status);
    expect(seen.has(400)).toBe(true);
  });
});
