// Publishing to a Worker in real workerd, whose bucket is miniflare's R2: what is published is drawn, listed and handed to the
// page within seconds and without a deploy; earlier versions keep their addresses; nothing gets in that does not belong.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CheckedBundle, readCheckedBundle } from '../../cli/publish/bundle.ts';
import { listModels, publishBundle, rollback, unpublish } from '../../cli/publish/publish.ts';
import { openTarget } from '../../cli/publish/target.ts';
import { goldenPixels, sha256Hex } from '../../contract/bundle.ts';
import { generatorFile, trainerFile } from '../../contract/lookup.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { parseModelList } from '../../contract/model-list.ts';
import { decodePng } from '../../contract/png.ts';
import { bundleVersion } from '../../contract/version.ts';
import type { ObjectStore } from '../../edge/store/objects.ts';
import { OBJECT_BYTES } from '../../edge/store/routes.ts';
import { COLOUR } from '../fast/edge-fixture.ts';
import { tinyFolder } from '../fast/edge-services.ts';
import { writeBundle } from '../web-bundles.ts';
import { startWorkerd, type Workerd } from './edge-workerd.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-r2-'));
const own = await tinyFolder(COLOUR);
let workerd: Workerd;
let store: ObjectStore;
beforeAll(async () => {
  workerd = await startWorkerd(
    own.folder,
    { PUBLISH_TOKEN: 'first,second', MODELS_SECONDS: '1' },
    { MODELS: 'pocketgen-models' },
  );
  store = await openTarget(workerd.url, { PUBLISH_TOKEN: 'second' });
});
afterAll(async () => {
  await workerd?.stop();
  own.remove();
  rmSync(root, { recursive: true, force: true });
});

async function made(name: string, version: number): Promise<CheckedBundle> {
  const folder = join(root, String(version));
  await writeBundle(folder, { name, title: `${name} ${version}`, size: 8, channels: 3, version });
  writeFileSync(join(folder, name, 'preview.png'), `preview ${version}`);
  await addTrainer(join(folder, name), version);
  return readCheckedBundle(join(folder, name));
}

/** As `export --trainer` leaves a file that a training can go on from: of the store's business is only that it comes along. */
async function addTrainer(folder: string, version: number): Promise<void> {
  const bytes = new TextEncoder().encode(`what version ${version} had learnt`);
  const file = { path: 'trainer.fp16.safetensors', role: 'trainer', variant: 'fp16', bytes: bytes.length };
  const manifest = parseManifest(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')));
  const files = [...manifest.files, { ...file, sha256: await sha256Hex(bytes) }];
  writeFileSync(join(folder, file.path), bytes);
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...manifest, files }));
}

const get = (path: string, init?: RequestInit) => fetch(`${workerd.url}${path}`, init);
const json = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;

/** Pixels of the first golden's request, as the Worker draws them. */
async function drawn(model: string): Promise<string> {
  const response = await get(`/v1/images/${model}/1.png?truncation=1`);
  if (response.status !== 200) return `${response.status}`;
  return sha256Hex(decodePng(new Uint8Array(await response.arrayBuffer())).data);
}
const goldenOf = ({ manifest }: CheckedBundle) => sha256Hex(goldenPixels(manifest.goldens[0] as never));
const SECONDS = { timeout: 20_000, interval: 250 };

test('what is published is drawn, listed and handed to the page beside the Worker’s own, without a deploy', async () => {
  expect(await drawn('one')).toBe('404');
  const bundle = await made('one', 1);
  await publishBundle(store, bundle);
  await expect.poll(() => drawn('one'), SECONDS).toBe(await goldenOf(bundle));
  expect(await drawn(`one@${bundle.version}`)).toBe(await goldenOf(bundle));
  const { data } = await json<{ data: { id: string; version: string; classes: string[] }[] }>('/v1/models');
  expect(data.map(({ id }) => id)).toEqual(['tiny-colour', 'one']);
  expect(data[1]?.version).toBe(bundle.version);
  const list = parseModelList(await json('/models/index.json'));
  expect(list.map(({ name, version }) => [name, version])).toEqual([
    ['tiny-colour', data[0]?.version],
    ['one', bundle.version],
  ]);
  const manifest = parseManifest(await json('/models/one/model.json'));
  expect(manifest).toEqual(bundle.manifest);
  const network = await get(`/models/one@${bundle.version}/${generatorFile(manifest).path}`);
  expect(await sha256Hex(new Uint8Array(await network.arrayBuffer()))).toBe(generatorFile(manifest).sha256);
  expect(await (await get('/models/one/preview.png')).text()).toBe('preview 1');
  // What a training in the page begins with.
  const trainer = await get(`/models/one/${trainerFile(manifest)?.path}`);
  expect(await trainer.text()).toBe('what version 1 had learnt');
  const { models } = await json<{ models: { name: string; open: boolean }[] }>('/healthz');
  expect(models).toMatchObject([
    { name: 'tiny-colour', open: true },
    { name: 'one', open: true },
  ]);
});

