// The edge's routes, without a server: answers, caching, errors.
import { decode, decodeApng } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../contract/bundle.ts';
import { classOf, latentOf, parseSeed, truncate } from '../../contract/latent.ts';
import { scaleUp } from '../../contract/picture.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { bundleVersion } from '../../contract/version.ts';
import { pocketgen } from '../../edge/app.ts';
import type { Models, ServedModel } from '../../edge/models.ts';
import { changed, modelOf, openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let models: Models;
let model: ServedModel;
let version: string;
let drawn = 0;
let get: (path: string, init?: RequestInit) => Promise<Response>;

beforeAll(async () => {
  models = await openFolder(tiny.folder);
  model = await modelOf(models, 'tiny-colour');
  version = await bundleVersion(model.manifest);
  const counted = changed(models, ({ generator, ...rest }) => ({
    ...rest,
    generator: {
      ...generator,
      generate: (...args: Parameters<typeof generator.generate>) => {
        drawn += 1;
        return generator.generate(...args);
      },
    },
  }));
  const app = pocketgen({ models: counted });
  get = async (path, init) => app.request(path, init);
});
afterAll(tiny.remove);

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());
const problemOf = async (response: Response) => {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  return (await response.json()) as { title: string; detail: string; errors?: { name: string; detail: string }[] };
};

