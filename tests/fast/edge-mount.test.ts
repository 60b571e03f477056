// pocketgen/edge in apps of others: under a path, under several, under one with parameters, beside their own routes.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Hono } from 'hono';
import { requestId } from 'hono/request-id';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LogRecord, type Models, memoryLimiter, pocketgen } from '../../edge/index.ts';
import { openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let models: Models;
beforeAll(async () => {
  models = await openFolder(tiny.folder);
});
afterAll(tiny.remove);

interface App {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());
const generations = (app: App, base: string) =>
  app.request(`${base}/v1/images/generations`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ prompt: 'bag', seed: 3 }),
  });

/** An app with routes of its own before and after, and the base under which ours is reached. */
const MOUNTS: [name: string, base: string, make: () => App][] = [
  ['its own app, at the root', '', () => pocketgen({ models })],
  ['under a path', '/art', () => new Hono().route('/art', pocketgen({ models }))],
  ['under a path written with a slash', '/art', () => new Hono().route('/art/', pocketgen({ models }))],
  ['deeper', '/a/b/c', () => new Hono().route('/a', new Hono().route('/b/c', pocketgen({ models })))],
  ['in an app with a base path', '/api/art', () => new Hono().basePath('/api').route('/art', pocketgen({ models }))],
  ['under a parameter', '/b%C3%BCro%207/art', () => new Hono().route('/:room/art', pocketgen({ models }))],
  [
    'at the root of another app',
    '',
    () => new Hono().get('/', (c) => c.text('mine')).route('/', pocketgen({ models })),
  ],
];

describe.each(MOUNTS)('%s', (_name, base, make) => {
  test('every route answers, and every address handed out is one that answers', async () => {
    const app = make();
    const direct = pocketgen({ models });
    const paths = [
      '/v1/images/tiny-colour/ada%40example.com.png?class=bag',
      '/v1/images/tiny-colour/a%2Fb.json',
      '/v1/grids/tiny-colour.png?seeds=1-4',
      '/v1/walks/tiny-colour.gif?from=1&to=2&frames=2',
    ];
    for (const path of paths) {
      const [there, here] = [await app.request(base + path), await direct.request(path)];
      expect([path, there.status, there.headers.get('ETag')]).toEqual([path, 200, here.headers.get('ETag')]);
      const location = there.headers.get('Content-Location') ?? '';
      expect(location).toBe(base + (here.headers.get('Content-Location') ?? ''));
      const pinned = await app.request(location);
      expect(pinned.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
      expect(await bytesOf(pinned)).toEqual(await bytesOf(there));
    }

    const { data } = (await (await app.request(`${base}/v1/models`)).json()) as { data: { pictures: string }[] };
    for (const { pictures } of data) {
      expect(pictures.startsWith(`http://localhost${base}/v1/images/`)).toBe(true);
      expect((await app.request(pictures.replace('{seed}', '7'))).status).toBe(200);
    }
    const generated = (await (await generations(app, base)).json()) as { data: { url: string }[] };
    const picture = await app.request(generated.data[0]?.url ?? '');
    expect([picture.status, picture.headers.get('Content-Type')]).toEqual([200, 'image/png']);

    const document = (await (await app.request(`${base}/openapi.json`)).json()) as { servers: { url: string }[] };
    const server = new URL(document.servers[0]?.url ?? '', `http://localhost${base}/openapi.json`).pathname;
    expect(server.replace(/\/$/, '')).toBe(base);
    for (const end of ['', ...(base === '' ? ['/'] : [])]) {
      const page = await (await app.request(`${base}/docs${end}`)).text();
      if (end === '/' && page === '404 Not Found') continue; // only an app of its own tidies slashes
      const links = [...page.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, link = '']) => link);
      expect(links.length).toBeGreaterThan(6);
      for (const link of links) {
        const { href } = new URL(link, `http://localhost${base}/docs${end}`);
        expect([href, (await app.request(href)).status]).toEqual([href, 200]);
      }
      expect(page).toContain(`http://localhost${base}/v1/images/tiny-colour@`);
    }
  });

  test('errors are problem details, in OpenAI’s shape on OpenAI’s route, and name a page that is there', async () => {
    const app = make();
    const problem = async (path: string, init?: RequestInit) => {
      const response = await app.request(base + path, init);
      return [response.status, response.headers.get('Content-Type'), await response.json()] as const;
    };
    const details = 'application/problem+json';
    expect(await problem('/v1/images/tiny-colour/1.png?scale=99')).toMatchObject([
      400,
      details,
      { type: `${base}/docs#status-400`, detail: 'scale: expected an integer from 1 to 32, got 99' },
    ]);
    expect(await problem('/v1/pictures')).toMatchObject([404, details, { type: `${base}/docs#status-404` }]);
    expect(await problem('/v1/models/nobody')).toMatchObject([404, details, { error: { code: 'model_not_found' } }]);
    expect(await problem('/v1/models', { method: 'DELETE' })).toMatchObject([405, details, { status: 405 }]);
    expect(await problem('/v1/images/generations', { method: 'POST' })).toMatchObject([
      415,
      'application/json',
      { error: { type: 'invalid_request_error' } },
    ]);
    expect((await app.request(`${base}/v1/models`, { method: 'DELETE' })).headers.get('Allow')).toBe('GET, HEAD');
  });
});

