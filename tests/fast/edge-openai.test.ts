// POST /v1/images/generations: OpenAI's Images API. How a prompt names a class: edge-prompt.test.ts.
import { decode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleVersion, versionedName } from '../../contract/version.ts';
import { pocketgen } from '../../edge/app.ts';
import { modelOf, openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let app: ReturnType<typeof pocketgen>;
/** `tiny-colour` with its version. */
let colour: string;
beforeAll(async () => {
  const models = await openFolder(tiny.folder);
  app = pocketgen({ models });
  colour = versionedName('tiny-colour', await bundleVersion((await modelOf(models, 'tiny-colour')).manifest));
});
afterAll(tiny.remove);

describe('POST /v1/images/generations', () => {
  const post = (body: unknown, headers: Record<string, string> = { 'Content-Type': 'application/json' }) =>
    app.request('/v1/images/generations', {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  test('gives addresses of pictures that are there', async () => {
    const response = await post({
      model: 'tiny-colour',
      prompt: 'an ankle boot',
      n: 2,
      seed: 4294967295,
      size: '16x12',
    });
    const body = (await response.json()) as {
      created: number;
      data: { url: string; revised_prompt: string; seed: number }[];
    };
    expect(body.data).toEqual([
      {
        url: `http://localhost/v1/images/${colour}/4294967295.png?class=Ankle+boot&scale=2`,
        revised_prompt: 'Ankle boot',
        seed: 4294967295,
        size: '16x12',
      },
      {
        url: `http://localhost/v1/images/${colour}/0.png?class=Ankle+boot&scale=2`,
        revised_prompt: 'Ankle boot',
        seed: 0,
        size: '16x12',
      },
    ]);
    expect(Math.abs(body.created - Date.now() / 1000)).toBeLessThan(5);
    expect((await app.request(body.data[0]?.url ?? '')).status).toBe(200);
  });

  test('gives the same bytes as base64, and other pictures each time no seed is given', async () => {
    const ask = async () =>
      (
        (await (await post({ prompt: 'bag', response_format: 'b64_json' })).json()) as {
          data: { b64_json: string; seed: number }[];
        }
      ).data;
    const [first, second] = [await ask(), await ask()];
    const png = await app.request(`/v1/images/tiny-colour/${first[0]?.seed}.png?class=bag`);
    expect(first[0]?.b64_json).toBe(Buffer.from(await png.arrayBuffer()).toString('base64'));
    expect(first[0]?.seed).not.toBe(second[0]?.seed);
  });

  test('takes what OpenAI’s clients send: null for absent, and fields that change nothing', async () => {
    const plain = { prompt: 'bag', seed: 3, response_format: 'b64_json' };
    const extra = {
      ...{ model: null, n: null, size: null, output_format: null, background: null, user: null, partial_images: null },
      ...{ quality: 'hd', style: 'vivid', moderation: 'low', output_compression: 80, stream: false },
    };
    const [bare, full] = await Promise.all([plain, { ...plain, ...extra }].map((body) => post(body)));
    expect([bare?.status, full?.status]).toEqual([200, 200]);
    const data = async (response: Response | undefined) =>
      ((await response?.json()) as { data: unknown } | undefined)?.data;
    expect(await data(full)).toEqual(await data(bare));
  });

  test.each([
    ['1024x1024', '1024x1024', 'canvas=1024x1024'],
    ['1792x1024', '1792x1024', 'canvas=1792x1024'],
    ['256x192', '256x192', 'scale=32'],
    ['264x198', '264x198', 'canvas=264x198'],
    ['4x4', '8x6', undefined],
    ['auto', '8x6', undefined],
  ])('draws size %s as %s, the same as base64 and behind the address', async (size, drawn, query) => {
    const body = { prompt: 'bag', seed: 3, size };
    const item = async (response_format: string) => {
      const { data } = (await (await post({ ...body, response_format })).json()) as {
        data: [{ url?: string; b64_json?: string; size: string }];
      };
      return data[0];
    };
    const [address, encoded] = [await item('url'), await item('b64_json')];
    expect([address.size, encoded.size]).toEqual([drawn, drawn]);
    expect(address.url).toBe(
      `http://localhost/v1/images/${colour}/3.png?class=Bag${query === undefined ? '' : `&${query}`}`,
    );
    const bytes = Buffer.from(await (await app.request(address.url ?? '')).arrayBuffer());
    expect(encoded.b64_json).toBe(bytes.toString('base64'));
    const { width, height } = decode(bytes);
    expect(`${width}x${height}`).toBe(drawn);
  });

  test('says of each model when it was made', async () => {
    const { data } = (await (await app.request('/v1/models')).json()) as { data: { created: number }[] };
    for (const { created } of data) {
      expect(Number.isInteger(created)).toBe(true);
      expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60);
    }
  });

  test('takes the version of a model with its name, and refuses one that is not kept', async () => {
    const whole = { prompt: 'bag', seed: 3, response_format: 'b64_json' };
    const data = async (model: string) => ((await (await post({ ...whole, model })).json()) as { data: object }).data;
    expect(await data(colour)).toEqual(await data('tiny-colour'));
    const response = await post({ ...whole, model: 'tiny-colour@0123456789ab' });
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { param: 'model', code: 'model_not_found', message: expect.stringContaining(`expected ${colour}, `) } },
    ]);
  });

  test('takes the name of a model without classes as its prompt', async () => {
    expect((await post({ model: 'tiny-plain', prompt: 'tiny plain' })).status).toBe(200);
    expect((await post({ model: 'tiny-plain', prompt: 'cat' })).status).toBe(400);
  });

  test('takes the model that the prompt means where none is named, and the first where it means none', async () => {
    const address = async (prompt: string) =>
      ((await (await post({ prompt, seed: 3 })).json()) as { data: { url: string }[] }).data[0]?.url;
    expect(await address('a bag')).toBe(`http://localhost/v1/images/${colour}/3.png?class=Bag`);
    expect(await address('tiny plain')).toMatch(/\/v1\/images\/tiny-plain@[0-9a-f]{12}\/3\.png$/);
    expect((await post({ prompt: 'a hat' })).status).toBe(400);
  });

  test.each([
    [{ prompt: 'hat' }, 400, 'prompt', 'prompt: expected a class, one of T-shirt/top, Ankle boot, Bag'],
    [{}, 400, 'prompt', 'prompt: expected text of 1 to 1000 characters, got nothing'],
    [{ prompt: 'bag', n: 0 }, 400, 'n', 'n: expected an integer from 1 to 64, got 0'],
    [{ prompt: 'bag', n: '2' }, 400, 'n', 'n: expected an integer from 1 to 64, got "2"'],
    [{ prompt: null }, 400, 'prompt', 'prompt: expected text of 1 to 1000 characters, got null'],
    [{ prompt: 'bag', size: 'large' }, 400, 'size', 'size: expected WIDTHxHEIGHT, each from 1 to 9999, got large'],
    [
      { prompt: 'bag', n: 5, size: '1024x1024', response_format: 'b64_json' },
      400,
      'size',
      'size: expected at most 4194304 pixels in all, got 5 × 1024x1024 = 5242880',
    ],
    [{ prompt: 'bag', stream: true }, 400, 'stream', 'stream: expected false, got true'],
    [{ prompt: 'bag', style: 'gaudy' }, 400, 'style', 'style: expected one of vivid, natural, got gaudy'],
    [{ prompt: 'bag', steps: 20 }, 400, 'steps', /^steps: expected model, prompt, n, .*, got an unknown parameter$/],
    [
      { prompt: 'bag', response_format: 'webp' },
      400,
      'response_format',
      'response_format: expected one of b64_json, url, got webp',
    ],
    [
      { prompt: 'bag', seed: -1 },
      400,
      'seed',
      'seed: expected an integer from 0 to 4294967295 or text of 1 to 256 characters, got -1',
    ],
    [
      { prompt: 'bag', model: 'dall-e-3' },
      404,
      'model',
      'model: expected one of tiny-colour, tiny-plain, got dall-e-3',
    ],
    ['{"prompt": "b', 400, null, 'body: expected JSON, got something else or a part of it'],
    ['[]', 400, null, 'body: expected a JSON object, got an array'],
    ['null', 400, null, 'body: expected a JSON object, got object'],
    ['"x"', 400, null, 'body: expected a JSON object, got string'],
    [{ prompt: 'x'.repeat(20_000) }, 413, null, 'body: expected at most 16384 bytes, got more'],
  ])('refuses %j in OpenAI’s shape', async (body, status, param, message) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(error).toEqual({
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      type: 'invalid_request_error',
      param,
      code: status === 404 ? 'model_not_found' : null,
    });
  });

  test('refuses another media type and another method', async () => {
    expect((await post('prompt=bag', { 'Content-Type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    const response = await app.request('/v1/images/generations');
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST']);
  });
});