describe('GET /v1/images', () => {
  test('draws the picture of a seed, a class and a truncation, and scales it', async () => {
    const response = await get('/v1/images/tiny-colour/ada@example.com.png?class=ankle%20boot&truncation=0.5&scale=3');
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('image/png');
    const seed = parseSeed('ada@example.com');
    const [picture] = await model.generator.generate([{ seed, class: 1, truncation: 0.5 }]);
    if (picture === undefined) throw new Error('no picture');
    expect(await bytesOf(response)).toEqual(encodePng(scaleUp(picture, 3)));
  });

  // The fixture's weights come from our own streams; the value pins seed → PNG over all that we depend on.
  test('does not change its bytes', async () => {
    const response = await get('/v1/images/tiny-colour/1.png?class=0&truncation=1');
    expect(await sha256Hex(await bytesOf(response))).toMatchInlineSnapshot(
      `"e10020dccc7abe7d05e8ce5e7c5df1cc0674b81b952c5e88b8e60f1a69e96cd1"`,
    );
  });

  test('takes the model’s own truncation where none is asked for, and the whole latent for 1', async () => {
    const [absent, own, whole] = await Promise.all(
      ['', '?truncation=0.9', '?truncation=1'].map((query) => get(`/v1/images/tiny-colour/5.png${query}`)),
    );
    expect(absent?.headers.get('ETag')).toBe(own?.headers.get('ETag'));
    expect(whole?.headers.get('ETag')).not.toBe(own?.headers.get('ETag'));
    expect(await bytesOf(absent as Response)).toEqual(await bytesOf(own as Response));
    const film = (query: string) => get(`/v1/walks/tiny-colour.apng?from=1&to=2&frames=2${query}`);
    expect(await bytesOf(await film(''))).toEqual(await bytesOf(await film('&truncation=0.9')));
    const sheet = (query: string) => get(`/v1/grids/tiny-colour.png?seeds=1-3${query}`);
    expect(await bytesOf(await sheet(''))).toEqual(await bytesOf(await sheet('&truncation=0.9')));
  });

  test('lets the seed choose the class when none is named', async () => {
    const chosen = classOf(9, 3);
    const [free, named] = await Promise.all(
      ['', `?class=${chosen}`].map(async (query) => bytesOf(await get(`/v1/images/tiny-colour/9.png${query}`))),
    );
    expect(free).toEqual(named);
  });

  test('takes any text as a seed: dots, slashes, emoji, other scripts', async () => {
    for (const seed of ['a.b.png', 'a/b', '..', '😀', 'Zoë', '%', '?&#', ' ']) {
      const response = await get(`/v1/images/tiny-plain/${encodeURIComponent(seed)}.json`);
      expect([seed, response.status]).toEqual([seed, 200]);
      expect(((await response.json()) as { seed: number }).seed).toBe(parseSeed(seed));
    }
  });

  test('gives the numbers as JSON', async () => {
    const body = await (await get('/v1/images/tiny-colour/7.json?class=bag')).json();
    const png = decodePng(await bytesOf(await get('/v1/images/tiny-colour/7.png?class=bag')));
    expect(body).toEqual({
      model: 'tiny-colour',
      version,
      modelHash: model.file.sha256,
      seed: 7,
      class: { index: 2, label: 'Bag' },
      // The fixture's default.
      truncation: 0.9,
      latent: [...truncate(latentOf(7, 5), 0.9)],
      image: { width: 8, height: 6, channels: 3 },
      pixels: Buffer.from(png.data).toString('base64'),
    });
  });

  test('takes numbers as JSON and JavaScript write them', async () => {
    for (const [text, value] of [
      ['0.30000000000000004', 0.1 + 0.2],
      ['3e-1', 0.3],
      ['1e-7', 1e-7],
      ['1', 1],
    ] as const) {
      const body = await (await get(`/v1/images/tiny-colour/7.json?truncation=${text}`)).json();
      expect(body).toMatchObject({ truncation: value });
    }
    for (const other of ['0x1', '.5', '1.', '+1', 'NaN', 'Infinity', ' 1', '01'])
      expect([other, (await get(`/v1/images/tiny-colour/7.json?truncation=${other}`)).status]).toEqual([other, 400]);
  });

  test('counts characters as JSON Schema does: a seed or class of emoji is no longer than one of letters', async () => {
    const emoji = encodeURIComponent('😀'.repeat(256));
    expect((await get(`/v1/images/tiny-plain/${emoji}.json`)).status).toBe(200);
    expect((await get(`/v1/images/tiny-plain/${emoji}a.json`)).status).toBe(400);
    expect((await get(`/v1/walks/tiny-plain.gif?from=${emoji}&to=1`)).status).toBe(200);
    const { detail } = await problemOf(await get(`/v1/images/tiny-colour/1.png?class=${'😀'.repeat(255)}`));
    expect(detail).toContain('expected one of T-shirt/top');
  });

  test('centres the picture on a canvas, enlarged as far as there is room', async () => {
    const [canvas, whole] = await Promise.all(
      ['canvas=20x15', 'scale=2'].map(async (query) =>
        decode(await bytesOf(await get(`/v1/images/tiny-colour/7.png?class=bag&${query}`))),
      ),
    );
    expect([canvas?.width, canvas?.height, whole?.width, whole?.height]).toEqual([20, 15, 16, 12]);
    const at = (x: number, y: number) => [...(canvas?.data ?? []).slice((y * 20 + x) * 3, (y * 20 + x + 1) * 3)];
    for (const corner of [at(0, 0), at(19, 0), at(1, 7), at(18, 7), at(9, 0), at(9, 13)])
      expect(corner).toEqual([255, 255, 255]);
    for (let y = 0; y < 12; y++)
      expect([...(canvas?.data ?? []).slice(((y + 1) * 20 + 2) * 3, ((y + 1) * 20 + 18) * 3)]).toEqual([
        ...(whole?.data ?? []).slice(y * 48, (y + 1) * 48),
      ]);
    // The scale may be given.
    const tall = decode(await bytesOf(await get('/v1/images/tiny-colour/7.png?canvas=24x100&scale=3')));
    expect([tall.width, tall.height]).toEqual([24, 100]);
    expect((await get('/v1/images/tiny-colour/7.png?canvas=4000x4000')).status).toBe(400);
  });

  test('draws SVG whose strokes are the pixels', async () => {
    const svg = await (await get('/v1/images/tiny-colour/7.svg?class=bag&scale=2')).text();
    const png = decodePng(await bytesOf(await get('/v1/images/tiny-colour/7.png?class=bag')));
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="16" height="12" viewBox="0 0 8 6"/);
    const painted = new Uint8Array(png.data.length);
    for (const [, colour = '', path = ''] of svg.matchAll(/<path stroke="#([0-9a-f]{6})" d="([^"]+)"/g))
      for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)\.5h(\d+)/g))
        for (let i = 0; i < Number(length); i++)
          painted.set(Buffer.from(colour, 'hex'), (Number(y) * 8 + Number(x) + i) * 3);
    expect(painted).toEqual(png.data);
  });
});

