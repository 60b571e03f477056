// Every route in real workerd (wrangler.toml as it is) and from `pocketgen serve`: the same bytes from both, from the
// command line, and from the goldens of every bundle in models/.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderOf, type ServerProcess, startNodeServer } from '../../bench/edge-server.ts';
import { goldenPixels, sha256Hex } from '../../contract/bundle.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { bundleVersion, versionedName } from '../../contract/version.ts';
import { endpoints } from '../../edge/app.ts';
import { CLEAR, COLOUR, PLAIN, writeTiny } from '../fast/edge-fixture.ts';
import { PUBLISHED, startWorkerd, type Workerd } from './edge-workerd.ts';

const published = [...PUBLISHED.keys()];
const models = folderOf(...PUBLISHED.values());
const versions = new Map<string, string>();
for (const tiny of [COLOUR, PLAIN, CLEAR])
  versions.set(tiny.name, await bundleVersion(await writeTiny(models.folder, tiny)));

let workerd: Workerd;
let node: ServerProcess;
const scratch = mkdtempSync(join(tmpdir(), 'pocketgen-sample-'));

beforeAll(async () => {
  workerd = await startWorkerd(models.folder);
  node = await startNodeServer(models.folder);
});
afterAll(async () => {
  await Promise.all([workerd?.stop(), node?.stop()]);
  models.remove();
  rmSync(scratch, { recursive: true });
});

/**
 * One of this file's requests or commands was never answered, once, and which is not known: it was not seen again in 600. So each is
 * asked once more, and named.
 */
async function answered<T>(what: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(40_000);
  return ask(signal).catch((error) => {
    if (!signal.aborted) throw error;
    console.warn(`edge-same-bytes: no answer in 40 s from ${what}; asked again`);
    return ask(AbortSignal.timeout(40_000));
  });
}

const bytesOf = (url: string, init?: RequestInit) =>
  answered(url, async (signal) => {
    const response = await fetch(url, { ...init, signal });
    return {
      status: response.status,
      etag: response.headers.get('ETag'),
      bytes: new Uint8Array(await response.arrayBuffer()),
    };
  });

const PATHS = [
  '/v1/images/tiny-colour/1.png?class=0',
  '/v1/images/tiny-colour/ada%40example.com.png?class=ankle%20boot&scale=5&truncation=0.7',
  '/v1/images/tiny-colour/%F0%9F%98%80.svg?scale=3',
  '/v1/images/tiny-plain/4294967295.json',
  '/v1/grids/tiny-colour.png?seeds=1-64,ada&columns=8&scale=2',
  '/v1/walks/tiny-colour.gif?from=1&to=2&class=bag&toClass=0&frames=20&fps=10',
  '/v1/walks/tiny-plain.apng?from=ada&to=7&frames=9&truncation=0.5',
  '/v1/images/tiny-clear/ada.png?scale=4',
  '/v1/images/tiny-clear/ada.svg',
  '/v1/images/tiny-clear/ada.json',
  '/v1/grids/tiny-clear.png?seeds=1-7&columns=3&background=checkerboard&scale=3',
  '/v1/walks/tiny-clear.gif?from=1&to=2&frames=5&scale=2',
  '/v1/walks/tiny-clear.apng?from=1&to=2&frames=5&background=f80',
  '/v1/models/tiny-colour',
  '/v1/images/tiny-colour/1.png?class=hat&scale=0',
];

/** The same path of the version there is: `tiny-colour` becomes `tiny-colour@…`. */
const pinned = (path: string) =>
  path.replace(/tiny-\w+/, (name) => versionedName(name, versions.get(name) ?? 'no version of it'));

