// What publishing does to a store in a folder: versions come, go and come back, two publishers lose nothing, prune takes what
// nobody uses. The same store in R2 and over HTTP: full/publish-r2.test.ts.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runPublish } from '../../cli/commands/publish.ts';
import { type CheckedBundle, readCheckedBundle } from '../../cli/publish/bundle.ts';
import { listModels, prune, publishBundle, rollback, unpublish } from '../../cli/publish/publish.ts';
import { openTarget } from '../../cli/publish/target.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { contentOf, type PublishedModel } from '../../contract/published.ts';
import { folderStore } from '../../edge/store/folder.ts';
import { readContent } from '../../edge/store/objects.ts';
import { writeBundle } from '../web-bundles.ts';

let root: string;
let store: ReturnType<typeof folderStore>;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pocketgen-publish-'));
  store = folderStore(join(root, 'store'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Bundle `name` in its n-th version, as a folder and as what is published of it. */
async function made(name: string, n: number): Promise<CheckedBundle> {
  const folder = join(root, `made-${n}`);
  await writeBundle(folder, { name, title: `${name} ${n}`, size: 8, channels: 3, classes: ['a', 'b'], version: n });
  writeFileSync(join(folder, name, 'preview.png'), `preview ${n}`);
  return readCheckedBundle(join(folder, name));
}

const files = () =>
  readdirSync(join(root, 'store'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'lock.sqlite')
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'store').length + 1));
const versions = async (name: string): Promise<[string | undefined, string[]]> => {
  const model: PublishedModel | undefined = (await listModels(store)).find((one) => one.name === name);
  return [model?.current, model?.versions.map(({ version }) => version) ?? []];
};

test('a bundle is published whole, under names that are its files’ hashes, and again without a change', async () => {
  const bundle = await made('one', 1);
  expect(await publishBundle(store, bundle)).toEqual({ changed: true, dropped: [] });
  for (const key of files().filter((file) => file !== 'index.json'))
    expect(await sha256Hex(readFileSync(join(root, 'store', key)))).toBe(contentOf(key));
  // The index, a shard, model.json, the network and the preview.
  expect(files()).toHaveLength(5);
  const [model] = await listModels(store);
  expect(model).toMatchObject({
    name: 'one',
    title: 'one 1',
    image: { width: 8, height: 8, channels: 3 },
    classes: ['a', 'b'],
    current: bundle.version,
    network: bundle.manifest.files[0]?.sha256,
    versions: [{ version: bundle.version, manifest: bundle.manifestSha256, extras: bundle.extras }],
  });
  const index = readFileSync(join(root, 'store', 'index.json'));
  expect(await publishBundle(store, bundle)).toEqual({ changed: false, dropped: [] });
  expect(readFileSync(join(root, 'store', 'index.json'))).toEqual(index);
});

test('earlier versions are kept, five of them unless asked otherwise; rollback goes back and publishing forward again', async () => {
  const bundles = [];
  for (let n = 1; n <= 6; n++) bundles.push(await made('one', n));
  const [first, , , fourth, fifth, sixth] = bundles.map(({ version }) => version);
  for (const bundle of bundles.slice(0, 5)) await publishBundle(store, bundle);
  expect((await versions('one'))[1]).toHaveLength(5);
  expect(await publishBundle(store, bundles[5] as CheckedBundle)).toEqual({ changed: true, dropped: [first] });
  expect(await rollback(store, 'one')).toBe(fifth);
  expect(await rollback(store, 'one')).toBe(fourth);
  expect((await listModels(store))[0]?.title).toBe('one 4');
  expect(await rollback(store, 'one', sixth)).toBe(sixth);
  expect(await rollback(store, 'one', fifth)).toBe(fifth);
  // Published again, the fourth is the newest.
  await publishBundle(store, bundles[3] as CheckedBundle, 2);
  expect(await versions('one')).toEqual([fourth, [fourth, sixth]]);
  await expect(rollback(store, 'one', first)).rejects.toThrow(
    `version: expected one that is kept (one@${fourth}, one@${sixth}), got ${first}`,
  );
  await rollback(store, 'one');
  await expect(rollback(store, 'one')).rejects.toThrow(
    `one: expected a version before ${sixth}, got none that is kept`,
  );
});

