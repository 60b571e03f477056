// Pictures sent to the edge and latents drawn by it: what comes back, what is refused and how, on Node's wasm without a server.

import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeLatent, encodeLatent, toGrid } from '../../contract/compact.ts';
import { createEncoder } from '../../contract/encoder.ts';
import type { LatentFile } from '../../contract/latent-file.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { pocketgen } from '../../edge/app.ts';
import type { Models } from '../../edge/models.ts';
import { webpModule } from '../../edge/pictures/webp-file.ts';
import { memoryLimiter } from '../../edge/protect/rate-limit.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import { PLAIN, SEEN, SEEN_CLEAR } from './edge-fixture.ts';
import { modelOf, openFolder, tinyFolder } from './edge-services.ts';

type Answer = LatentFile & { picture: string };
const tiny = await tinyFolder(SEEN, SEEN_CLEAR, PLAIN);
let models: Models;
let app: ReturnType<typeof pocketgen>;
/** A picture of the model, 8x6. */
let drawn: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  models = await openFolder(tiny.folder);
  app = pocketgen({ models, webp: await webpModule() });
  drawn = new Uint8Array(await (await app.request('/v1/images/tiny-seen/3.png?class=bag')).arrayBuffer());
});
afterAll(tiny.remove);

const send = (path: string, body: BodyInit = drawn, headers: Record<string, string> = {}) =>
  app.request(path, { method: 'POST', body, headers });
const problem = async (response: Response) => {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const { status, detail } = (await response.json()) as { status: number; detail: string };
  return `${status} ${detail}`;
};