describe('GET /v1/grids', () => {
  test('lays out ranges and lists of seeds, each as it is alone', async () => {
    const response = await get('/v1/grids/tiny-colour.png?seeds=3-5,ada&columns=3&class=1');
    const sheet = decode(await bytesOf(response));
    expect([sheet.width, sheet.height]).toEqual([24, 12]);
    const single = decodePng(await bytesOf(await get('/v1/images/tiny-colour/4.png?class=1')));
    const row = (y: number) => sheet.data.slice((y * 24 + 8) * 3, (y * 24 + 16) * 3);
    for (let y = 0; y < 6; y++) expect([...row(y)]).toEqual([...single.data.slice(y * 24, (y + 1) * 24)]);
  });

  test('takes ranges backwards, and as text what is no range of seeds', async () => {
    const sheet = (seeds: string) => get(`/v1/grids/tiny-colour.png?seeds=${seeds}`).then(bytesOf);
    expect(await sheet('5-3,9')).toEqual(await sheet('5,4,3,9'));
    expect(await sheet('1-9999999999')).toEqual(await sheet(String(parseSeed('1-9999999999'))));
  });

  test('counts the empty cells of the last row as pixels', async () => {
    const query = 'seeds=1-129&columns=128&scale=20';
    const { detail } = await problemOf(await get(`/v1/grids/tiny-colour.png?${query}`));
    expect(detail).toBe('scale: expected at most 4194304 pixels in all, got 256 × 160x120 = 4915200');
  });

  test.each([
    ['seeds=1-300', 'seeds: expected at most 256, got 300'],
    ['seeds=1-4294967295', 'seeds: expected at most 256, got 4294967295'],
    ['seeds=1,,2', 'seeds: expected 1 to 256 characters, got 0'],
    ['columns=2', 'seeds: expected text of 1 to 4096 characters, got nothing'],
    ['seeds=1-256&scale=32', 'scale: expected at most 4194304 pixels in all, got 256 × 256x192 = 12582912'],
  ])('refuses %s', async (query, detail) => {
    const response = await get(`/v1/grids/tiny-colour.png?${query}`);
    expect([response.status, (await problemOf(response)).detail]).toEqual([400, detail]);
  });
});

describe('GET /v1/walks', () => {
  test('begins and ends at the pictures of its seeds and classes', async () => {
    const response = await get('/v1/walks/tiny-colour.apng?from=3&to=ada&class=bag&toClass=0&frames=5&fps=10');
    expect(response.headers.get('Content-Type')).toBe('image/apng');
    const film = decodeApng(await bytesOf(response));
    expect(film.numberOfFrames).toBe(5);
    const ends = ['3.png?class=bag', 'ada.png?class=0'].map(async (end) =>
      decodePng(await bytesOf(await get(`/v1/images/tiny-colour/${end}`))),
    );
    expect([film.frames[0], film.frames[4]].map((frame) => frame?.data)).toEqual(
      (await Promise.all(ends)).map(({ data }) => data),
    );
  });

  test('is a GIF too, also of a model without classes', async () => {
    const response = await get('/v1/walks/tiny-plain.gif?from=1&to=2&frames=3&scale=2');
    expect(
      Buffer.from(await bytesOf(response))
        .subarray(0, 10)
        .toString('latin1'),
    ).toBe('GIF89a\x08\x00\x08\x00');
  });

  test('needs both seeds', async () => {
    const { errors } = await problemOf(await get('/v1/walks/tiny-colour.gif?from=1&frames=1'));
    expect(errors?.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
      'to: expected text of 1 to 256 characters, got nothing',
      'frames: expected an integer from 2 to 120, got 1',
    ]);
  });
});

