// A model of transparent pictures behind the API: alpha in every format, backgrounds, and what OpenAI's clients ask for.
import { decode, decodeApng } from 'fast-png';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onBackground, parseBackground } from '../../contract/background.ts';
import { largestDifference } from '../../contract/bundle.ts';
import { contactSheet, type Picture, scaleUp } from '../../contract/picture.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { pocketgen } from '../../edge/app.ts';
import type { ServedModel } from '../../edge/models.ts';
import { CLEAR, COLOUR } from './edge-fixture.ts';
import { modelOf, openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder(CLEAR, COLOUR);
let model: ServedModel;
let get: (path: string, init?: RequestInit) => Promise<Response>;

beforeAll(async () => {
  const models = await openFolder(tiny.folder);
  model = await modelOf(models, 'tiny-clear');
  const app = pocketgen({ models });
  get = async (path, init) => app.request(path, init);
});
afterAll(tiny.remove);

const bytesOf = async (path: string) => new Uint8Array(await (await get(path)).arrayBuffer());
async function picturesOf(...seeds: number[]): Promise<Picture[]> {
  return model.generator.generate(seeds.map((seed) => ({ seed, class: 0, truncation: 0.9 })));
}
const one = async (seed: number): Promise<Picture> => (await picturesOf(seed))[0] as Picture;

describe('a transparent picture', () => {
  test('has clear, half clear and opaque pixels, no colour where nothing is seen, and is an 8-bit RGBA PNG', async () => {
    const bytes = await bytesOf('/v1/images/tiny-clear/1.png?class=ghost&scale=3');
    expect(decode(bytes)).toMatchObject({ width: 27, height: 21, channels: 4, depth: 8 });
    const { data } = await one(1);
    const alphas = data.filter((_, at) => at % 4 === 3);
    expect([alphas.includes(0), alphas.includes(255), alphas.some((a) => a > 0 && a < 255)]).toEqual(
      Array(3).fill(true),
    );
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3] === 0) expect([...data.subarray(at, at + 4)]).toEqual([0, 0, 0, 0]);
    expect(decodePng(bytes)).toEqual(scaleUp(await one(1), 3));
  });

  test('as JSON is the same straight pixels, and says four channels', async () => {
    const body = await (await get('/v1/images/tiny-clear/1.json?class=ghost')).json();
    const { data } = await one(1);
    expect(body).toMatchObject({ image: CLEAR.image, pixels: Buffer.from(data).toString('base64') });
  });

  test('as SVG is drawn by librsvg with the same alpha, and nothing where nothing is seen', async () => {
    const svg = Buffer.from(await bytesOf('/v1/images/tiny-clear/1.svg?class=ghost&scale=2'));
    const { data, info } = await sharp(svg).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([18, 14]);
    const expected = scaleUp(await one(1), 2).data;
    expect(data.filter((_, i) => i % 4 === 3)).toEqual(Buffer.from(expected.filter((_, i) => i % 4 === 3)));
    // See contract-encoders.test.ts for the two levels.
    expect(largestDifference(expected, data, 4)).toBeLessThanOrEqual(2);
    expect(svg.toString()).not.toMatch(/stroke-opacity="0?"/);
  });

  test('stands on a sheet with nothing in the empty cells', async () => {
    const sheet = decodePng(await bytesOf('/v1/grids/tiny-clear.png?seeds=1-3&columns=2&class=0&scale=2'));
    expect(sheet).toEqual(scaleUp(contactSheet(await picturesOf(1, 2, 3), 2), 2));
    expect([...sheet.data.subarray(-4)]).toEqual([0, 0, 0, 0]);
  });

  test('walks as animated PNG with its alpha, and as GIF with a pixel seen or not, frames replacing each other', async () => {
    const query = 'from=1&to=2&class=0&frames=3&scale=2';
    const film = decodeApng(await bytesOf(`/v1/walks/tiny-clear.apng?${query}`));
    const ends = (await picturesOf(1, 2)).map((picture) => scaleUp(picture, 2));
    expect([film.frames[0]?.data, film.frames[2]?.data]).toEqual(ends.map(({ data }) => data));
    const gif = await sharp(await bytesOf(`/v1/walks/tiny-clear.gif?${query}`), { animated: true })
      .ensureAlpha()
      .raw()
      .toBuffer();
    ends.forEach(({ data }, i) => {
      const frame = gif.subarray(2 * i * data.length, (2 * i + 1) * data.length);
      for (let at = 3; at < data.length; at += 4) expect(frame[at]).toBe((data[at] ?? 0) >= 128 ? 255 : 0);
    });
  });
});