describe('POST /v1/encode', () => {
  test('gives the encoder’s latent on the grid, its short form, and the address that draws it', async () => {
    const response = await send('/v1/encode/tiny-seen?class=bag');
    expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    const answer = (await response.json()) as Answer;
    const { manifest, generator } = await modelOf(models, 'tiny-seen');
    const session = await wasmEngine().createSession(
      new Uint8Array(readFileSync(`${tiny.folder}/tiny-seen/encoder.fp32.onnx`)),
    );
    const weights = [Float32Array.of(0, 0, 1)];
    const [latent = new Float32Array()] = await createEncoder(manifest, session, wasmEngine().Tensor).encode(
      [decodePng(drawn)],
      weights,
    );
    expect(answer).toMatchObject({ model: 'tiny-seen', class: 'Bag', truncation: 1, latent: [...toGrid(latent)] });
    expect(decodeLatent(answer.z, 5)).toEqual(toGrid(latent));
    const picture = await app.request(answer.picture);
    expect(picture.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    const [expected] = await generator.decode([toGrid(latent)], weights);
    expect(new Uint8Array(await picture.arrayBuffer())).toEqual(expected && encodePng(expected));
  });

  test('takes mixtures, and models without classes and with alpha', async () => {
    const mixed = (await (await send('/v1/encode/tiny-seen?classes=0*0.25,2*0.75')).json()) as Answer;
    expect(mixed.class).toEqual({ 'T-shirt/top': 0.25, Bag: 0.75 });
    expect((await app.request(mixed.picture)).status).toBe(200);
    // The mixture is on the grid of 1/1000 before it is used, so the picture is that of the same mixture.
    const fine = (await (await send('/v1/encode/tiny-seen?classes=0*0.0000001,1*0.33333,2*0.66667')).json()) as Answer;
    expect(fine).toEqual(await (await send('/v1/encode/tiny-seen?classes=1*0.333,2*0.667')).json());
    expect(fine.class).toEqual({ 'Ankle boot': 0.333, Bag: 0.667 });
    expect((await app.request(fine.picture)).status).toBe(200);
    expect(await problem(await send('/v1/encode/tiny-seen?classes=0*0.0000001'))).toBe(
      '400 classes: expected a weight of 0.001 or more, got 0*0.0000001',
    );
    const clear = (await (await send('/v1/encode/tiny-seen-clear')).json()) as Answer;
    expect('class' in clear).toBe(false);
    expect((await app.request(clear.picture)).status).toBe(200);
  });

  test('lays what is transparent on the ground that is asked for', async () => {
    const half = await sharp({
      create: { width: 8, height: 6, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } },
    })
      .png()
      .toBuffer();
    const asked = async (query: string, body: Uint8Array<ArrayBuffer>) => {
      const response = await send(`/v1/encode/tiny-seen?class=bag${query}`, body);
      return response.status === 200 ? ((await response.json()) as Answer).z : problem(response);
    };
    const clear = new Uint8Array(half);
    const [white, black] = [await asked('', clear), await asked('&background=black', clear)];
    const onBlack = new Uint8Array(await sharp(half).flatten({ background: '#000000' }).png().toBuffer());
    expect(black).not.toBe(white);
    expect(black).toBe(await asked('', onBlack));
    expect(await asked('&background=fff', clear)).toBe(white);
    expect(await asked('&background=checkerboard', clear)).toMatch(/^400 background: /);
  });

  test('takes PNG, JPEG and WebP of any size, whatever they are called', async () => {
    const large = sharp(drawn).resize(400, 300, { kernel: 'nearest' });
    const answers = await Promise.all(
      [large.clone().png(), large.clone().webp({ lossless: true }), large.clone().jpeg({ quality: 100 })].map(
        async (file) => {
          const response = await send('/v1/encode/tiny-seen?class=2', new Uint8Array(await file.toBuffer()), {
            'Content-Type': 'text/plain',
          });
          return ((await response.json()) as Answer).z;
        },
      ),
    );
    expect(answers[1]).toBe(answers[0]);
    const [a, b] = [answers[0] ?? '', answers[2] ?? ''].map((z) => decodeLatent(z, 5));
    const apart = [...(b ?? [])].map((x, i) => Math.abs(x - (a?.[i] ?? 0)));
    expect(Math.max(...apart)).toBeLessThan(0.3);
  });

  test('is 404 for a model without an encoder, which /v1/models/{model} tells', async () => {
    expect(await problem(await send('/v1/encode/tiny-plain'))).toBe(
      '404 model: expected a model with an encoder, got tiny-plain, which has none',
    );
    const has = async (name: string) =>
      ((await (await app.request(`/v1/models/${name}`)).json()) as { encoder: boolean }).encoder;
    expect([await has('tiny-seen'), await has('tiny-plain')]).toEqual([true, false]);
    expect((await app.request('/v1/encode/tiny-seen')).status).toBe(405);
  });

  test('says what is wrong with a class', async () => {
    expect(await problem(await send('/v1/encode/tiny-seen'))).toBe(
      '400 class: expected one of T-shirt/top, Ankle boot, Bag, got nothing',
    );
    expect(await problem(await send('/v1/encode/tiny-seen?class=hat'))).toMatch(/^400 class: expected one of T-shirt/);
    expect(await problem(await send('/v1/encode/tiny-seen?class=bag&classes=0*1'))).toBe(
      '400 classes: expected class or classes, got both',
    );
    expect(await problem(await send('/v1/encode/tiny-seen-clear?class=bag'))).toMatch(/^400 class: expected none/);
    expect(await problem(await send('/v1/encode/tiny-seen?seed=1'))).toMatch(
      /^400 seed: expected class, classes, background, got an unknown/,
    );
  });

  test('says what is wrong with a body', async () => {
    const path = '/v1/encode/tiny-seen?class=bag';
    expect(await problem(await send(path, ''))).toBe('415 body: expected PNG or JPEG or WebP, got something else');
    expect(await problem(await send(path, new Uint8Array(4_194_305)))).toBe(
      '413 body: expected at most 4194304 bytes, got more',
    );
    expect(await problem(await send(path, drawn.slice(0, 50)))).toMatch(
      /^400 picture: expected a whole PNG, got a damaged one/,
    );
    const wide = await sharp({ create: { width: 8193, height: 1, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(await problem(await send(path, new Uint8Array(wide)))).toMatch(
      /^400 picture: expected 1 to 8192 pixels a side .* got 8193x1/,
    );
    const plain = pocketgen({ models });
    const webp = new Uint8Array(await sharp(drawn).webp().toBuffer());
    expect(await problem(await plain.request(path, { method: 'POST', body: webp }))).toBe(
      '415 body: expected PNG or JPEG, got WebP',
    );
  });

  test('counts as a request, and an encoder that fails its checks is a 503', async () => {
    const rateLimit = { limiter: memoryLimiter(1, 60), client: () => 'one' };
    const limited = pocketgen({ models, rateLimit });
    const path = '/v1/encode/tiny-seen?class=bag';
    expect((await limited.request(path, { method: 'POST', body: drawn })).status).toBe(200);
    expect((await limited.request(path, { method: 'POST', body: drawn })).status).toBe(429);
    const { UserError } = await import('../../contract/errors.ts');
    const broken = pocketgen({
      models: {
        ...models,
        lend: (name, version, work) =>
          models.lend(name, version, (loan) =>
            work({ ...loan, encoder: () => Promise.reject(new UserError('encoder.fp32.onnx: expected 9 bytes')) }),
          ),
      },
    });
    expect(await problem(await broken.request(path, { method: 'POST', body: drawn }))).toBe(
      '503 model tiny-seen is not served: encoder.fp32.onnx: expected 9 bytes',
    );
  });
});

describe('GET /v1/latents', () => {
  const z = encodeLatent(Float32Array.of(0.5, -0.25, 1, 0, 2));

  test('draws the picture of a seed from the latent that its JSON tells, and its scale, canvas and background', async () => {
    const json = (await (await app.request('/v1/images/tiny-seen/7.json?class=bag')).json()) as { latent: number[] };
    const short = encodeLatent(Float32Array.from(json.latent));
    const [seed, latent] = await Promise.all(
      ['images/tiny-seen/7.png?', `latents/tiny-seen.png?z=${short}&`].map(async (path) =>
        decodePng(new Uint8Array(await (await app.request(`/v1/${path}class=bag&scale=3&canvas=40x30`)).arrayBuffer())),
      ),
    );
    expect([latent?.width, latent?.height]).toEqual([40, 30]);
    // The grid moves a level here and there.
    const apart = [...(latent?.data ?? [])].map((level, i) => Math.abs(level - (seed?.data[i] ?? 0)));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    const svg = await app.request(
      `/v1/latents/tiny-seen-clear.svg?z=${encodeLatent(new Float32Array(4))}&background=f80`,
    );
    expect([svg.status, svg.headers.get('Content-Type')]).toEqual([200, 'image/svg+xml']);
  });

  test('has one ETag for one picture, however its class is written; truncation is 1 unless asked for', async () => {
    const etag = async (query: string) =>
      (await app.request(`/v1/latents/tiny-seen.png?z=${z}&${query}`)).headers.get('ETag');
    expect(await etag('class=bag')).toBe(await etag('classes=2*1'));
    expect(await etag('class=bag')).toBe(await etag('class=2&truncation=1'));
    expect(await etag('classes=0*0.5,2*0.5')).toBe(await etag('classes=2*0.50,0*.5'));
    expect(await etag('class=bag')).not.toBe(await etag('class=bag&truncation=0.9'));
    // Finer than what is written: drawn as they are, so another picture.
    expect(await etag('classes=0*0.1234,2*0.5')).not.toBe(await etag('classes=0*0.123,2*0.5'));
    const again = await app.request(`/v1/latents/tiny-seen.png?z=${z}&class=bag`, {
      headers: { 'If-None-Match': (await etag('class=bag')) ?? '' },
    });
    expect(again.status).toBe(304);
  });

  test('says what is wrong', async () => {
    const get = async (query: string) => problem(await app.request(`/v1/latents/tiny-seen.png?${query}`));
    expect(await get('class=bag')).toMatch(/^400 z: expected text of 1 to 8192 characters, got nothing/);
    expect(await get('z=AAAA&class=bag')).toBe('400 z: expected two bytes a number, got 3 bytes; the link is damaged');
    expect(await get('z=%25%25&class=bag')).toMatch(/^400 z: expected base64url/);
    expect(await get(`z=${z}`)).toMatch(/^400 class: expected one of T-shirt\/top/);
    expect(await get(`z=${z}&classes=9*1`)).toMatch(/^400 classes: expected an index below 3/);
    expect(await get(`z=${z}&class=bag&scale=33`)).toMatch(/^400 scale: expected an integer from 1 to 32/);
    expect(await problem(await app.request(`/v1/latents/tiny-seen.gif?z=${z}`))).toMatch(
      /^404 path: expected a path that ends in .png or .svg/,
    );
  });
});
