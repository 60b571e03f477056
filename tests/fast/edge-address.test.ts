// The addresses handed out behind proxies: a setting, a proxy that is trusted, and what clients make up.
import { execFile } from 'node:child_process';
import { request as ask, createServer, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addressSettings, type Models, type PocketgenOptions, pocketgen } from '../../edge/index.ts';
import { type RunningServer, startServer } from '../../edge/node.ts';
import { openFolder, tinyFolder } from './edge-services.ts';

const tiny = await tinyFolder();
let models: Models;
beforeAll(async () => {
  models = await openFolder(tiny.folder);
});
afterAll(tiny.remove);

type App = Pick<ReturnType<typeof pocketgen>, 'request'>;
const api = (options: Omit<PocketgenOptions, 'models'> = {}) => pocketgen({ models, ...options });

/** Where the API says it is: of a picture by OpenAI's route, up to /v1. */
async function handedOut(app: App, headers: Record<string, string> = {}, at = 'http://localhost'): Promise<string> {
  const response = await app.request(`${at}/v1/images/generations`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ prompt: 'bag', seed: 3 }),
  });
  const { data } = (await response.json()) as { data: [{ url: string }] };
  return data[0].url.replace(/\/v1\/images\/tiny-colour@[0-9a-f]{12}\/3\.png\?class=Bag$/, '');
}

