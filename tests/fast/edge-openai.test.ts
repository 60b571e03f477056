// POST /v1/images/generations: OpenAI's Images API. How a prompt names a class: edge-prompt.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../edge/app.ts';
import { openFolder, servicesOf, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let app: ReturnType<typeof createApp>;
beforeAll(async () => {
  app = createApp(servicesOf(await openFolder(tiny.folder)));
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
        url: 'http://localhost/v1/images/tiny-colour/4294967295.png?class=Ankle+boot&scale=2',
        revised_prompt: 'Ankle boot',
        seed: 4294967295,
      },
      {
        url: 'http://localhost/v1/images/tiny-colour/0.png?class=Ankle+boot&scale=2',
        revised_prompt: 'Ankle boot',
        seed: 0,
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

  test('takes the name of a model without classes as its prompt', async () => {
    expect((await post({ model: 'tiny-plain', prompt: 'tiny plain' })).status).toBe(200);
    expect((await post({ model: 'tiny-plain', prompt: 'cat' })).status).toBe(400);
  });

  test.each([
    [{ prompt: 'hat' }, 400, 'prompt', 'prompt: expected a class, one of T-shirt/top, Ankle boot, Bag'],
    [{}, 400, 'prompt', 'prompt: expected text of 1 to 1000 characters, got nothing'],
    [{ prompt: 'bag', n: 0 }, 400, 'n', 'n: expected an integer from 1 to 64, got 0'],
    [{ prompt: 'bag', n: '2' }, 400, 'n', 'n: expected an integer from 1 to 64, got 2'],
    [{ prompt: 'bag', size: '1024x1024' }, 400, 'size', 'size: expected auto or 8x6 times 1 to 32, got 1024x1024'],
    [
      { prompt: 'bag', style: 'vivid' },
      400,
      'style',
      'style: expected model, prompt, n, size, response_format, output_format, background, seed, got an unknown parameter',
    ],
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
      message,
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
