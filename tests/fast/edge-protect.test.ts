// Keys, rate limits, headers, log, health and documents of the edge.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeLatent } from '../../contract/compact.ts';
import { endpoints, pocketgen } from '../../edge/app.ts';
import { folderSource } from '../../edge/bundles.ts';
import { namesOf } from '../../edge/endpoint.ts';
import type { Engine, Models } from '../../edge/models.ts';
import { openOnFirst } from '../../edge/node.ts';
import { createKeyCheck } from '../../edge/protect/keys.ts';
import { bindingLimiter, memoryLimiter } from '../../edge/protect/rate-limit.ts';
import { nativeEngine } from '../../edge/runtime/native.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import type { LogRecord } from '../../edge/services.ts';
import { parseHeaders } from '../../edge/static.ts';
import { CLEAR, COLOUR, PLAIN } from './edge-fixture.ts';
import { openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let models: Models;
beforeAll(async () => {
  models = await openFolder(tiny.folder);
});
afterAll(tiny.remove);

const PICTURE = '/v1/images/tiny-plain/1.png';

describe('keys', () => {
  test('open /v1 to bearers only; health and documents stay open', async () => {
    const app = pocketgen({ models, keys: 'first, second' });
    const status = async (path: string, key?: string) =>
      (await app.request(path, key === undefined ? {} : { headers: { Authorization: key } })).status;
    for (const key of [undefined, 'Bearer', 'Bearer wrong', 'Basic first', 'first', 'Bearer first, second'])
      expect([key, await status(PICTURE, key)]).toEqual([key, 401]);
    for (const key of ['Bearer first', 'bearer second']) expect([key, await status(PICTURE, key)]).toEqual([key, 200]);
    for (const path of ['/healthz', '/docs', '/openapi.json']) expect(await status(path)).toBe(200);
  });

  test('make answers private and say how to authenticate', async () => {
    const app = pocketgen({ models, keys: 'k' });
    const picture = await app.request(PICTURE, { headers: { Authorization: 'Bearer k' } });
    expect(picture.headers.get('Cache-Control')).toBe('private, max-age=60');
    const pinned = await app.request(picture.headers.get('Content-Location') ?? '', {
      headers: { Authorization: 'Bearer k' },
    });
    expect(pinned.headers.get('Cache-Control')).toBe('private, max-age=31536000, immutable');
    expect((await app.request(PICTURE)).headers.get('WWW-Authenticate')).toBe('Bearer');
    const openai = await app.request('/v1/images/generations', { method: 'POST' });
    expect(await openai.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
  });

  test('are not asked for when the secret is absent or empty', () => {
    for (const secret of [undefined, '', ' , ']) expect(createKeyCheck(secret)).toBeUndefined();
  });
});

describe('the rate limit', () => {
  test('counts per client and window in memory', async () => {
    let now = 1_000_000;
    const limiter = memoryLimiter(2, 60, () => now);
    const take = async (client: string) => {
      const { allowed, remaining, reset } = await limiter.take(client);
      return [allowed, remaining, reset];
    };
    expect([await take('a'), await take('a'), await take('a'), await take('b')]).toEqual([
      [true, 1, 60],
      [true, 0, 60],
      [false, 0, 60],
      [true, 1, 60],
    ]);
    now += 59_000;
    expect(await take('a')).toEqual([false, 0, 1]);
    now += 1_000;
    expect(await take('a')).toEqual([true, 1, 60]);
  });

  test('is told in headers, also in errors, and ends in 429 with Retry-After', async () => {
    const app = pocketgen({ models, rateLimit: { limiter: memoryLimiter(2, 60, () => 0), client: () => 'someone' } });
    const headersOf = async (path: string) => {
      const { status, headers } = await app.request(path);
      return [status, headers.get('RateLimit-Policy'), headers.get('RateLimit'), headers.get('Retry-After')];
    };
    const policy = '"default";q=2;w=60';
    expect(await headersOf(PICTURE)).toEqual([200, policy, '"default";r=1;t=60', null]);
    expect(await headersOf('/v1/images/nobody/1.png')).toEqual([404, policy, '"default";r=0;t=60', null]);
    expect(await headersOf(PICTURE)).toEqual([429, policy, '"default";r=0;t=60', '60']);
    expect((await app.request('/healthz')).status).toBe(200);
  });

  test('uses Cloudflare’s binding, which tells only yes or no', async () => {
    const limiter = bindingLimiter({ limit: async ({ key }) => ({ success: key !== 'someone' }) }, 600, 60);
    const app = pocketgen({ models, rateLimit: { limiter, client: () => 'someone' } });
    const response = await app.request(PICTURE);
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, '60']);
  });
});