const CLAIMS: Record<string, string>[] = [
  { 'X-Forwarded-Proto': 'https' },
  { 'X-Forwarded-Host': 'evil.example' },
  { 'X-Forwarded-Prefix': '/evil' },
  { Forwarded: 'proto=https;host=evil.example' },
  { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Port': '443' },
  { 'X-Original-Host': 'evil.example', 'X-Rewrite-URL': '/evil', 'X-Host': 'evil.example' },
];

describe('without a setting', () => {
  test('the address is the request’s own, whatever headers claim', async () => {
    for (const claim of CLAIMS) expect(await handedOut(api(), claim)).toBe('http://localhost');
    expect(await handedOut(api(), {}, 'https://pictures.example:8443')).toBe('https://pictures.example:8443');
  });

  test('an answer that caches keep never holds a host: it is the same for every Host', async () => {
    for (const path of [
      '/v1/images/tiny-colour/1.png',
      '/v1/images/tiny-colour/1.json',
      '/openapi.json',
      '/v1/nothing',
    ]) {
      const kept = async (host: string, claim: Record<string, string>) => {
        const response = await api().request(`http://${host}${path}`, { headers: claim });
        const body = (await response.text()).replace(/urn:uuid:[0-9a-f-]+/, '');
        const names = ['ETag', 'Content-Location', 'Content-Type', 'Cache-Control'];
        return [response.status, body, ...names.map((name) => response.headers.get(name))];
      };
      const plain = await kept('localhost', {});
      expect(JSON.stringify(plain)).not.toMatch(/localhost|evil/);
      for (const claim of CLAIMS) expect(await kept('evil.example', claim)).toEqual(plain);
    }
  });

  test('what names a host is kept by no cache', async () => {
    for (const path of ['/docs', '/v1/models', '/v1/models/tiny-colour']) {
      const response = await api().request(`http://evil.example${path}`);
      expect([path, response.headers.get('Cache-Control')]).toEqual([
        path,
        expect.stringMatching(/^no-(store|cache)$/),
      ]);
      expect(response.headers.get('ETag')).toBeNull(); // nothing to revalidate: it is always sent anew
    }
  });
});

describe('publicUrl', () => {
  test('goes before everything a request says', async () => {
    const app = api({ publicUrl: 'https://pictures.example', trustForwarded: true });
    for (const claim of [{}, ...CLAIMS])
      expect(await handedOut(app, claim, 'http://evil.example')).toBe('https://pictures.example');
    const { headers } = await app.request('/v1/images/tiny-colour/1.png?scale=2');
    expect(headers.get('Content-Location')).toMatch(
      /^https:\/\/pictures\.example\/v1\/images\/tiny-colour@[0-9a-f]{12}\/1\.png\?scale=2$/,
    );
    expect(await (await app.request('/openapi.json')).json()).toMatchObject({
      servers: [{ url: 'https://pictures.example' }],
    });
    expect(await (await app.request('/v1/nothing')).json()).toMatchObject({
      type: 'https://pictures.example/docs#status-404',
    });
  });

  test('is where the server’s root is: a path that a proxy takes off, then where the app is mounted', async () => {
    const publicUrl = 'https://pictures.example/api/';
    expect(await handedOut(api({ publicUrl }))).toBe('https://pictures.example/api');
    const app = new Hono().route('/art', api({ publicUrl }));
    expect(await handedOut(app as unknown as App, {}, 'http://localhost/art')).toBe('https://pictures.example/api/art');
  });

  test.each([
    'pictures.example',
    '/api',
    'ftp://pictures.example',
    'https://',
    'https://a b',
    'https://me:pw@pictures.example',
    'https://pictures.example/?a=1',
    'https://pictures.example/#x',
    ' ',
  ])('refuses %j in one sentence', (publicUrl) => {
    expect(() => api({ publicUrl })).toThrow(
      `PUBLIC_URL (publicUrl): expected an address such as https://pictures.example or https://pictures.example/api, got ${publicUrl}`,
    );
  });
});

describe('trustForwarded', () => {
  const trusting = () => api({ trustForwarded: true });

  test.each([
    [{}, 'http://localhost'],
    [{ 'X-Forwarded-Proto': 'https' }, 'https://localhost'],
    [{ 'X-Forwarded-Proto': 'HTTPS', 'X-Forwarded-Host': 'pics.example' }, 'https://pics.example'],
    [{ 'X-Forwarded-Host': 'pics.example:8443', 'X-Forwarded-Prefix': '/api/' }, 'http://pics.example:8443/api'],
    [{ Forwarded: 'for=10.0.0.1;proto=https;host="pics.example:8443"' }, 'https://pics.example:8443'],
    [{ Forwarded: 'for="[2001:db8::1]";host="[2001:db8::2]:8080"' }, 'http://[2001:db8::2]:8080'],
  ])('takes %j', async (headers, address) => {
    expect(await handedOut(trusting(), headers)).toBe(address);
  });

  test('believes the nearest proxy, not what a client wrote before it', async () => {
    expect(
      await handedOut(trusting(), {
        'X-Forwarded-Proto': 'http, https',
        'X-Forwarded-Host': 'evil.example, pics.example',
        'X-Forwarded-Prefix': '/evil, /api',
      }),
    ).toBe('https://pics.example/api');
    expect(
      await handedOut(trusting(), { Forwarded: 'host=evil.example;proto=http, host=pics.example;proto=https' }),
    ).toBe('https://pics.example');
  });

  test('takes no value that is no scheme, host or path', async () => {
    for (const host of [
      'a/b',
      'user@pics.example',
      'pics.example/?',
      '" onload="',
      'pics.example:99999999',
      '',
      'a b',
      '[::1',
    ])
      expect(await handedOut(trusting(), { 'X-Forwarded-Proto': 'javascript', 'X-Forwarded-Host': host })).toBe(
        'http://localhost',
      );
    for (const prefix of ['//evil.example', 'evil', '/a/../b', '/a?b', '/..', '/a//b', 'https://evil.example', '/<b>'])
      expect([prefix, await handedOut(trusting(), { 'X-Forwarded-Prefix': prefix })]).toEqual([
        prefix,
        'http://localhost',
      ]);
  });
});

describe('settings of an environment', () => {
  test('are read, and anything else is one sentence', () => {
    expect(addressSettings({})).toEqual({ publicUrl: undefined, trustForwarded: false });
    expect(addressSettings({ PUBLIC_URL: '', TRUST_FORWARDED: '0' })).toEqual({
      publicUrl: undefined,
      trustForwarded: false,
    });
    expect(addressSettings({ PUBLIC_URL: 'https://a.example', TRUST_FORWARDED: '1' })).toEqual({
      publicUrl: 'https://a.example',
      trustForwarded: true,
    });
    expect(() => addressSettings({ PUBLIC_URL: 'a.example' })).toThrow(/^PUBLIC_URL .* got a\.example$/);
    expect(() => addressSettings({ TRUST_FORWARDED: 'loopback' })).toThrow(
      'TRUST_FORWARDED: expected 1 or 0, got loopback',
    );
  });
});

test('the command ends with the sentence and exit code 1, before it opens a model', async () => {
  const env = { ...process.env, PUBLIC_URL: 'a.example' };
  const args = ['cli/main.ts', 'serve', '--models', tiny.folder, '--port', '0'];
  const ended = promisify(execFile)('node_modules/.bin/node', args, { env, timeout: 20_000 });
  const { code, stderr } = await ended.then(
    () => expect.fail('expected a refusal'),
    (error: { code: number; stderr: string }) => error,
  );
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^PUBLIC_URL .* got a\.example\n$/)]);
});