describe('workerd and Node', () => {
  test.each(PATHS)('give the same bytes and ETag for %s, by the address of the version too', async (path) => {
    // Problem details name their own request, and a model its address here; the rest is the same.
    const same = (bytes: Uint8Array) =>
      Buffer.from(bytes)
        .toString('latin1')
        .replace(/urn:uuid:[0-9a-f-]+/, '')
        .replace(/http:\/\/[\w.]+:\d+/, '');
    const answers = await Promise.all(
      [workerd.url, node.url].flatMap((url) => [bytesOf(url + path), bytesOf(url + pinned(path))]),
    );
    const [first, second, ...others] = answers.map(({ status, etag, bytes }) => [status, etag, same(bytes)]);
    expect(second).toEqual(first);
    for (const other of others) expect(other).toEqual(first);
    expect(first?.[0]).toBe(path.includes('hat') ? 400 : 200);
  });

  test.each(PATHS.filter((path) => !/hat|\/models\//.test(path)))(
    'keep the version’s %s for ever, the model’s own for a minute, and say which version that is',
    async (path) => {
      for (const { url } of [workerd, node]) {
        const headersOf = async (at: string) => {
          const { headers } = await fetch(url + at, { method: 'HEAD' });
          return [headers.get('Cache-Control'), headers.get('Content-Location')];
        };
        expect(await headersOf(pinned(path))).toEqual(['public, max-age=31536000, immutable', null]);
        expect(await headersOf(path)).toEqual(['public, max-age=60', pinned(path)]);
        const gone = await fetch(url + path.replace(/tiny-\w+/, '$&@0123456789ab'));
        expect([gone.status, gone.headers.get('Cache-Control')]).toEqual([404, 'no-store']);
        expect(await gone.text()).toMatch(
          /expected (tiny-\w+)@[0-9a-f]{12}, the version there is, or \1 for whichever/,
        );
      }
    },
  );

  // The value of tests/fast/edge-app.test.ts, `does not change its bytes`.
  test('give the pinned bytes', async () => {
    const fast = readFileSync('tests/fast/edge-app.test.ts', 'utf8');
    const pinned = /does not change its bytes[\s\S]*?([0-9a-f]{64})/.exec(fast)?.[1];
    for (const { url } of [workerd, node])
      expect(await sha256Hex((await bytesOf(`${url}/v1/images/tiny-colour/1.png?class=0&truncation=1`)).bytes)).toBe(
        pinned,
      );
  });

  test('give a picture the same bytes alone and among 64', async () => {
    for (const { url } of [workerd, node]) {
      for (const name of ['tiny-colour', 'tiny-clear', ...published]) {
        const sheet = decodePng((await bytesOf(`${url}/v1/grids/${name}.png?seeds=1-64&columns=1&class=0`)).bytes);
        for (const seed of [1, 17, 64]) {
          const alone = decodePng((await bytesOf(`${url}/v1/images/${name}/${seed}.png?class=0`)).bytes);
          const size = alone.data.length;
          expect(sheet.data.subarray((seed - 1) * size, seed * size)).toEqual(alone.data);
        }
      }
    }
  });

  test('have every route of the OpenAPI document, and every example works on a published model', async () => {
    const name = published.includes('fashion-gan') ? 'fashion-gan' : 'tiny-colour';
    for (const { url } of [workerd, node]) {
      const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
      expect(Object.keys(paths).sort()).toEqual([...new Set(endpoints.map(({ path }) => path))].sort());
      for (const { example, exampleBody, method, onlyTrainedHere, upload, form } of endpoints) {
        const path = example.replace('fashion-gan', name);
        const known = published.includes('fashion-gan') ? path : path.replace(/(class|toClass)=\w+/gi, '$1=bag');
        const body = JSON.stringify({
          ...exampleBody,
          model: name,
          ...(published.includes('fashion-gan') ? {} : { prompt: 'bag' }),
        });
        const init = method === 'post' ? { method, body, headers: { 'Content-Type': 'application/json' } } : {};
        // Pictures that are sent are in tests/full/edge-encode.test.ts.
        if (upload || form) continue;
        expect([known, (await bytesOf(url + known, init)).status]).toEqual([known, onlyTrainedHere ? 404 : 200]);
      }
      expect((await bytesOf(`${url}/docs`)).status).toBe(200);
    }
  });
});

describe('every bundle in models/', () => {
  const names = ['tiny-colour', 'tiny-plain', 'tiny-clear', ...published];

  test.each(names)('%s: workerd and Node give its goldens, and so the manifest’s hashes', async (name) => {
    const manifest: Manifest = parseManifest(JSON.parse(readFileSync(join(models.folder, name, 'model.json'), 'utf8')));
    const goldens = manifest.goldens.filter(({ variant }) => variant === manifest.defaultVariant);
    expect(goldens.length).toBeGreaterThan(0);
    const { width, height, channels } = manifest.image;
    for (const golden of goldens) {
      const choice = golden.class === undefined ? '' : `&class=${golden.class}`;
      for (const { url } of [workerd, node]) {
        const path = `${url}/v1/images/${name}/${golden.seed}.png?truncation=${golden.truncation}${choice}`;
        const { bytes } = await bytesOf(path);
        expect(bytes).toEqual(encodePng({ width, height, channels, data: goldenPixels(golden) }));
        expect(await sha256Hex(decodePng(bytes).data)).toBe(golden.sha256);
      }
    }
  });

  test.each(names)('%s: `pocketgen sample` writes the same PNG', async (name) => {
    const out = join(scratch, `${name}.png`);
    const args = ['--seed', 'ada@example.com', '--truncation', '0.8', '--scale', '3', '--out', out];
    const command = ['cli/main.ts', 'sample', join(models.folder, name), ...args];
    await answered(command.join(' '), (signal) => promisify(execFile)('node_modules/.bin/node', command, { signal }));
    const path = `/v1/images/${name}/ada@example.com.png?truncation=0.8&scale=3`;
    const { bytes } = await bytesOf(workerd.url + path);
    expect(bytes).toEqual(new Uint8Array(readFileSync(out)));
    expect((await bytesOf(node.url + path)).bytes).toEqual(bytes);
  });
});
