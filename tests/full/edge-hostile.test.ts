// 2,000 hostile requests (or HOSTILE_COUNT) each to workerd and Node: seeds, versions, Unicode, huge numbers, wrong types, paths
// with dots, bodies cut short. No 5xx, no crash, memory flat. The requests are made by fast-check from a seed that a failure prints.
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { heldHeapMiB } from '../../bench/edge-heap.ts';
import { folderOf, type ServerProcess } from '../../bench/edge-server.ts';
import { bundleVersion } from '../../contract/version.ts';
import { COLOUR, PLAIN, SEEN, writeTiny } from '../fast/edge-fixture.ts';
import { type MeasuredPair, startMeasured } from './edge-measured.ts';
import { PUBLISHED } from './edge-workerd.ts';

interface Attack {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** Announce more bytes than are sent, then hang up. */
  cut: boolean;
}

const models = folderOf(...PUBLISHED.values());
const versions: string[] = [];
for (const tiny of [COLOUR, PLAIN, SEEN]) versions.push(await bundleVersion(await writeTiny(models.folder, tiny)));

const COUNT = Number(process.env.HOSTILE_COUNT ?? '2000');
const SEED = Number(process.env.HOSTILE_SEED ?? '') || Date.now() % 1_000_000;

const number = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '-1',
    '00',
    '1e3',
    '1e999',
    '0x10',
    'NaN',
    'Infinity',
    '1.5',
    '.5',
    '4294967295',
    '4294967296',
    '9'.repeat(400),
    '١٢',
    ' 1',
  ),
  fc.integer().map(String),
  fc.double().map(String),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '../..',
    '../../etc/passwd',
    '\0',
    '\ud800',
    'é',
    'e\u0301',
    '<script>',
    "'; --",
    '%',
    '%00',
    'a'.repeat(3000),
    'class',
    '__proto__',
    'constructor',
    'toString',
    'bag',
    'Ankle boot',
  ),
  number,
);
const encoded = text.map((t) => encodeURIComponent(t.replace(/\p{Surrogate}/gu, '\ufffd')));
/** Percent signs that do not decode, bytes that are not UTF-8, raw dots and slashes. */
const raw = fc.constantFrom(
  '%',
  '%zz',
  '%ff',
  '%c0%af',
  '%ed%a0%80',
  '..',
  '.',
  '...',
  '%2e%2e',
  '%2F',
  '//',
  ';',
  '@',
  ':',
  '~',
  '%00',
  'a%20b',
);
const segment = fc.oneof({ weight: 3, arbitrary: encoded }, { weight: 1, arbitrary: raw });
const knownModel = fc.constantFrom('tiny-colour', 'tiny-plain', 'tiny-seen', ...PUBLISHED.keys());
/** Right, wrong, empty, doubled and encoded versions. */
const version = fc.oneof(
  fc.constantFrom(...versions, '0123456789ab', '', '@', 'latest', '../..', '%2e%2e', '0'.repeat(2000)),
  segment,
);
const model = fc.oneof(
  { weight: 4, arbitrary: knownModel },
  {
    weight: 2,
    arbitrary: fc.tuple(knownModel, fc.constantFrom('@', '%40', '@@'), version).map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: segment },
);
const extension = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('png', 'svg', 'json', 'gif', 'apng') },
  { weight: 1, arbitrary: segment },
);
const path = fc.oneof(
  fc.tuple(model, segment, extension).map(([m, s, e]) => `/v1/images/${m}/${s}.${e}`),
  fc.tuple(model, extension).map(([m, e]) => `/v1/grids/${m}.${e}`),
  fc.tuple(model, extension).map(([m, e]) => `/v1/walks/${m}.${e}`),
  fc.tuple(model, extension).map(([m, e]) => `/v1/latents/${m}.${e}`),
  model.map((m) => `/v1/encode/${m}`),
  model.map((m) => `/v1/models/${m}`),
  fc.constantFrom(
    '/',
    '/healthz',
    '/v1/models',
    '/v1/images/generations',
    '/openapi.json',
    '/docs',
    '//',
    '/v1',
    '/v1//',
    '/..',
  ),
  fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
);
const seeds = fc.oneof(
  encoded,
  fc.constantFrom(
    '1-4',
    '1-999999999999',
    '5-1',
    '1-64',
    ',,,',
    '1,2,ada',
    '-',
    '0-4294967295',
    `${'1,'.repeat(900)}1`,
  ),
);
/** Short forms of latents: of the right length, of others, with bits that are none of theirs. */
const latents = fc.oneof(
  encoded,
  fc.base64String({ maxLength: 40 }),
  fc.constantFrom('Te1t2jLpGSpOCQ', 'Te1t2jLpGSpOC_', '-'),
);
const parameter = fc.oneof(
  fc.tuple(
    fc.constantFrom('class', 'toClass', 'truncation', 'scale', 'columns', 'frames', 'fps', 'from', 'to', 'seeds'),
    encoded,
  ),
  fc.tuple(fc.constantFrom('frames', 'scale', 'columns', 'from', 'to'), fc.integer({ min: 1, max: 40 }).map(String)),
  fc.tuple(fc.constant('seeds'), seeds),
  fc.tuple(fc.constant('z'), latents),
  fc.tuple(
    fc.constantFrom('classes', 'background'),
    fc.oneof(encoded, fc.constantFrom('0*1', '1*0.5,2*2', 'f80', '#')),
  ),
  fc.tuple(encoded, encoded),
);
const query = fc
  .array(parameter, { maxLength: 6 })
  .map((list) => (list.length > 0 ? `?${list.map((p) => p.join('=')).join('&')}` : ''));