describe('a proxy that ends TLS in front of the Node server', () => {
  const running: (RunningServer | Server)[] = [];
  afterEach(() => {
    for (const one of running.splice(0)) void one.close();
  });

  const serve = async (more: Partial<Parameters<typeof startServer>[0]>) => {
    const server = await startServer({
      ...{ models: tiny.folder, host: '127.0.0.1', port: 0, provider: 'wasm', perMinute: 0 },
      ...{ keys: undefined, log: undefined, page: undefined, notice: () => {} },
      ...more,
    });
    running.push(server);
    return server;
  };

  /** As a proxy does it: takes `prefix` off the path, and tells its own name in `forwarded`, after what a client told. */
  async function proxy(to: RunningServer, prefix: string, forwarded: Record<string, string>): Promise<string> {
    const target = new URL(to.url);
    const server = createServer((incoming, answer) => {
      const headers: OutgoingHttpHeaders = { ...incoming.headers, host: target.host };
      for (const [name, value] of Object.entries(forwarded))
        headers[name] = [incoming.headers[name], value].filter((one) => one !== undefined).join(', ');
      const path = incoming.url?.startsWith(prefix) ? incoming.url.slice(prefix.length) : incoming.url;
      const onward = ask(
        { host: target.hostname, port: target.port, method: incoming.method, path, headers },
        (got) => {
          answer.writeHead(got.statusCode ?? 502, got.headers);
          got.pipe(answer);
        },
      );
      incoming.pipe(onward);
    });
    running.push(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`;
  }

  const throughHttp = (at: string): App => ({
    request: async (input, init) => fetch(String(input).replace('http://localhost', at), init as RequestInit),
  });
  const asProxy = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'pics.example', 'x-forwarded-prefix': '/art' };

  test('with publicUrl, with trustForwarded and with neither', async () => {
    const plain = await serve({});
    expect(await handedOut(throughHttp(await proxy(plain, '/art', asProxy)))).toBe(plain.url);
    const trusting = await serve({ trustForwarded: true });
    expect(await handedOut(throughHttp(await proxy(trusting, '/art', asProxy)))).toBe('https://pics.example/art');
    const told = await serve({ publicUrl: 'https://pics.example/art' });
    expect(await handedOut(throughHttp(await proxy(told, '/art', {})))).toBe('https://pics.example/art');
  });

  test('a client that claims to be a proxy changes nothing', async () => {
    const trusting = throughHttp(await proxy(await serve({ trustForwarded: true }), '/art', asProxy));
    const told = throughHttp(await proxy(await serve({ publicUrl: 'https://pics.example/art' }), '/art', {}));
    for (const claim of CLAIMS.filter((one) => !('Forwarded' in one)))
      for (const app of [trusting, told]) expect(await handedOut(app, claim)).toBe('https://pics.example/art');
  });

  test('the address of a version works behind it, also where the path is taken off', async () => {
    const at = await proxy(await serve({ trustForwarded: true }), '/art', asProxy);
    const response = await fetch(`${at}/v1/images/tiny-colour/ada.png?scale=2`);
    const location = response.headers.get('Content-Location') ?? '';
    expect(location).toMatch(/^\/art\/v1\/images\/tiny-colour@[0-9a-f]{12}\/ada\.png\?scale=2$/);
    const pinned = await fetch(new URL(location, at));
    expect(pinned.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(await pinned.arrayBuffer()).toEqual(await response.arrayBuffer());
  });

  test('a made-up Host, or an absolute address in the request line, gets no further than answers no cache keeps', async () => {
    const plain = await serve({});
    const told = await serve({ publicUrl: 'https://pics.example' });
    /** As it is written, which fetch would not send. */
    const send = (to: RunningServer, path: string, host: string) =>
      new Promise<{ status: number; kept: boolean; text: string }>((done, fail) => {
        const { hostname, port } = new URL(to.url);
        const sent = ask({ hostname, port, path, headers: { host } }, (got) => {
          const parts: Buffer[] = [];
          got.on('data', (part: Buffer) => void parts.push(part));
          got.on('end', () => {
            const kept = /max-age/.test(got.headers['cache-control'] ?? '');
            const text = `${JSON.stringify(got.headers)}${Buffer.concat(parts).toString('latin1')}`;
            done({ status: got.statusCode ?? 0, kept, text });
          });
        });
        sent.on('error', fail).end();
      });
    const paths = [
      '/v1/images/tiny-colour/1.json',
      '/v1/grids/tiny-colour.png?seeds=1-4',
      '/openapi.json',
      '/v1/models',
    ];
    for (const path of paths)
      for (const [line, host] of [
        [path, 'evil.example'],
        [path, 'evil.example:8443'],
        [path, 'me:pw@evil.example'],
        [path, 'evil.example/a?b#c'],
        [path, 'evil example'],
        [path, '../evil'],
        [`http://evil.example${path}`, 'localhost'],
      ] as const) {
        const [bare, set] = [await send(plain, line, host), await send(told, line, host)];
        expect([200, 400]).toContain(bare.status);
        if (bare.kept) expect(bare.text).not.toContain('evil');
        if (set.status === 200) expect(set.text).not.toContain('evil');
      }
    // A host that is none of ours, but one: the answers are there, so the loop has looked at some.
    expect(await send(plain, '/v1/grids/tiny-colour.png?seeds=1-4', 'evil.example')).toMatchObject({
      status: 200,
      kept: true,
    });
    expect((await send(plain, '/v1/models', 'evil.example')).text).toContain('http://evil.example/v1/images/');
    expect((await send(told, '/v1/models', 'evil.example')).text).toContain('https://pics.example/v1/images/');
  });

  test('the rate limit counts the clients that a trusted proxy tells of, by its own word', async () => {
    const at = await proxy(await serve({ trustForwarded: true, perMinute: 2 }), '', { 'x-forwarded-for': '192.0.2.7' });
    const other = await proxy(running[0] as RunningServer, '', { 'x-forwarded-for': '192.0.2.8' });
    const statuses: number[] = [];
    // A client that makes up an address for each request is still one client.
    for (const [i, from] of [at, at, at, other].entries())
      statuses.push((await fetch(`${from}/v1/models`, { headers: { 'X-Forwarded-For': `10.0.0.${i}` } })).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
  });
});
