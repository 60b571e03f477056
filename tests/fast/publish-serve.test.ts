// A server of published models on a store in a folder: what is opened and how often, what stays in memory, what happens when the
// store or a bundle in it is broken. The same in workerd on R2: full/publish-r2.test.ts.
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CheckedBundle, readCheckedBundle } from '../../cli/publish/bundle.ts';
import { listModels, publishBundle, unpublish } from '../../cli/publish/publish.ts';
import { openTarget } from '../../cli/publish/target.ts';
import { goldenPixels, sha256Hex } from '../../contract/bundle.ts';
import { generatorFile } from '../../contract/lookup.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { decodePng } from '../../contract/png.ts';
import { blobKey } from '../../contract/published.ts';
import { bundleVersion } from '../../contract/version.ts';
import { pocketgen } from '../../edge/app.ts';
import { type Library, openLibrary } from '../../edge/library.ts';
import { type Engine, openWhole } from '../../edge/models.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import { beside } from '../../edge/store/beside.ts';
import { folderStore } from '../../edge/store/folder.ts';
import type { ServedStore } from '../../edge/store/objects.ts';
import { publishedModels } from '../../edge/store/published.ts';
import { openBytes } from '../../edge/store/shelf.ts';
import { modelShelf } from '../../edge/store/shelved.ts';
import { writeBundle } from '../web-bundles.ts';
import { SEEN, writeTiny } from './edge-fixture.ts';