describe('headers', () => {
  test('let other sites show and fetch pictures, and keep answers from being anything else', async () => {
    const { headers } = await pocketgen({ models }).request(PICTURE, {
      headers: { Origin: 'https://x.example' },
    });
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(headers.get('Access-Control-Expose-Headers')).toContain('ETag');
    expect(headers.get('Cross-Origin-Resource-Policy')).toBe('cross-origin');
    expect(headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Server-Timing')).toMatch(/^inference;dur=[0-9.]+, encode;dur=[0-9.]+$/);
    expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('answer the preflight of a browser that sends a key', async () => {
    const response = await pocketgen({ models }).request('/v1/images/generations', {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://x.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type,x-stainless-lang',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Headers')).toBe('authorization,content-type,x-stainless-lang');
  });

  test('of the page are read from _headers as Cloudflare does', () => {
    const rules = parseHeaders('# note\n/*\n  X-A: 1: 2\n\n/assets/*.js\n  B: c\n');
    const found = (path: string) => rules.filter(({ pattern }) => pattern.test(path)).flatMap(({ headers }) => headers);
    expect(found('/x')).toEqual([['X-A', '1: 2']]);
    expect(found('/assets/a.js')).toEqual([
      ['X-A', '1: 2'],
      ['B', 'c'],
    ]);
  });
});

test('the log has one line per request and nothing a user typed', async () => {
  const lines: LogRecord[] = [];
  const app = pocketgen({ models, log: (line) => void lines.push(line) });
  await app.request('/v1/images/tiny-colour/ada@example.com.png?class=bag');
  await app.request('/v1/images/ada@example.com/1.png');
  await app.request('/ada@example.com');
  expect(lines).toMatchObject([
    { level: 'info', method: 'GET', route: '/v1/images/:model/:file', model: 'tiny-colour', status: 200 },
    { route: '/v1/images/:model/:file', status: 404 },
    { route: 'none', status: 404 },
  ]);
  // A request's id is hexadecimal, which spells "ada" now and then.
  const texts = lines.map(({ requestId, ...rest }) => JSON.stringify({ ...rest, id: requestId.length }));
  expect(texts.join()).not.toMatch(/ada|bag/);
});

describe('/healthz', () => {
  test('says which model failed and why, and that model is a 503', async () => {
    const bad = await tinyFolder(COLOUR, PLAIN);
    try {
      const path = join(bad.folder, 'tiny-plain', 'model.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      manifest.goldens[0] = { ...manifest.goldens[1], seed: 1 };
      writeFileSync(path, JSON.stringify(manifest));
      writeFileSync(join(bad.folder, 'tiny-colour', 'generator.fp32.onnx'), 'short');
      const app = pocketgen({ models: await openFolder(bad.folder) });
      const health = await app.request('/healthz');
      expect([health.status, await health.json()]).toMatchObject([
        503,
        {
          status: 'unavailable',
          models: [
            {
              name: 'tiny-colour',
              status: 'failed',
              error: expect.stringMatching(/^generator\.fp32\.onnx: expected \d+ bytes, got 5/),
            },
            {
              name: 'tiny-plain',
              status: 'failed',
              error: expect.stringMatching(
                /^tiny-plain fp32: golden of seed 1: expected the same bytes, got a difference of \d+ levels/,
              ),
            },
          ],
        },
      ]);
      const picture = await app.request(PICTURE);
      expect([picture.status, ((await picture.json()) as { detail: string }).detail]).toEqual([
        503,
        expect.stringContaining('golden of seed 1'),
      ]);
    } finally {
      bad.remove();
    }
  });

  test('a model too large to be opened at the start is listed, and what is wrong with it is told when it is asked for', async () => {
    const large = await tinyFolder(COLOUR, PLAIN);
    try {
      const path = join(large.folder, 'tiny-plain', 'model.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      manifest.files[0].bytes = 3 * 2 ** 20;
      writeFileSync(path, JSON.stringify(manifest));
      const app = pocketgen({ models: await openFolder(large.folder) });
      const health = async () => (await app.request('/healthz')).json();
      const listed = [
        { name: 'tiny-colour', open: true },
        { name: 'tiny-plain', open: false },
      ];
      expect(await health()).toMatchObject({ status: 'ok', models: listed });
      const error = expect.stringMatching(/^generator\.fp32\.onnx: expected 3145728 bytes, got \d+/);
      const picture = await app.request('/v1/images/tiny-plain/1.png');
      expect([picture.status, ((await picture.json()) as { detail: string }).detail]).toEqual([
        503,
        expect.stringContaining('model tiny-plain is not served: generator.fp32.onnx: expected 3145728 bytes'),
      ]);
      expect(await health()).toMatchObject({
        status: 'degraded',
        models: [...listed, { name: 'tiny-plain', status: 'failed', error }],
      });
    } finally {
      large.remove();
    }
  });

  test('is ok when every model is', async () => {
    const health = await pocketgen({ models }).request('/healthz');
    expect(await health.json()).toMatchObject({
      status: 'ok',
      models: [{ name: 'tiny-colour', status: 'ok', variant: 'fp32' }, {}],
    });
  });
});

describe('onnxruntime-node', () => {
  const source = () => folderSource(join(tiny.folder, 'tiny-colour'));

  test('is used when it is within a level of the goldens, with ETags of its own', async () => {
    const model = await openOnFirst(source(), [nativeEngine], () => expect.fail('no notice expected'));
    expect([model.provider, model.hash]).toEqual(['native', `native-${model.file.sha256}`]);
  });

  test('is refused with a line that says why when it is not, and wasm is used', async () => {
    const wasm = wasmEngine();
    const wrong: Engine = {
      ...wasm,
      provider: 'native',
      maxLevels: 1,
      async createSession(bytes) {
        const session = await wasm.createSession(bytes);
        return {
          release: () => session.release(),
          async run(feeds) {
            const output = await session.run(feeds);
            const { dims, getData } = output.image ?? expect.fail('no output');
            const data = (await getData.call(output.image)) as Float32Array;
            return {
              image: new wasm.Tensor(
                'float32',
                data.map((x) => x * 0.5),
                dims,
              ),
            };
          },
        };
      },
    };
    const notices: string[] = [];
    const model = await openOnFirst(source(), [() => wrong, () => wasm], (line) => void notices.push(line));
    expect(model.provider).toBe('wasm');
    expect(notices).toEqual([
      expect.stringMatching(
        /^tiny-colour: onnxruntime-node refused, using wasm \(.*expected at most 1 level of difference, got a difference of \d+ levels of 255\)$/,
      ),
    ]);
  });
});

describe('documents', () => {
  test('/openapi.json is valid OpenAPI 3.1 and has every route with its limits', async () => {
    const app = pocketgen({ models, keys: 'k' });
    const document = (await (await app.request('/openapi.json')).json()) as Record<string, never>;
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
    expect(document).toMatchObject({ info: { version: JSON.parse(readFileSync('package.json', 'utf8')).version } });
    const { paths } = document as unknown as {
      paths: Record<string, Record<string, { parameters: { name: string; schema: unknown }[] }>>;
    };
    for (const { path, method } of endpoints) expect(paths[path]?.[method]).toBeDefined();
    const scale = paths['/v1/images/{model}/{seed}.png']?.get?.parameters.find(({ name }) => name === 'scale');
    expect(scale?.schema).toEqual({ type: 'integer', minimum: 1, maximum: 32 });
    expect(JSON.stringify(document)).toContain('4194304 pixels');
  });

  test('/openapi.json says every status that can come back', async () => {
    const app = pocketgen({ models, keys: 'k' });
    const { paths } = (await (await app.request('/openapi.json')).json()) as {
      paths: Record<string, Record<string, { responses: object }>>;
    };
    const statuses = (path: string, method: string) => Object.keys(paths[path]?.[method]?.responses ?? {}).map(Number);
    expect(statuses('/v1/images/generations', 'post')).toEqual([200, 400, 401, 404, 405, 413, 415, 429, 431, 500, 503]);
    expect(statuses('/v1/images/{model}/{seed}.png', 'get')).toEqual([
      200, 304, 400, 401, 404, 405, 429, 431, 500, 503,
    ]);
    expect(statuses('/healthz', 'get')).toEqual([200, 400, 405, 431, 500, 503]);
  });

  test('the body’s schema allows null and refuses what the models served cannot do', async () => {
    const both = await tinyFolder(COLOUR, CLEAR);
    const mixed = await openFolder(both.folder);
    const document = await (await pocketgen({ models: mixed }).request('/openapi.json')).json();
    both.remove();
    const named = namesOf(await mixed.list());
    expect(named).toHaveLength(4);
    const { paths } = document as { paths: Record<string, Record<string, { requestBody: { content: object } }>> };
    const { content } = paths['/v1/images/generations']?.post?.requestBody ?? {};
    const { schema } = (content as Record<string, { schema: object }>)['application/json'] ?? {};
    expect(schema).toMatchObject({
      required: ['prompt'],
      properties: {
        prompt: { type: 'string', minLength: 1, maxLength: 1000 },
        model: { anyOf: [{ type: 'string', enum: named }, { type: 'null' }] },
        n: { anyOf: [{ type: 'integer', minimum: 1, maximum: 64 }, { type: 'null' }], default: 1 },
      },
      not: {
        // Without a model the prompt may mean any of them.
        required: ['background'],
        properties: { background: { const: 'transparent' }, model: { enum: [...named.slice(2), null] } },
      },
    });
  });

  test('/docs shows every route with a curl line, and its policy allows its own style and no script', async () => {
    const response = await pocketgen({ models }).request('http://here.example/docs');
    const page = await response.text();
    for (const { path } of endpoints) expect(page).toContain(path);
    expect(page).not.toContain('<script');
    expect(response.headers.get('Content-Security-Policy')).toMatch(
      /^default-src 'none'; img-src 'self'; style-src 'sha256-[A-Za-z0-9+/]{43}='/,
    );
  });

  test('what /docs tells to type works on the models served, with or without classes', async () => {
    const odd = { ...COLOUR, name: 'odd', classes: ["cat's eye", '猫'] };
    for (const tiny of [COLOUR, PLAIN, odd]) {
      const { folder, remove } = await tinyFolder(tiny);
      const app = pocketgen({ models: await openFolder(folder) });
      remove();
      const page = await (await app.request('/docs')).text();
      const lines = [...page.matchAll(/<pre>curl (.*?)<\/pre>/gs)].map(([, line = '']) =>
        line.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll(`'\\''`, '\0'),
      );
      // None of these has an encoder or a completer, so there is no line that would work.
      expect(lines).toHaveLength(endpoints.filter(({ needs }) => needs === undefined).length);
      for (const line of lines) {
        const [, url = '', body] = /'([^']*)'(?:.* -d '([^']*)')?$/s.exec(line) ?? [];
        const headers = { 'Content-Type': 'application/json' };
        const init = body === undefined ? {} : { method: 'POST', headers, body: body.replaceAll('\0', "'") };
        const { status } = await app.request(url, init);
        // None of these was trained here.
        expect([line, status]).toEqual([line, /\/v1\/training\//.test(url) ? 404 : 200]);
      }
      const document = (await (await app.request('/openapi.json')).json()) as {
        paths: Record<string, { post: { requestBody: { content: Record<string, { example: object }> } } }>;
      };
      const { example } = document.paths['/v1/images/generations']?.post.requestBody.content['application/json'] ?? {};
      const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(example) };
      expect((await app.request('/v1/images/generations', init)).status).toBe(200);
    }
  });

  test('the root leads to /docs where there is no page', async () => {
    const response = await pocketgen({ models }).request('/');
    expect([response.status, response.headers.get('Location')]).toEqual([302, '/docs']);
  });

  test('every example works', async () => {
    const app = pocketgen({ models });
    for (const { example, exampleBody, method, onlyTrainedHere, upload, form } of endpoints) {
      // The examples name classes of Fashion-MNIST, which the tiny model does not have.
      const path = example
        .replace('fashion-gan', 'tiny-colour')
        .replace(/(class|toClass)=(coat|dress|sneaker)/gi, '$1=bag')
        .replace(/z=A+/, `z=${encodeLatent(new Float32Array(5))}`);
      const body = { ...exampleBody, model: 'tiny-colour', prompt: 'bag' };
      const init =
        method === 'post'
          ? { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
          : {};
      expect([path, (await app.request(path, init)).status]).toEqual([
        path,
        onlyTrainedHere || upload || form ? 404 : 200,
      ]);
    }
  });
});