test('another title or golden is the same version; its new model.json takes the place of the one before', async () => {
  const bundle = await made('one', 1);
  await publishBundle(store, bundle);
  const path = join(root, 'made-1', 'one', 'model.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('one 1', 'One'));
  const renamed = await readCheckedBundle(join(root, 'made-1', 'one'));
  expect(renamed.version).toBe(bundle.version);
  expect((await publishBundle(store, renamed)).changed).toBe(true);
  expect(await listModels(store)).toMatchObject([
    { title: 'One', versions: [{ version: bundle.version, manifest: renamed.manifestSha256 }] },
  ]);
});

test('a model is taken back whole, or one of its earlier versions', async () => {
  const [one, two] = [await made('one', 1), await made('one', 2)];
  for (const bundle of [one, two, await made('other', 3)]) await publishBundle(store, bundle);
  await expect(unpublish(store, 'one', two.version)).rejects.toThrow('expected one that is not the current one');
  await unpublish(store, 'one', one.version);
  expect(await versions('one')).toEqual([two.version, [two.version]]);
  await unpublish(store, 'one', undefined);
  expect((await listModels(store)).map(({ name }) => name)).toEqual(['other']);
  await expect(unpublish(store, 'one', undefined)).rejects.toThrow('expected a published model, got one');
  await unpublish(store, 'other', undefined);
  expect(await listModels(store)).toEqual([]);
});

test('a change whose answer was lost is made once', async () => {
  const bundles = [await made('one', 1), await made('one', 2), await made('one', 3)];
  for (const bundle of bundles) await publishBundle(store, bundle);
  const [, second] = bundles.map(({ version }) => version);
  let lost = 0;
  // As a server that is asked again after it has taken effect: the etag is another by then.
  const deaf = {
    ...store,
    async replaceIndex(bytes: Uint8Array<ArrayBuffer>, known: string | undefined): Promise<boolean> {
      lost += 1;
      await store.replaceIndex(bytes, known);
      return store.replaceIndex(bytes, known);
    },
  };
  expect(await rollback(deaf, 'one')).toBe(second);
  expect((await versions('one'))[0]).toBe(second);
  await unpublish(deaf, 'one', undefined);
  expect(await listModels(store)).toEqual([]);
  expect(lost).toBe(2);
});

test('thirty publishers at once, two of them in each other’s shard and name, lose none of each other’s', async () => {
  const bundles = await Promise.all(Array.from({ length: 15 }, (_, i) => made(`model-${i}`, i + 1)));
  const again = await Promise.all(Array.from({ length: 15 }, (_, i) => made(`model-${i}`, i + 101)));
  await Promise.all([...bundles, ...again].map((bundle) => publishBundle(store, bundle)));
  const models = await listModels(store);
  expect(models).toHaveLength(15);
  for (const { name, versions: kept } of models) {
    const i = Number(name.slice('model-'.length));
    expect(new Set(kept.map(({ version }) => version))).toEqual(new Set([bundles[i]?.version, again[i]?.version]));
  }
});

test('prune takes what no version uses and nobody wrote within the last hour, and nothing else', async () => {
  const [one, two] = [await made('one', 1), await made('one', 2)];
  await publishBundle(store, one);
  await publishBundle(store, two, 1);
  mkdirSync(join(root, 'store', 'tmp'), { recursive: true });
  writeFileSync(join(root, 'store', 'tmp', crypto.randomUUID()), 'of a process that was killed');
  writeFileSync(join(root, 'store', 'tmp', 'chapter1.tex'), 'somebody’s');
  writeFileSync(join(root, 'store', 'README'), 'somebody’s');
  await expect(prune(store)).rejects.toThrow(
    /expected no change within the last 120 s, got one \d s ago; prune it later$/,
  );
  const index = join(root, 'store', 'index.json');
  writeFileSync(
    index,
    readFileSync(index, 'utf8').replace(/"updated":"[^"]+"/, '"updated":"2026-01-01T00:00:00.000Z"'),
  );
  expect(await prune(store)).toBe(0);
  const before = files();
  const old = Date.now() / 1000 - 3700;
  for (const file of before) utimesSync(join(root, 'store', file), old, old);
  // The first version's model.json, network and preview, the shard that named it, and what was never finished.
  expect(await prune(store)).toBe(5);
  expect(files()).toHaveLength(before.length - 5);
  expect(files()).toEqual(expect.arrayContaining(['README', 'tmp/chapter1.tex']));
  const [model] = await listModels(store);
  for (const { version, manifest } of model?.versions ?? [])
    await readContent(store, `models/one@${version}/${manifest}.json`);
});

test('where nothing was ever published nothing is pruned', async () => {
  mkdirSync(join(root, 'home', 'tmp'), { recursive: true });
  const file = join(root, 'home', 'tmp', crypto.randomUUID());
  writeFileSync(file, 'somebody’s');
  utimesSync(file, 0, 0);
  await expect(prune(folderStore(join(root, 'home')))).rejects.toThrow(
    'expected a store, got a place in which nothing was ever published',
  );
  expect(readFileSync(file, 'utf8')).toBe('somebody’s');
});

test('a bundle that is not whole, or does not draw its goldens, is refused before anything is written', async () => {
  await made('one', 1);
  const folder = join(root, 'made-1', 'one');
  const text = readFileSync(join(folder, 'model.json'), 'utf8');
  const [golden] = JSON.parse(text).goldens;
  await made('one', 2);
  const network = readFileSync(join(root, 'made-2', 'one', 'generator.fp32.onnx'));
  writeFileSync(join(folder, 'generator.fp32.onnx'), network.subarray(0, 1000));
  await expect(readCheckedBundle(folder)).rejects.toThrow(
    `bundle ${folder}: generator.fp32.onnx: expected ${network.length} bytes, got 1000; `,
  );
  writeFileSync(join(folder, 'model.json'), text.replace(/"formatVersion": ?3/, '"formatVersion":2'));
  await expect(readCheckedBundle(folder)).rejects.toThrow(
    `bundle ${folder}: model.json: expected format version 3, got 2; bring its folder up to date with pocketgen upgrade ${folder}`,
  );
  // The network of another version, with its own hash: only the goldens tell.
  const entry = JSON.parse(text).files[0];
  writeFileSync(join(folder, 'generator.fp32.onnx'), network);
  writeFileSync(join(folder, 'model.json'), text.replace(entry.sha256, await sha256Hex(network)));
  await expect(readCheckedBundle(folder)).rejects.toThrow(
    new RegExp(`golden of seed ${golden.seed}: expected the same bytes`),
  );
});

test('bundles of one name are refused before anything is written; one that is named twice is published once', async () => {
  const { version } = await made('one', 1);
  await made('one', 2);
  const [first, second] = [join(root, 'made-1', 'one'), join(root, 'made-2', 'one')];
  const flags = { to: join(root, 'store'), keep: 5 };
  await expect(runPublish([first, second], flags)).rejects.toThrow(
    `bundle ${second}: expected a name of its own, got one, which ${first} has; publish one of them`,
  );
  expect(existsSync(join(root, 'store'))).toBe(false);
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await runPublish([first, join(root, 'made-1')], flags);
  expect(log.mock.calls).toEqual([[expect.stringMatching(/^one@\w+: published, 3 files, /)]]);
  log.mockRestore();
  expect(await versions('one')).toEqual([version, [version]]);
});

test('a store of a later format, or something else, is refused in one sentence', async () => {
  await publishBundle(store, await made('one', 1));
  const index = join(root, 'store', 'index.json');
  const text = readFileSync(index, 'utf8');
  writeFileSync(index, text.replace('"formatVersion":1', '"formatVersion":2'));
  await expect(listModels(store)).rejects.toThrow(/^index\.json formatVersion: .*expected 1; is this a store that/);
  writeFileSync(index, '<html>');
  await expect(listModels(store)).rejects.toThrow('index.json: expected JSON, got something else');
});

test('--to: an address of something else is refused, rather than taken for a folder', async () => {
  for (const to of ['s3://bucket/x', 'FTP://x.example', 'file:///tmp/x'])
    await expect(openTarget(to, {})).rejects.toThrow(`--to: expected r2, r2:BUCKET, https://… or a folder, got ${to}`);
  expect((await openTarget(join(root, 'a:b'), {})).where).toContain('a:b');
});

test('--to: a folder of somebody’s pictures is no place for a new store, and a file is none', async () => {
  const [bundle, own, file] = ['made-1/one', 'own', 'file'].map((name) => join(root, name)) as [string, string, string];
  await made('one', 1);
  mkdirSync(own);
  writeFileSync(join(own, 'a.png'), 'a picture');
  writeFileSync(file, '');
  await expect(runPublish([bundle], { to: own, keep: 1 })).rejects.toThrow(
    `--to: expected a store or a new folder, got ${own} with a.png in it; move that or name another`,
  );
  expect(readdirSync(own)).toEqual(['a.png']);
  for (const makes of [true, false])
    await expect(openTarget(file, {}, { makes })).rejects.toThrow(
      `--to: expected a folder, got ${file}, which is a file; name another`,
    );
  // A store is one whatever lies beside it, and so is what a first publishing has left that was stopped.
  await publishBundle(store, await made('one', 1));
  writeFileSync(join(root, 'store', 'notes.txt'), '');
  await openTarget(join(root, 'store'), {}, { makes: true });
  for (const name of ['notes.txt', 'index.json']) rmSync(join(root, 'store', name));
  await openTarget(join(root, 'store'), {}, { makes: true });
});

test('--to: a target says which setting it lacks', async () => {
  await expect(openTarget('r2', {})).rejects.toThrow(
    /^CLOUDFLARE_ACCOUNT_ID: expected the id of your Cloudflare account/,
  );
  await expect(openTarget('r2', { R2_ENDPOINT: 'http://x' })).rejects.toThrow(
    /^CLOUDFLARE_API_TOKEN: expected an API token/,
  );
  await expect(openTarget('r2', { R2_ENDPOINT: 'http://x', R2_ACCESS_KEY_ID: 'a' })).rejects.toThrow(
    /^R2_SECRET_ACCESS_KEY: expected the secret/,
  );
  await expect(openTarget('r2:../x', {})).rejects.toThrow('--to: expected r2:BUCKET');
  await expect(openTarget('https://x.example', {})).rejects.toThrow(/^PUBLISH_TOKEN: expected the publish token/);
});