const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('bag', 'an ankle boot', 1, 2, 'url', 'b64_json', '8x6', 'auto', 1e308, -1),
);
const object = fc
  .array(
    fc.tuple(fc.constantFrom('prompt', 'model', 'n', 'size', 'response_format', 'seed', '__proto__', 'x'), value),
    { maxLength: 6 },
  )
  .map((entries) => `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join()}}`);
const body = fc.oneof(
  object,
  fc.json(),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '',
    '{',
    '[[[[',
    '['.repeat(8000),
    '{"prompt":"bag"',
    '"',
    'x'.repeat(20_000),
    '{"prompt":"bag","n":64,"response_format":"b64_json"}',
  ),
);
const headers = fc.dictionary(
  fc.constantFrom(
    'If-None-Match',
    'Authorization',
    'Origin',
    'X-Request-Id',
    'Accept',
    'Range',
    'CF-Connecting-IP',
    'Content-Encoding',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Forwarded-Prefix',
    'Forwarded',
  ),
  fc.oneof(
    fc.constantFrom('*', '"x"', 'W/"', ',,,,', 'Bearer ', 'Bearer x', 'null', 'bytes=0-1', 'gzip', 'a'.repeat(500)),
    fc.string({ maxLength: 30 }).map((t) => t.replace(/[^\x20-\x7e]/g, '').trim()),
  ),
  { maxKeys: 3 },
);
/** Nearly right, so that much of it is drawn: every limit and the values about it. */
const plausible = fc
  .oneof(
    fc
      .tuple(
        knownModel,
        encoded,
        fc.constantFrom('png', 'svg', 'json'),
        fc.constantFrom('', '?scale=32', '?scale=33', '?truncation=1e-9', '?truncation=0.000001', '?truncation=1'),
      )
      .map(([m, seed, e, q]) => `/v1/images/${m}/${seed}.${e}${q}`),
    fc
      .tuple(knownModel, seeds, fc.integer({ min: 0, max: 300 }))
      .map(([m, list, columns]) => `/v1/grids/${m}.png?seeds=${list}&columns=${columns}`),
    fc
      .tuple(knownModel, encoded, encoded, fc.integer({ min: 1, max: 24 }), fc.constantFrom('gif', 'apng'))
      .map(([m, from, to, frames, e]) => `/v1/walks/${m}.${e}?from=${from}&to=${to}&frames=${frames}`),
    fc
      .tuple(latents, fc.constantFrom('png', 'svg'), fc.constantFrom('', '&scale=32', '&truncation=0.000001'))
      .map(([z, e, q]) => `/v1/latents/tiny-seen.${e}?class=bag&z=${z}${q}`),
  )
  .map((path): Attack => ({ method: 'GET', path, headers: {}, body: undefined, cut: false }));