test('routes of the other app are its own: its answers, its errors, its 404, its headers', async () => {
  const app = new Hono()
    .get('/before', (c) => c.text('before'))
    .route('/art', pocketgen({ models }))
    .get('/after', (c) => c.text('after'))
    .get('/broken', () => {
      throw new Error('mine');
    });
  app.notFound((c) => c.text('their 404', 404));
  app.onError((error, c) => c.text(`their ${error.message}`, 500));
  for (const [path, status, text] of [
    ['/before', 200, 'before'],
    ['/after', 200, 'after'],
    ['/broken', 500, 'their mine'],
    ['/nothing', 404, 'their 404'],
    ['/artful', 404, 'their 404'],
  ] as const) {
    const response = await app.request(path);
    expect([path, response.status, await response.text()]).toEqual([path, status, text]);
    // What counts for all of a domain is not for a part of it to say.
    expect((await app.request('/art/v1/models')).headers.get('Strict-Transport-Security')).toBeNull();
    for (const header of ['Content-Security-Policy', 'Access-Control-Allow-Origin', 'X-Request-Id'])
      expect([path, header, response.headers.get(header)]).toEqual([path, header, null]);
  }
  // Under our path what is not ours is their 404; what would be ours is ours.
  expect(await (await app.request('/art/nothing')).text()).toBe('their 404');
});

test('variables of the other app are its own, and its request id goes through', async () => {
  const seen: unknown[] = [];
  const names = ['base', 'model', 'page', 'timing', 'user'] as const;
  const app = new Hono<{ Variables: Record<(typeof names)[number], string> }>();
  app.use(requestId());
  app.use(async (c, next) => {
    for (const name of names) c.set(name, `theirs ${name}`);
    await next();
    seen.push(...names.map((name) => c.get(name)));
  });
  app.route('/art', pocketgen({ models }));
  const response = await app.request('/art/v1/images/tiny-colour/1.png', { headers: { 'X-Request-Id': 'abc' } });
  expect(response.headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  expect([response.status, response.headers.get('X-Request-Id')]).toEqual([200, 'abc']);
  expect(seen).toEqual(names.map((name) => `theirs ${name}`));
});

test('two mounts of one app differ in what they are told: keys, limits, log', async () => {
  const lines: LogRecord[] = [];
  const limiter = memoryLimiter(1, 60, () => 0);
  const app = new Hono()
    .route('/open', pocketgen({ models, rateLimit: { limiter, client: () => 'someone' } }))
    .route('/closed', pocketgen({ models, keys: 'k', log: (line) => void lines.push(line) }));
  const path = '/v1/images/tiny-plain/1.png';
  const statuses = async (...requests: [string, RequestInit?][]) => {
    const all: number[] = [];
    for (const [at, init] of requests) all.push((await app.request(at + path, init)).status);
    return all;
  };
  const bearer = { headers: { Authorization: 'Bearer k' } };
  expect(await statuses(['/open'], ['/open'], ['/closed'], ['/closed', bearer])).toEqual([200, 429, 401, 200]);
  expect(lines.map(({ route, status }) => [route, status])).toEqual([
    ['/closed/v1/images/:model/:file', 401],
    ['/closed/v1/images/:model/:file', 200],
  ]);
});

test('an app of another copy of hono is told so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-hono-'));
  cpSync('node_modules/hono', join(folder, 'hono'), { recursive: true });
  const other: typeof import('hono') = await import(pathToFileURL(join(folder, 'hono/dist/index.js')).href);
  rmSync(folder, { recursive: true });
  const app = new other.Hono().route('/art', pocketgen({ models }));
  const said: string[] = [];
  app.onError((error, c) => {
    said.push(error.message);
    return c.text('', 500);
  });
  expect((await app.request('/art/v1/models')).status).toBe(500);
  expect(said.at(-1)).toMatch(/^pocketgen: expected one copy of hono, .* npm dedupe$/);
});