describe('caching', () => {
  const path = '/v1/images/tiny-colour/1.png?scale=2';

  test('names the bytes by a strong ETag', async () => {
    const { headers } = await get(path);
    expect(headers.get('ETag')).toMatch(/^"[0-9a-f]{32}"$/);
    const tag = async (other: string) => (await get(other)).headers.get('ETag');
    // The same picture by another name has the same tag; another picture or format has not.
    expect(await tag(`/v1/images/tiny-colour/1.png?class=${classOf(1, 3)}&scale=2&truncation=0.90`)).toBe(
      headers.get('ETag'),
    );
    const others = ['1.png?scale=3', '1.svg?scale=2', '2.png?scale=2', '1.png?scale=2&truncation=0.5'];
    for (const other of others) expect(await tag(`/v1/images/tiny-colour/${other}`)).not.toBe(headers.get('ETag'));
  });

  test('answers If-None-Match and HEAD without drawing', async () => {
    const etag = (await get(path)).headers.get('ETag') ?? '';
    const before = drawn;
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await get(path, { headers: { 'If-None-Match': tags } });
      expect([response.status, await response.text(), response.headers.get('ETag')]).toEqual([304, '', etag]);
    }
    const head = await get(path, { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('ETag')]).toEqual([200, '', etag]);
    expect(head.headers.get('Content-Type')).toBe('image/png');
    expect(drawn).toBe(before);
    expect((await get(path, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
    expect(drawn).toBe(before + 1);
  });

  test('asks the store before it draws, and keeps what it drew', async () => {
    const kept = new Map<string, Response>();
    const store = {
      find: async (_: unknown, etag: string) => kept.get(etag)?.clone(),
      keep: (_: unknown, etag: string, response: Response) => void kept.set(etag, response),
    };
    const app = pocketgen({ models, store });
    const first = await app.request(path);
    const second = await app.request(path);
    expect([first, second].map((r) => r.headers.get('Cache-Status'))).toEqual([null, 'pocketgen; hit']);
    expect(await bytesOf(second)).toEqual(await bytesOf(first));
  });
});

describe('errors', () => {
  test.each([
    ['/v1/images/nobody/1.png', 404, 'model: expected one of tiny-colour, tiny-plain, got nobody'],
    ['/v1/images/tiny-colour/1.bmp', 404, 'path: expected a path that ends in .png or .svg or .json, got .bmp'],
    ['/v1/images/tiny-colour/1', 404, 'path: expected a path that ends in .png or .svg or .json, got none'],
    ['/v1/images/tiny-colour/%ff.png', 400, 'path: expected percent-encoded UTF-8, got something else'],
    ['/v1/images/tiny-colour/.png', 400, 'seed: expected 1 to 256 characters, got 0'],
    [
      '/v1/images/tiny-colour/1.png?class=hat',
      400,
      'class: expected one of T-shirt/top, Ankle boot, Bag or an index from 0 to 2, got hat',
    ],
    ['/v1/images/tiny-plain/1.png?class=0', 400, 'class: expected none, as tiny-plain has no classes, got 0'],
    ['/v1/images/tiny-colour/1.png?truncation=0', 400, 'truncation: expected a number above 0, at most 1, got 0'],
    ['/v1/images/tiny-colour/1.png?truncation=2', 400, 'truncation: expected a number above 0, at most 1, got 2'],
    ['/v1/images/tiny-colour/1.png?scale=1.5', 400, 'scale: expected an integer from 1 to 32, got 1.5'],
    ['/v1/images/tiny-colour/1.png?scale=1e1', 400, 'scale: expected an integer from 1 to 32, got 1e1'],
    ['/v1/images/tiny-colour/1.png?scale=', 400, 'scale: expected an integer from 1 to 32, got '],
    [
      '/v1/images/tiny-colour/1.png?size=2',
      400,
      'size: expected class, truncation, scale, canvas, background, got an unknown parameter',
    ],
    ['/v1/images/tiny-colour/1.json?scale=2', 400, 'scale: expected class, truncation, got an unknown parameter'],
    ['/v1/images/tiny-colour/1.png?scale=2&scale=2', 400, 'scale: expected once, got more than one'],
    ['/v1/images/tiny-colour/1.png?canvas=100x5', 400, "canvas: expected at least 8x6, the picture's size, got 100x5"],
    [
      '/v1/images/tiny-colour/1.png?canvas=23x100&scale=3',
      400,
      "canvas: expected at least 24x18, the picture's size at scale 3, got 23x100",
    ],
    ['/v1/models/nobody', 404, 'model: expected one of tiny-colour, tiny-plain, got nobody'],
    ['/v1/models?page=2', 400, 'page: expected no parameters, got an unknown parameter'],
  ])('GET %s is a %d', async (path, status, detail) => {
    const response = await get(path);
    expect([response.status, (await problemOf(response)).detail]).toEqual([status, detail]);
  });

  test('name every wrong field, and carry the request id', async () => {
    const response = await get('/v1/images/tiny-colour/1.png?scale=99&truncation=x&y=1');
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toEqual({
      type: '/docs#status-400',
      title: 'Bad request',
      status: 400,
      detail: 'y: expected class, truncation, scale, canvas, background, got an unknown parameter',
      instance: `urn:uuid:${response.headers.get('X-Request-Id')}`,
      errors: [
        {
          in: 'query',
          name: 'y',
          detail: 'expected class, truncation, scale, canvas, background, got an unknown parameter',
        },
        { in: 'query', name: 'truncation', detail: 'expected a number above 0, at most 1, got x' },
        { in: 'query', name: 'scale', detail: 'expected an integer from 1 to 32, got 99' },
      ],
    });
  });

  test('say which paths and methods there are', async () => {
    expect((await problemOf(await get('/v1/pictures'))).detail).toContain('/v1/images/{model}/{seed}.png');
    const response = await get('/v1/models', { method: 'DELETE' });
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
    expect((await problemOf(response)).detail).toBe('method: expected GET or HEAD, got DELETE');
    for (const path of ['/healthz', '/openapi.json', '/docs'])
      for (const method of ['POST', 'PUT']) expect([path, (await get(path, { method })).status]).toEqual([path, 405]);
  });

  test('do not hang on a slash too many', async () => {
    const plain = (await get('/v1/images/tiny-colour/1.png')).headers.get('ETag');
    for (const path of ['//v1//images/tiny-colour///1.png', '/v1/images/tiny-colour/1.png/'])
      expect((await get(`http://localhost${path}`)).headers.get('ETag')).toBe(plain);
    for (const path of ['/v1/models/', '/v1//models', '/v1/models/tiny-plain/', '/healthz/', '/docs/'])
      expect([path, (await get(path)).status]).toEqual([path, 200]);
    // One that is percent-encoded is part of the seed.
    expect((await get('/v1/images/tiny-colour/1.png%2F')).status).toBe(404);
  });

  test('of /v1/models can be read by OpenAI’s clients too', async () => {
    expect(await (await get('/v1/models/nobody')).json()).toMatchObject({
      status: 404,
      error: {
        message: 'model: expected one of tiny-colour, tiny-plain, got nobody',
        type: 'invalid_request_error',
        param: 'model',
        code: 'model_not_found',
      },
    });
  });

  test('hide what went wrong inside, but log it', async () => {
    const lines: unknown[] = [];
    const broken = { ...model, generator: { ...model.generator, generate: () => Promise.reject(new Error('secret')) } };
    const app = pocketgen({ models: changed(models, () => broken), log: (line) => void lines.push(line) });
    const response = await app.request('/v1/images/tiny-colour/1.png');
    expect([response.status, (await problemOf(response)).detail]).toEqual([
      500,
      'internal error; the request id finds it in the log',
    ]);
    expect(lines).toMatchObject([{ level: 'error', status: 500, error: 'secret', route: '/v1/images/:model/:file' }]);
  });
});