describe('a background', () => {
  test.each(['ff8800', '%23F80', 'white', 'checkerboard'])('%s is laid under the enlarged picture', async (text) => {
    const background = parseBackground(decodeURIComponent(text));
    const bytes = await bytesOf(`/v1/images/tiny-clear/1.png?class=0&scale=3&background=${text}`);
    expect(bytes).toEqual(encodePng(onBackground(scaleUp(await one(1), 3), background)));
    expect(decode(bytes).channels).toBe(3);
  });

  test('lies under sheets, films and SVG too', async () => {
    const orange = parseBackground('f80');
    const sheet = await bytesOf('/v1/grids/tiny-clear.png?seeds=1,2&class=0&background=f80');
    expect(decodePng(sheet)).toEqual(onBackground(contactSheet(await picturesOf(1, 2), 2), orange));
    const film = decodeApng(await bytesOf('/v1/walks/tiny-clear.apng?from=1&to=2&class=0&frames=2&background=f80'));
    const ends = (await picturesOf(1, 2)).map((picture) => onBackground(picture, orange).data);
    expect(film.frames.map(({ data }) => data)).toEqual(ends);
    const gif = await sharp(await bytesOf('/v1/walks/tiny-clear.gif?from=1&to=2&frames=2&background=f80')).metadata();
    expect(gif.hasAlpha).toBe(false);
    const svg = await (await get('/v1/images/tiny-clear/1.svg?class=0&background=f80')).text();
    expect(svg).toContain('stroke="#ff8800"');
    expect(svg).not.toContain('opacity');
  });

  test('is part of the ETag by what it is, not how it is written; without one the tag is another', async () => {
    const tag = async (query: string) => (await get(`/v1/images/tiny-clear/1.png?scale=2${query}`)).headers.get('ETag');
    const tags = await Promise.all(['', '&background=ff8800', '&background=white'].map(tag));
    expect(new Set(tags).size).toBe(3);
    for (const same of ['f80', '%23f80', 'FF8800']) expect(await tag(`&background=${same}`)).toBe(tags[1]);
    const path = '/v1/images/tiny-clear/1.png?scale=2&background=f80';
    expect((await get(path, { headers: { 'If-None-Match': tags[1] ?? '' } })).status).toBe(304);
    expect((await get(path, { headers: { 'If-None-Match': tags[0] ?? '' } })).status).toBe(200);
  });

  test('changes nothing under opaque pictures, not even the ETag', async () => {
    for (const path of [
      'images/tiny-colour/1.svg?',
      'grids/tiny-colour.png?seeds=1&',
      'walks/tiny-colour.gif?from=1&to=2&',
    ]) {
      const [without, on] = await Promise.all(['', 'background=f80'].map((query) => get(`/v1/${path}${query}`)));
      expect([on?.status, on?.headers.get('ETag')]).toEqual([200, without?.headers.get('ETag')]);
    }
  });

  test.each([
    [
      '/v1/images/tiny-clear/1.png?background=mauve',
      'background: expected checkerboard, white, black or a colour such as ff8800, got mauve',
    ],
    ['/v1/images/tiny-clear/1.json?background=fff', 'background: expected class, truncation, got an unknown parameter'],
  ])('GET %s is a 400', async (path, detail) => {
    const response = await get(path);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
  });
});

describe('POST /v1/images/generations', () => {
  const post = async (body: object) => {
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
    const response = await get('/v1/images/generations', {
      ...init,
      body: JSON.stringify({ prompt: 'bag', seed: 7, ...body }),
    });
    return { status: response.status, body: await response.json() };
  };
  const drawn = async (background?: string) => {
    const { body } = await post({ model: 'tiny-clear', response_format: 'b64_json', background });
    return decodePng(Buffer.from((body as { data: [{ b64_json: string }] }).data[0].b64_json, 'base64'));
  };

  test('keeps alpha for transparent and auto, and lays opaque pictures on white', async () => {
    const [picture] = await model.generator.generate([{ seed: 7, class: 1, truncation: 0.9 }]);
    for (const background of [undefined, 'auto', 'transparent']) expect(await drawn(background)).toEqual(picture);
    expect(await drawn('opaque')).toEqual(onBackground(picture as Picture, [255, 255, 255]));
  });

  test('gives the address of the same bytes', async () => {
    const { body } = await post({ model: 'tiny-clear', background: 'opaque' });
    const url = new URL((body as { data: [{ url: string }] }).data[0].url);
    expect(url.search).toBe('?class=Bag&background=ffffff');
    expect(decodePng(await bytesOf(url.pathname + url.search))).toEqual(await drawn('opaque'));
  });

  test('cannot make an opaque model transparent, and takes what it can do', async () => {
    const { status, body } = await post({ model: 'tiny-colour', background: 'transparent' });
    expect([status, body]).toEqual([
      400,
      {
        error: {
          message: 'background: expected opaque or auto, as tiny-colour draws no transparent pictures',
          type: 'invalid_request_error',
          param: 'background',
          code: null,
        },
      },
    ]);
    expect((await post({ model: 'tiny-colour', background: 'opaque' })).status).toBe(200);
  });
});