let root: string;
let store: ReturnType<typeof folderStore>;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pocketgen-serve-'));
  store = folderStore(join(root, 'store'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function published(name: string, version: number): Promise<CheckedBundle> {
  const folder = join(root, String(version));
  await writeBundle(folder, { name, size: 8, channels: 3, version });
  const bundle = await readCheckedBundle(join(folder, name));
  await publishBundle(store, bundle);
  return bundle;
}

/** An app on the store that counts sessions and reads; `room` in models of 8x8; `own`: what is part of the server. */
function serve(room = 100, freshMs = 0, own?: Library) {
  const counts = { opened: 0, open: 0, most: 0, reads: [] as string[] };
  let failing = false;
  const counting: ServedStore = {
    ...store,
    async get(key, known) {
      counts.reads.push(key);
      if (failing) throw new Error('the network is down');
      return store.get(key, known);
    },
  };
  const wasm = wasmEngine();
  const engine: Engine = {
    ...wasm,
    async createSession(bytes) {
      const session = await wasm.createSession(bytes);
      counts.opened++;
      counts.most = Math.max(counts.most, ++counts.open);
      const release = session.release.bind(session);
      session.release = async () => {
        counts.open--;
        await release();
      };
      return session;
    },
  };
  const each = openBytes({ bytes: 8000, variant: 'fp32' });
  const shelf = modelShelf({ room: room * each });
  const stored = publishedModels(counting, { engine, shelf, goldens: 1, freshMs });
  const models = own === undefined ? stored : beside(own, stored);
  const app = pocketgen({ models, files: models });
  return {
    app,
    counts,
    fail: (now: boolean) => {
      failing = now;
    },
    async drawn(model: string): Promise<string | number> {
      const response = await app.request(`/v1/images/${model}/1.png?truncation=1`);
      if (response.status !== 200) return response.status;
      return sha256Hex(decodePng(new Uint8Array(await response.arrayBuffer())).data);
    },
  };
}
const goldenOf = ({ manifest }: CheckedBundle) => sha256Hex(goldenPixels(manifest.goldens[0] as never));

test('lists, ETags and what is not modified open nothing; forty first requests at once open a model once', async () => {
  const bundle = await published('one', 1);
  const { app, counts, drawn } = serve();
  expect((await app.request('/v1/models')).status).toBe(200);
  expect((await app.request('/models/index.json')).status).toBe(200);
  const head = await app.request('/v1/images/one/1.png', { method: 'HEAD' });
  const etag = head.headers.get('ETag') ?? '';
  expect((await app.request('/v1/images/one/1.png', { headers: { 'If-None-Match': etag } })).status).toBe(304);
  expect(counts.opened).toBe(0);
  const all = await Promise.all(Array.from({ length: 40 }, () => drawn('one')));
  expect(new Set(all)).toEqual(new Set([await goldenOf(bundle)]));
  expect(counts.opened).toBe(1);
  expect(counts.reads.filter((key) => key.startsWith('blobs/'))).toHaveLength(1);
});

test('as many models are open as there is room for, the one not asked for longest goes, and none ever draws another’s', async () => {
  const bundles = [];
  for (let i = 0; i < 8; i++) bundles.push(await published(`model-${i}`, i + 1));
  const { counts, drawn } = serve(3);
  const goldens = await Promise.all(bundles.map(goldenOf));
  for (const i of [0, 1, 2, 0, 3, 0, 1]) expect(await drawn(`model-${i}`)).toBe(goldens[i]);
  expect(counts.opened).toBe(5); // 3 took the place of 1, and 1 of 2; 0 was asked for in between
  // All at once, far more than there is room for, again and again.
  const order = Array.from({ length: 64 }, (_, i) => (i * 5) % 8);
  const pictures = await Promise.all(order.map((i) => drawn(`model-${i}`)));
  expect(pictures).toEqual(order.map((i) => goldens[i]));
  expect(counts.most).toBeLessThanOrEqual(3);
  expect(counts.open).toBeLessThanOrEqual(3);
});

test('a grid is of one model even where others take its room between two batches', async () => {
  await published('a', 1);
  await published('b', 2);
  const { app, counts } = serve(1);
  const sheet = async (model: string) => {
    const response = await app.request(`/v1/grids/${model}.png?seeds=1-64&truncation=1`);
    expect(response.status).toBe(200);
    return sha256Hex(new Uint8Array(await response.arrayBuffer()));
  };
  const [a, b] = [await sheet('a'), await sheet('b')];
  expect(await Promise.all([sheet('a'), sheet('b'), sheet('a'), sheet('b')])).toEqual([a, b, a, b]);
  expect(counts.most).toBe(1);
});

test('a model larger than the memory there is is refused, and the others are served', async () => {
  await published('one', 1);
  const { app } = serve(0.5);
  const response = await app.request('/v1/images/one/1.png');
  expect(response.status).toBe(503);
  expect(((await response.json()) as { detail: string }).detail).toMatch(
    /^model one is not served: memory: expected a model that takes at most 0\.3 MiB open, got one of 0\.5; serve it/,
  );
});

test('a network that is not the one its name says is never drawn with, is told, and is read again only now and then', async () => {
  const [broken, whole] = [await published('broken', 1), await published('whole', 2)];
  const network = generatorFile(broken.manifest).sha256;
  const path = join(root, 'store', blobKey(network));
  writeFileSync(path, readFileSync(path).reverse());
  const { app, counts, drawn } = serve();
  const response = await app.request('/v1/images/broken/1.png');
  expect(response.status).toBe(503);
  expect(((await response.json()) as { detail: string }).detail).toContain(`expected ${blobKey(network)} to have that`);
  for (let i = 0; i < 5; i++) expect(await drawn('broken')).toBe(503);
  expect(counts.reads.filter((key) => key === blobKey(network))).toHaveLength(1);
  expect(await drawn('whole')).toBe(await goldenOf(whole));
  const { status, models } = (await (await app.request('/healthz')).json()) as { status: string; models: object[] };
  expect(status).toBe('degraded');
  expect(models).toContainEqual({
    name: `broken@${broken.version}`,
    status: 'failed',
    error: expect.stringContaining('to have that SHA-256'),
  });
});

test('what is known is served on while the store does not answer; what is not known is a 503 that says so', async () => {
  const bundle = await published('one', 1);
  const cold = serve();
  cold.fail(true);
  expect(await cold.drawn('one')).toBe(503);
  cold.fail(false);
  expect(await cold.drawn('one')).toBe(await goldenOf(bundle));
  cold.fail(true);
  expect(await cold.drawn('one')).toBe(await goldenOf(bundle));
  const told = async () =>
    ((await (await cold.app.request('/healthz')).json()) as { models: { error?: string }[] }).models.at(-1);
  expect(await told()).toEqual({
    name: 'published models',
    status: 'failed',
    error: `${store.where}: the network is down`,
  });
  // A drive that is taken away is not an empty store.
  cold.fail(false);
  renameSync(store.where, `${store.where}-away`);
  expect(await cold.drawn('one')).toBe(await goldenOf(bundle));
  await expect.poll(async () => (await told())?.error).toContain('expected index.json, got none any more');
  renameSync(`${store.where}-away`, store.where);
  expect(await cold.drawn('one')).toBe(await goldenOf(bundle));
  await expect.poll(async () => (await told())?.error).toBeUndefined();
});

test('under a version there are files of that version only, whatever the store does', async () => {
  const first = await published('one', 1);
  const bundled = await readCheckedBundle(join(root, '1', 'one'));
  const second = await published('one', 2);
  const library = await openLibrary({
    folder: join(root, '1'),
    open: (source) => openWhole(source, wasmEngine(), 1),
    notice: () => undefined,
  });
  const { app, fail } = serve(100, 0, library);
  const versionAt = async (named: string): Promise<string | number> => {
    const response = await app.request(`/models/${named}/model.json`);
    return response.status === 200 ? bundleVersion(parseManifest(await response.json())) : response.status;
  };
  const [of, from] = [first.version, second.version].map((version) => `one@${version}`) as [string, string];
  expect(await versionAt('one')).toBe(second.version);
  expect([await versionAt(of), await versionAt(from)]).toEqual([first.version, second.version]);
  expect(await versionAt('one@0123456789ab')).toBe(404);
  fail(true);
  expect(await versionAt(of)).toBe(bundled.version);
  expect(await versionAt('one@ffffffffffff')).not.toBe(200);
  const alone = pocketgen({ models: library, files: library });
  expect((await alone.request(`/models/${of}/model.json`)).status).toBe(200);
  expect((await alone.request(`/models/${from}/model.json`)).status).toBe(404);
  library.close();
});

test('a new name is served at once; a new version and a removal once the index is old enough', async () => {
  await published('other', 9);
  const { drawn } = serve(10, 300);
  expect(await drawn('other')).not.toBe(404);
  const one = await published('one', 1);
  await expect.poll(() => drawn('one'), { timeout: 3000 }).toBe(await goldenOf(one));
  const two = await published('one', 2);
  await expect.poll(() => drawn('one'), { timeout: 3000 }).toBe(await goldenOf(two));
  expect(await drawn(`one@${one.version}`)).toBe(await goldenOf(one));
  await unpublish(store, 'one', undefined);
  await expect.poll(() => drawn('one'), { timeout: 3000 }).toBe(404);
});

test('without a publish token there is no store to be reached, which is not taken for an empty one', async () => {
  const { app } = serve();
  const server = createServer((_request, response) => void response.writeHead(404).end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const target = await openTarget(`http://127.0.0.1:${port}`, { PUBLISH_TOKEN: 'x' });
  await expect(listModels(target)).rejects.toThrow(/expected a server that takes models .*, got one that answers 404/);
  server.close();
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect((await app.request('/store/index.json', { method, headers: { Authorization: 'Bearer x' } })).status).toBe(
      404,
    );
});

test('a published model with an encoder takes pictures; each of the two networks is opened when it is asked for and goes by itself', async () => {
  await writeTiny(join(root, 'own'), SEEN);
  const bundle = await readCheckedBundle(join(root, 'own', 'tiny-seen'));
  await publishBundle(store, bundle);
  const { app, counts } = serve(1);
  const picture = await (await app.request('/v1/images/tiny-seen/3.png?class=bag')).arrayBuffer();
  expect(counts.opened).toBe(1);
  for (let i = 0; i < 2; i++) {
    const response = await app.request('/v1/encode/tiny-seen?class=bag', { method: 'POST', body: picture });
    expect(response.status).toBe(200);
    const { picture: address } = (await response.json()) as { picture: string };
    expect((await app.request(address)).status).toBe(200);
  }
  // There is room for one at a time.
  expect(counts.most).toBe(1);
  expect(counts.opened).toBeGreaterThan(2);
});
