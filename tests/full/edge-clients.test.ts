// Real clients against real workerd: the official openai package, plain fetch with its caching headers, keys, the rate
// limit of the binding, the Cache API.
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COLOUR, PLAIN, type Tiny } from '../fast/edge-fixture.ts';
import { tinyFolder } from '../fast/edge-services.ts';
import { startWorkerd, type Workerd } from './edge-workerd.ts';

const WORDS: Tiny = { ...COLOUR, name: 'tiny-words', classes: ['猫', '犬', '🐶'] };
const tiny = await tinyFolder(COLOUR, PLAIN, WORDS);
let open: Workerd;
beforeAll(async () => {
  open = await startWorkerd(tiny.folder);
});
afterAll(async () => {
  await open?.stop();
  tiny.remove();
});

const picture = '/v1/images/tiny-colour/5.png?class=bag';

describe('the openai client', () => {
  const client = (apiKey = 'unused') => new OpenAI({ baseURL: `${open.url}/v1`, apiKey, maxRetries: 0 });

  test('lists the models', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    expect(ids).toEqual(['tiny-colour', 'tiny-plain', 'tiny-words']);
  });

  test('generates pictures as base64 and as addresses', async () => {
    const base = { model: 'tiny-colour', prompt: 'a bag, please', n: 2 } as const;
    // `seed` is ours: the client sends what its types do not know.
    const encoded = await client().images.generate({ ...base, response_format: 'b64_json', seed: 5 } as typeof base);
    const direct = new Uint8Array(await (await fetch(open.url + picture)).arrayBuffer());
    expect(Buffer.from(encoded.data?.[0]?.b64_json ?? '', 'base64')).toEqual(Buffer.from(direct));
    const addresses = await client().images.generate({ ...base, response_format: 'url', seed: 5 } as typeof base);
    const response = await fetch(addresses.data?.[0]?.url ?? '');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(direct);
    expect(addresses.data).toHaveLength(2);
  });

  test('is understood in Chinese, Japanese and emoji: workerd has the dictionaries that Node has', async () => {
    const drawn = async (prompt: string) =>
      (await client().images.generate({ model: 'tiny-words', prompt })).data?.[0]?.revised_prompt;
    expect(await Promise.all(['一只猫', 'かわいい犬の写真', 'a 🐶'].map(drawn))).toEqual(['猫', '犬', '🐶']);
    await expect(drawn('一只熊猫')).rejects.toMatchObject({ status: 400, param: 'prompt' });
  });

  test('gets errors it understands', async () => {
    await expect(client().images.generate({ prompt: 'hat' })).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      status: 400,
      param: 'prompt',
      message: expect.stringContaining('T-shirt/top, Ankle boot, Bag'),
    });
    await expect(client().images.generate({ prompt: 'bag', model: 'dall-e-3' })).rejects.toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: 'model_not_found',
    });
  });
});

describe('a fetch client', () => {
  test('revalidates by ETag, asks by HEAD, and reads problems', async () => {
    const first = await fetch(open.url + picture);
    const etag = first.headers.get('ETag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    const again = await fetch(open.url + picture, { headers: { 'If-None-Match': etag } });
    expect([again.status, await again.text(), again.headers.get('ETag')]).toEqual([304, '', etag]);
    const head = await fetch(open.url + picture, { method: 'HEAD' });
    expect([head.status, head.headers.get('ETag'), head.headers.get('Content-Type')]).toEqual([200, etag, 'image/png']);
    const problem = await fetch(`${open.url}/v1/images/tiny-colour/1.png?scale=33`);
    expect([problem.status, problem.headers.get('Content-Type')]).toEqual([400, 'application/problem+json']);
    expect(first.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(first.headers.get('Server-Timing')).toMatch(/inference;dur=/);
  });
});

test('keys in the secret API_KEYS close /v1 to everyone else', async () => {
  const closed = await startWorkerd(tiny.folder, { API_KEYS: 'alpha,beta' });
  try {
    expect((await fetch(closed.url + picture)).status).toBe(401);
    const allowed = await fetch(closed.url + picture, { headers: { Authorization: 'Bearer beta' } });
    expect([allowed.status, allowed.headers.get('Cache-Control')]).toEqual([200, 'private, max-age=60']);
    const location = allowed.headers.get('Content-Location') ?? '';
    expect((await fetch(closed.url + location)).status).toBe(401);
    const pinned = await fetch(closed.url + location, { headers: { Authorization: 'Bearer beta' } });
    expect(pinned.headers.get('Cache-Control')).toBe('private, max-age=31536000, immutable');
    const client = (apiKey: string) => new OpenAI({ baseURL: `${closed.url}/v1`, apiKey, maxRetries: 0 });
    await expect(client('wrong').images.generate({ prompt: 'bag' })).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    expect((await client('alpha').images.generate({ prompt: 'bag' })).data).toHaveLength(1);
    expect((await fetch(`${closed.url}/healthz`)).status).toBe(200);
  } finally {
    await closed.stop();
  }
});

test('the binding of wrangler.toml limits a client to 600 requests a minute', async () => {
  const limited = await startWorkerd(tiny.folder, { RATE_LIMIT_PER_MINUTE: '600' });
  try {
    // The local binding counts the clock's minutes: a test that crosses one starts again, so twice the limit is sure.
    let allowed = 0;
    let refused: Response | undefined;
    while (refused === undefined && allowed < 1300) {
      const answers = await Promise.all(Array.from({ length: 25 }, () => fetch(`${limited.url}/v1/models`)));
      for (const answer of answers) {
        if (answer.status === 429) refused = answer;
        else allowed += 1;
        expect([200, 429]).toContain(answer.status);
        if (answer !== refused) await answer.arrayBuffer();
      }
    }
    expect(allowed).toBeGreaterThanOrEqual(600);
    expect([refused?.headers.get('Retry-After'), refused?.headers.get('RateLimit')]).toEqual([
      '60',
      '"default";r=0;t=60',
    ]);
    expect(await refused?.json()).toMatchObject({ status: 429, title: 'Too many requests' });
  } finally {
    await limited.stop();
  }
});

test('the Cache API gives the second asker the kept bytes', async () => {
  const caching = await startWorkerd(tiny.folder, { CACHE: 'always' });
  try {
    const first = await fetch(caching.url + picture);
    const bytes = new Uint8Array(await first.arrayBuffer());
    let second = await fetch(caching.url + picture);
    for (let tries = 0; second.headers.get('Cache-Status') === null && tries < 20; tries++) {
      await second.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, 50)); // put() ends after the answer
      second = await fetch(caching.url + picture);
    }
    expect(second.headers.get('Cache-Status')).toBe('pocketgen; hit');
    expect(new Uint8Array(await second.arrayBuffer())).toEqual(bytes);
    expect(second.headers.get('ETag')).toBe(first.headers.get('ETag'));
    expect(second.headers.get('Server-Timing')).toBeNull();
  } finally {
    await caching.stop();
  }
});