test('a newer version takes the name within seconds, the earlier one keeps its address; rollback, and taking back', async () => {
  const [first, second] = [await made('two', 2), await made('two', 3)];
  await publishBundle(store, first);
  await expect.poll(() => drawn('two'), SECONDS).toBe(await goldenOf(first));
  await publishBundle(store, second);
  // From the first picture of the new one on, no old one under the name.
  await expect.poll(() => drawn('two'), SECONDS).toBe(await goldenOf(second));
  expect(await drawn(`two@${first.version}`)).toBe(await goldenOf(first));
  expect((await get(`/v1/images/two@${first.version}/1.png`)).headers.get('Cache-Control')).toContain('immutable');
  expect(await rollback(store, 'two')).toBe(first.version);
  await expect.poll(() => drawn('two'), SECONDS).toBe(await goldenOf(first));
  expect(await drawn(`two@${second.version}`)).toBe(await goldenOf(second));
  await unpublish(store, 'two', undefined);
  await expect.poll(() => drawn('two'), SECONDS).toBe('404');
  expect(await drawn(`two@${first.version}`)).toBe('404');
});

test('a published model takes the place of the Worker’s own of that name, whose version keeps its address', async () => {
  const { data } = await json<{ data: { id: string; version: string }[] }>('/v1/models');
  const before = data.find(({ id }) => id === COLOUR.name)?.version;
  const mine = await drawn(COLOUR.name);
  const bundle = await made(COLOUR.name, 4);
  await publishBundle(store, bundle);
  await expect.poll(() => drawn(COLOUR.name), SECONDS).toBe(await goldenOf(bundle));
  expect(await drawn(`${COLOUR.name}@${before}`)).toBe(mine);
  await unpublish(store, COLOUR.name, undefined);
  await expect.poll(() => drawn(COLOUR.name), SECONDS).toBe(mine);
});

test('eight publishers at once through the Worker lose none of each other’s, and all of it is drawn', async () => {
  const bundles = await Promise.all(Array.from({ length: 8 }, (_, i) => made(`many-${i}`, i + 10)));
  await Promise.all(bundles.map((bundle) => publishBundle(store, bundle)));
  const names = (await listModels(store)).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(bundles.map(({ manifest }) => manifest.name)));
  // The Worker reads the index again after a second.
  const served = async () => parseModelList(await json('/models/index.json')).map(({ name }) => name);
  await expect.poll(served, SECONDS).toEqual(expect.arrayContaining(names));
  // All first requests at once.
  const first = await Promise.all(bundles.flatMap((b) => [drawn(b.manifest.name), drawn(b.manifest.name)]));
  for (const [i, bundle] of bundles.entries()) {
    expect(bundle.version).toBe(await bundleVersion(bundle.manifest));
    expect([first[2 * i], first[2 * i + 1]]).toEqual([await goldenOf(bundle), await goldenOf(bundle)]);
  }
});

describe('over HTTP', () => {
  const put = (key: string, body: BodyInit, headers: Record<string, string> = {}) =>
    get(`/store/${key}`, { method: 'PUT', body, headers: { Authorization: 'Bearer first', ...headers } });
  const detail = async (response: Response) => [
    response.status,
    ((await response.json()) as { detail: string }).detail,
  ];

  test('only who has a token reads, writes or lists the store', async () => {
    for (const [path, method] of [
      ['/store', 'GET'],
      ['/store/index.json', 'GET'],
      ['/store/index.json', 'PUT'],
      [`/store/blobs/${'0'.repeat(64)}`, 'DELETE'],
    ] as const)
      for (const headers of [{}, { Authorization: 'Bearer third' }] as Record<string, string>[])
        expect([path, (await get(path, { method, headers })).status]).toEqual([path, 401]);
  });

  test('an object must have the hash of its name, and be what its place asks for', async () => {
    const text = new TextEncoder().encode('{}');
    const hash = await sha256Hex(text);
    expect(await detail(await put(`blobs/${'0'.repeat(64)}`, text))).toEqual([
      400,
      `body: expected SHA-256 ${'0'.repeat(64)}, got ${hash}; send it again`,
    ]);
    expect((await put(`blobs/${hash}`, text)).status).toBe(204);
    expect((await detail(await put(`shards/${hash}.json`, text)))[0]).toBe(400);
    expect((await detail(await put(`models/one@0123456789ab/${hash}.json`, text)))[0]).toBe(400);
    for (const key of ['other.json', `blobs/${hash}/x`, `models/..%2f..%2f@0123456789ab/${hash}.json`, 'blobs/UP'])
      expect([key, (await put(key, text)).status]).toEqual([key, 404]);
    const large = await put(`blobs/${hash}`, new Uint8Array(OBJECT_BYTES + 1));
    expect(await detail(large)).toEqual([413, `body: expected at most ${OBJECT_BYTES} bytes, got more`]);
  });

  test('the index is replaced only by who knows the one before it, and is never deleted', async () => {
    const index = await store.get('index.json');
    if (index === undefined || index === 'unchanged') throw new Error('expected an index');
    expect((await put('index.json', index.bytes)).status).toBe(428);
    expect((await put('index.json', index.bytes, { 'If-None-Match': '*' })).status).toBe(412);
    expect((await put('index.json', index.bytes, { 'If-Match': '"0"' })).status).toBe(412);
    expect((await put('index.json', '{"shards":{}}', { 'If-Match': index.etag })).status).toBe(400);
    expect(await store.get('index.json', index.etag)).toBe('unchanged');
    const gone = await get('/store/index.json', { method: 'DELETE', headers: { Authorization: 'Bearer first' } });
    expect(gone.status).toBe(405);
    expect(await store.replaceIndex(index.bytes, index.etag)).toBe(true);
  });
});