const attack: fc.Arbitrary<Attack> = fc.oneof(
  { weight: 1, arbitrary: plausible },
  {
    weight: 3,
    arbitrary: fc.record({
      method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'POST'),
      path: fc.tuple(path, query).map((p) => p.join('')),
      headers,
      body: fc.constant(undefined),
      cut: fc.constant(false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: fc.constant('POST'),
      path: fc.oneof(
        { weight: 7, arbitrary: fc.constant('/v1/images/generations') },
        { weight: 2, arbitrary: fc.tuple(knownModel, query).map(([m, q]) => `/v1/encode/${m}${q}`) },
        { weight: 1, arbitrary: path },
      ),
      headers: fc
        .tuple(headers, fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', ''))
        .map(([h, type]) => ({ ...h, ...(type ? { 'Content-Type': type } : {}) })),
      body,
      cut: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
);

/** Status of the answer; 0 if the server only closed the connection, as it may for what is not HTTP or was cut. */
function send(url: URL, { method, path, headers, body, cut }: Attack): Promise<number> {
  if (cut) {
    return new Promise((resolve) => {
      const socket = connect(Number(url.port), url.hostname, () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${(body?.length ?? 0) + 100}\r\n\r\n${body ?? ''}`,
        );
        setTimeout(() => socket.destroy(), 5);
      });
      let said = '';
      socket.on('data', (data) => {
        said += data.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0)));
    });
  }
  return new Promise((resolve, reject) => {
    const sent = request({ host: url.hostname, port: url.port, method, path, headers }, (answer: IncomingMessage) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
      answer.on('error', () => resolve(answer.statusCode ?? 0));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNREFUSED' ? reject(error) : resolve(0)));
    sent.end(body);
  });
}

let pair: MeasuredPair | undefined;
let servers: ServerProcess[] = [];
beforeAll(async () => {
  pair = await startMeasured(models.folder);
  servers = pair.servers;
});
afterAll(async () => {
  await pair?.stop();
  models.remove();
});

describe.each([0, 1])('server %d of workerd and Node', (which) => {
  test(`answers ${COUNT} hostile requests without a 5xx and without growing`, async () => {
    const server = servers[which];
    if (server === undefined) throw new Error('the server did not start');
    const attacks = fc.sample(attack, { numRuns: COUNT, seed: SEED });
    const statuses = new Map<number, number>();
    const failures: unknown[] = [];
    const memory: { sent: number; residentMiB: number; heldMiB: number; wasmMiB: number }[] = [];
    const url = new URL(server.url);
    const note = async (sent: number) => {
      const health = (await (await fetch(`${server.url}/healthz`)).json()) as { runtime: { memoryBytes: number } };
      memory.push({
        sent,
        residentMiB: Math.round(server.residentMiB()),
        heldMiB: Math.round((await heldHeapMiB(server.inspector ?? 0)) * 10) / 10,
        wasmMiB: health.runtime.memoryBytes / 2 ** 20,
      });
    };
    // The most that may be asked of each model, first: how early the attacks come to it depends on their seed.
    for (const name of [...PUBLISHED.keys(), 'tiny-colour', 'tiny-plain', 'tiny-seen']) {
      const grid = await fetch(`${server.url}/v1/grids/${name}.png?seeds=1-64`);
      expect([name, grid.status]).toEqual([name, 200]);
      const seen = await fetch(`${server.url}/v1/encode/${name}?class=0`, {
        method: 'POST',
        headers: { 'Content-Type': 'image/png' },
        body: await (await fetch(`${server.url}/v1/images/${name}/1.png`)).arrayBuffer(),
      });
      expect([200, 404]).toContain(seen.status); // 404: it has no encoder
    }
    for (let at = 0; at < attacks.length; at += 20) {
      if (at % 1000 === 0) await note(at);
      await Promise.all(
        attacks.slice(at, at + 20).map(async (one) => {
          const status = await send(url, one);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status >= 500) failures.push({ status, ...one });
        }),
      );
    }
    await note(attacks.length);
    console.log(
      server.name,
      `seed ${SEED}`,
      Object.fromEntries([...statuses].sort(([a], [b]) => a - b)),
      JSON.stringify(memory),
    );
    expect(failures).toEqual([]);
    // They reach everything: pictures, 304s, refusals of every kind.
    for (const status of [200, 400, 404, 405]) expect(statuses.get(status) ?? 0).toBeGreaterThan(COUNT / 100);
    const [settled, last] = [memory[1], memory.at(-1)];
    expect(last?.wasmMiB).toBe(settled?.wasmMiB);
    // An isolate of Workers has 128 MiB, of which JavaScript holds some 10 here.
    expect(last?.wasmMiB).toBeLessThanOrEqual(96);
    // After the first thousand not half a kB a request more is held; what is resident also counts garbage not yet collected.
    expect((last?.heldMiB ?? 0) - (settled?.heldMiB ?? 0)).toBeLessThan(COUNT / 2500);
    const picture = await fetch(`${server.url}/v1/images/tiny-colour/1.png?class=0`);
    expect(picture.status).toBe(200);
  });
});
