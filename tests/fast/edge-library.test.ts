// A models folder that changes under a server: bundles that come, are replaced under load and go, broken ones, trainings.
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256Hex } from '../../contract/bundle.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { parseModelList } from '../../contract/model-list.ts';
import { decodePng } from '../../contract/png.ts';
import type { Training } from '../../contract/training.ts';
import { pocketgen } from '../../edge/app.ts';
import { buildEntry } from '../../edge/build.ts';
import { type Library, openLibrary } from '../../edge/library.ts';
import { openWhole } from '../../edge/models.ts';
import { wasmEngine, wasmMemoryBytes } from '../../edge/runtime/wasm.ts';
import { replaceFolder } from '../../export/folder.ts';
import { findBundles } from '../../web/build/models.ts';
import { COLOUR, PLAIN, writeTiny } from './edge-fixture.ts';
import { tinyFolder } from './edge-services.ts';

let tiny: Awaited<ReturnType<typeof tinyFolder>>;
let library: Library;
let notices: string[];
/** Waits before a bundle is opened. */
let hold: (name: string) => Promise<void>;
let get: (path: string, init?: RequestInit) => Promise<Response>;

beforeEach(async () => {
  tiny = await tinyFolder(COLOUR);
  notices = [];
  hold = async () => {};
  const engine = wasmEngine();
  library = await openLibrary({
    folder: tiny.folder,
    open: async (source) => {
      await hold(source.name);
      return openWhole(source, engine, Number.POSITIVE_INFINITY);
    },
    notice: (line) => void notices.push(line),
  });
  const app = pocketgen({ models: library, files: library, training: library.training });
  get = async (path, init) => app.request(path, init);
});
afterEach(() => {
  library.close();
  tiny.remove();
});

const folderOf = (name: string) => join(tiny.folder, name);
const jsonOf = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
/** What a change needs to be taken over: one look that sees it, one that sees it unchanged. */
const twoLooks = async () => {
  await library.look();
  await library.look();
};

/** A bundle of the same name whose pictures are others (its latents are longer), as an interim export names its files. */
async function another(generation: number): Promise<string> {
  const place = join(tiny.folder, `.made-${generation}`);
  await writeTiny(place, { ...COLOUR, latent: COLOUR.latent + generation });
  const folder = join(place, COLOUR.name);
  const manifest = parseManifest(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')));
  const [file] = manifest.files;
  const path = `generator.fp32.${file?.sha256.slice(0, 12)}.onnx`;
  renameSync(join(folder, 'generator.fp32.onnx'), join(folder, path));
  writeFileSync(join(folder, 'model.json'), JSON.stringify({ ...manifest, files: [{ ...file, path }] }));
  return folder;
}

const put = (from: string, name: string = COLOUR.name) =>
  replaceFolder(folderOf(name), (folder) => cpSync(from, folder, { recursive: true }));

const training = (more: Partial<Training> = {}): Training => ({
  model: 'tiny-colour',
  state: 'training',
  images: 640,
  total: 1000,
  imagesPerSecond: 60,
  secondsLeft: 6,
  updated: new Date().toISOString(),
  history: [{ images: 320, kid: 0.1, kidLow: 0.05, kidHigh: 0.2 }],
  ...more,
});
const writeTraining = (name: string, value: Training) =>
  writeFileSync(join(folderOf(name), 'training.json'), JSON.stringify(value));

test('ten replacements under load: no request fails, none mixes two bundles, and the memory stays', async () => {
  const made = await Promise.all(Array.from({ length: 10 }, (_, i) => another(i + 1)));
  const path = `/v1/grids/${COLOUR.name}.png?seeds=1-64&columns=8`; // four batches
  const sheets = new Set<string>();
  for (const folder of made) {
    put(folder);
    await twoLooks();
    sheets.add(await sha256Hex(new Uint8Array(await (await get(path)).arrayBuffer())));
  }
  expect(sheets.size).toBe(10);
  const memory = wasmMemoryBytes();

  let running = true;
  let answers = 0;
  const seen = new Set<string>();
  const draw = async () => {
    while (running) {
      const response = await get(path);
      expect(response.status).toBe(200);
      const sheet = await sha256Hex(new Uint8Array(await response.arrayBuffer()));
      expect(sheets).toContain(sheet); // a sheet of two bundles would be none of these
      seen.add(sheet);
      answers++;
    }
  };
  /** The page: a manifest, then what it names. */
  const open = async () => {
    while (running) {
      const manifest = parseManifest(await jsonOf(`/models/${COLOUR.name}/model.json`));
      await new Promise((resolve) => setTimeout(resolve, 5));
      const [file] = manifest.files;
      const response = await get(`/models/${COLOUR.name}/${file?.path}`);
      expect([file?.path, response.status]).toEqual([file?.path, 200]);
      expect(await sha256Hex(new Uint8Array(await response.arrayBuffer()))).toBe(file?.sha256);
      answers++;
    }
  };
  library.watch(10);
  const clients = Promise.all([draw(), draw(), draw(), open(), open()]);
  for (const folder of made) {
    const before = answers;
    put(folder);
    const { sha256 } = parseManifest(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))).files[0] ?? {};
    // Four clients in this very thread leave little time on a busy machine.
    const patient = { timeout: 15_000 };
    await expect.poll(async () => (await library.list())[0]?.hash, patient).toBe(sha256);
    await expect.poll(() => answers, patient).toBeGreaterThan(before + 5);
  }
  running = false;
  await clients;
  expect(seen).toEqual(sheets);
  expect(wasmMemoryBytes()).toBe(memory); // those that were replaced are closed
  expect(notices).toEqual([]);
});

test('a bundle that was replaced is not closed while it is still handed out, however long the next one takes to open', async () => {
  await writeTiny(tiny.folder, PLAIN);
  await twoLooks();
  const version = (await library.list()).find(({ name }) => name === COLOUR.name)?.version;
  put(await another(1));
  await writeTiny(join(tiny.folder, '.made'), { ...PLAIN, latent: PLAIN.latent + 1 });
  put(folderOf('.made/tiny-plain'), 'tiny-plain');
  let begun = () => {};
  const waiting = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    hold = async (name) => {
      if (name !== 'tiny-plain') return;
      begun();
      await new Promise((later) => setTimeout(later, 100));
      resolve();
    };
  });
  const looking = twoLooks();
  await waiting;
  // The first one is replaced; the second is being opened.
  for (let i = 0; i < 5; i++) {
    const response = await get(`/v1/images/${COLOUR.name}/${i}.png`);
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Location')).not.toContain(version);
  }
  await Promise.all([looking, opened]);
});

test('a bundle that appears is served after its checks, and one that goes is not', async () => {
  await writeTiny(tiny.folder, PLAIN);
  await library.look();
  expect((await get('/v1/images/tiny-plain/1.png')).status).toBe(404); // it may still be being copied
  await library.look();
  expect((await get('/v1/images/tiny-plain/1.png')).status).toBe(200);
  const names = async () => parseModelList(await jsonOf('/models/index.json')).map(({ name }) => name);
  expect(await names()).toEqual(['tiny-colour', 'tiny-plain']);
  rmSync(folderOf('tiny-plain'), { recursive: true });
  await twoLooks();
  expect((await get('/v1/images/tiny-plain/1.png')).status).toBe(404);
  expect((await get('/models/tiny-plain/model.json')).status).toBe(404);
  expect(await names()).toEqual(['tiny-colour']);
});

test('a broken bundle is left out and named; in the place of a good one, the good one is served on', async () => {
  mkdirSync(folderOf('somebody'));
  writeFileSync(join(folderOf('somebody'), 'model.json'), '{"format":"layers-model","modelTopology":{}}');
  await twoLooks();
  await library.look();
  expect(notices).toEqual([
    expect.stringMatching(
      /somebody is not served: model\.json: expected the manifest of a pocketgen-bundle, got something else$/,
    ),
  ]);
  const before = await (await get('/v1/images/tiny-colour/1.png')).arrayBuffer();
  const folder = await another(1);
  const [{ path = '' } = {}] = parseManifest(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))).files;
  writeFileSync(join(folder, path), readFileSync(join(folder, path)).reverse());
  put(folder);
  await twoLooks();
  expect(notices[1]).toMatch(/tiny-colour is not served: .*expected SHA-256 .*; the bundle before it is served on$/);
  expect(await (await get('/v1/images/tiny-colour/1.png')).arrayBuffer()).toEqual(before);
  const { status, models } = await jsonOf<{ status: string; models: { name: string; status: string }[] }>('/healthz');
  expect(status).toBe('degraded');
  expect(models).toMatchObject([
    { name: 'tiny-colour', status: 'ok' },
    { name: 'somebody', status: 'failed' },
    { name: 'tiny-colour', status: 'failed' },
  ]);
});

test('a bundle whose name another has is served when that one goes or is called otherwise, and its files are found', async () => {
  // Called like the model that the other folder has, so either could be meant by its name.
  renameSync(folderOf('tiny-colour'), folderOf('a-clothes'));
  await twoLooks();
  put(await another(1), 'tiny-colour');
  put(await another(2), 'z-clothes');
  await twoLooks();
  const health = async () => {
    const { status, models } = await jsonOf<{ status: string; models: { name: string; error?: string }[] }>('/healthz');
    return [status, ...models.map(({ name, error }) => error?.replace(/.*\//, `${name}: `) ?? name)];
  };
  expect(await health()).toEqual(['degraded', 'tiny-colour', 'tiny-colour: a-clothes has', 'z-clothes: a-clothes has']);
  const versionOf = async () => (await library.list())[0]?.version;
  const first = await versionOf();

  rmSync(folderOf('a-clothes'), { recursive: true });
  await twoLooks();
  expect(await health()).toEqual(['degraded', 'tiny-colour', 'z-clothes: tiny-colour has']);
  expect((await get('/v1/images/tiny-colour/1.png')).status).toBe(200);
  const second = await versionOf();
  expect(second).not.toBe(first);

  const path = join(folderOf('tiny-colour'), 'model.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), name: 'renamed' }));
  await twoLooks();
  expect(await health()).toEqual(['ok', 'renamed', 'tiny-colour']);
  expect(new Set([first, second, (await library.list())[1]?.version]).size).toBe(3);
  expect(parseManifest(await jsonOf('/models/tiny-colour/model.json')).latent.size).toBe(COLOUR.latent + 2);

  // A folder that has nothing to serve and is called like a model of another one.
  rmSync(path);
  writeTraining('tiny-colour', training());
  await twoLooks();
  expect((await get('/models/tiny-colour/model.json')).status).toBe(200);
});

test('a broken bundle is left out of a deployment and named: by the Worker’s entry and by the page’s build', async () => {
  await writeTiny(tiny.folder, PLAIN);
  for (const [name, text] of [
    ['of-tfjs', '{"format":"layers-model","modelTopology":{}}'],
    ['old', '{"format":"pocketgen-bundle","formatVersion":1}'],
    ['half', '{"format":"pocketgen-bu'],
  ] as const) {
    mkdirSync(folderOf(name));
    writeFileSync(join(folderOf(name), 'model.json'), text);
  }
  rmSync(join(folderOf('tiny-plain'), 'generator.fp32.onnx'));
  await writeTiny(join(tiny.folder, '.made'), PLAIN);
  renameSync(join(tiny.folder, '.made', 'tiny-plain'), folderOf('other-bytes'));
  const network = join(folderOf('other-bytes'), 'generator.fp32.onnx');
  writeFileSync(network, readFileSync(network).reverse());
  cpSync(folderOf('tiny-colour'), folderOf('twin'), { recursive: true });
  const broken = [
    /half is left out: .*half\/model\.json: expected JSON, got something else or a part of it; export the bundle again$/,
    /of-tfjs is left out: model\.json: expected the manifest of a pocketgen-bundle, got something else$/,
    /old is left out: model\.json: expected format version 3, got 1; bring its folder up to date/,
    /other-bytes is left out: generator\.fp32\.onnx: expected SHA-256 \w+, got \w+; fetch or export it again$/,
    /tiny-plain is left out: generator\.fp32\.onnx: expected a file, got none; export the bundle again$/,
    /twin is left out: expected a name of its own, got tiny-colour, which .* has$/,
  ].map((line) => expect.stringMatching(line));
  const told: string[] = [];
  const entry = join(tiny.folder, '.out', 'main.ts');
  expect(await buildEntry(tiny.folder, entry, (line) => void told.push(line))).toEqual(['tiny-colour']);
  expect(told).toEqual(broken);
  expect(readFileSync(entry, 'utf8')).not.toContain('of-tfjs');
  const said: string[] = [];
  const published = await findBundles(tiny.folder, (line) => void said.push(line));
  expect(published.map(({ manifest }) => manifest.name)).toEqual(['tiny-colour']);
  expect(said).toEqual(broken);
});

test('the bundle that was just made is listed first; those of one minute, as a copy of a folder has them, by name', async () => {
  await writeTiny(tiny.folder, PLAIN);
  await writeTiny(join(tiny.folder, '.made'), PLAIN);
  const manifest = JSON.parse(readFileSync(join(folderOf('.made/tiny-plain'), 'model.json'), 'utf8'));
  for (const name of ['b-gan', 'a-gan']) {
    cpSync(folderOf('tiny-plain'), folderOf(name), { recursive: true });
    writeFileSync(join(folderOf(name), 'model.json'), JSON.stringify({ ...manifest, name }));
  }
  const now = Date.now() / 1000;
  const made = (name: string, age: number) => utimesSync(join(folderOf(name), 'model.json'), now - age, now - age);
  const names = async () => {
    await twoLooks();
    return parseModelList(await jsonOf('/models/index.json')).map(({ name }) => name);
  };
  for (const [name, age] of [
    ['a-gan', 9000],
    ['b-gan', 8990],
    ['tiny-colour', 8999],
    ['tiny-plain', 100],
  ] as const)
    made(name, age);
  expect(await names()).toEqual(['tiny-plain', 'a-gan', 'b-gan', 'tiny-colour']);
  made('b-gan', 0);
  expect(await names()).toEqual(['b-gan', 'tiny-plain', 'a-gan', 'tiny-colour']);
  // A training that ended long ago is no newer than its bundle; one under way goes first.
  writeTraining('a-gan', training({ model: 'a-gan', state: 'finished', updated: new Date(0).toISOString() }));
  expect((await names())[0]).toBe('b-gan');
  writeTraining('a-gan', training({ model: 'a-gan' }));
  expect((await names())[0]).toBe('a-gan');
});

test('a training that was killed before its first pictures does not stand in the way of a model that has some', async () => {
  mkdirSync(folderOf('coming'));
  writeTraining('coming', training({ model: 'coming', updated: new Date(Date.now() - 200_000).toISOString() }));
  await library.look();
  expect(parseModelList(await jsonOf('/models/index.json')).map(({ name }) => name)).toEqual(['tiny-colour', 'coming']);
});

test('the page’s files are those of the bundle that is served, with an ETag, and nothing else of the folder', async () => {
  writeFileSync(join(folderOf('tiny-colour'), 'secret.txt'), 'x');
  const response = await get('/models/tiny-colour/model.json');
  expect(response.headers.get('Content-Type')).toBe('application/json');
  expect(await response.text()).toBe(readFileSync(join(folderOf('tiny-colour'), 'model.json'), 'utf8'));
  const etag = response.headers.get('ETag') ?? '';
  expect((await get('/models/tiny-colour/model.json', { headers: { 'If-None-Match': etag } })).status).toBe(304);
  for (const path of ['secret.txt', '..%2Ftiny-colour%2Fmodel.json', 'preview.png', 'training.json'])
    expect([path, (await get(`/models/tiny-colour/${path}`)).status]).toEqual([path, 404]);
});

test('the training of a model is told with the hash of the bundle that is served, and is never cached', async () => {
  expect((await get('/v1/training/tiny-colour')).status).toBe(404);
  writeTraining('tiny-colour', training({ snapshot: { images: 1, sha256: '0'.repeat(64) } }));
  await library.look();
  const response = await get('/v1/training/tiny-colour');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  const sha256 = await sha256Hex(readFileSync(join(folderOf('tiny-colour'), 'model.json')));
  expect(await response.json()).toEqual({
    ...training({ updated: expect.any(String) }),
    snapshot: { images: 0, sha256 },
  });
  // Pictures of a model that changes are asked for again.
  const picture = await get('/v1/images/tiny-colour/1.png');
  expect(picture.headers.get('Cache-Control')).toBe('public, no-cache');
  expect(decodePng(new Uint8Array(await picture.arrayBuffer())).width).toBe(COLOUR.image.width);
  expect(parseModelList(await jsonOf('/models/index.json'))[0]).toMatchObject({ name: 'tiny-colour', training: true });
});

test('a training that has ended is told, but its model is not listed as one that is being trained', async () => {
  const listed = async () =>
    parseModelList(await jsonOf('/models/index.json')).map(({ name, training }) => [name, training]);
  for (const [state, updated, underWay] of [
    ['training', Date.now(), true],
    ['training', Date.now() - 200_000, false], // killed
    ['stopped', Date.now(), false],
    ['finished', Date.now(), false],
  ] as const) {
    writeTraining('tiny-colour', training({ state, updated: new Date(updated).toISOString() }));
    await library.look();
    expect([state, await listed()]).toEqual([state, [['tiny-colour', underWay]]]);
    const told = await jsonOf<Training>('/v1/training/tiny-colour');
    expect(told.state).toBe(state === 'training' && !underWay ? 'stopped' : state);
    // The same command goes on with it at any moment.
    const picture = await get('/v1/images/tiny-colour/1.png');
    expect(picture.headers.get('Cache-Control')).toBe('public, no-cache');
  }
});

test('what a training left and is refused is not listed as if pictures of it were coming', async () => {
  cpSync(folderOf('tiny-colour'), folderOf('left'), { recursive: true });
  writeTraining('left', training({ model: 'left', state: 'finished' }));
  await twoLooks();
  expect(parseModelList(await jsonOf('/models/index.json')).map(({ name }) => name)).toEqual(['tiny-colour']);
  expect(notices).toEqual([expect.stringMatching(/left is not served: expected a name of its own, got tiny-colour/)]);
});

test('a training without pictures yet is listed first; one that was killed is said to be stopped', async () => {
  mkdirSync(folderOf('coming'));
  writeTraining('coming', training({ model: 'coming' }));
  await library.look();
  expect(parseModelList(await jsonOf('/models/index.json'))[0]).toEqual({
    name: 'coming',
    title: 'coming',
    training: true,
  });
  expect(await jsonOf('/v1/training/coming')).not.toHaveProperty('snapshot');
  expect((await get('/v1/images/coming/1.png')).status).toBe(404);
  writeTraining('coming', training({ model: 'coming', updated: new Date(Date.now() - 200_000).toISOString() }));
  await library.look();
  expect(await jsonOf('/v1/training/coming')).toMatchObject({ state: 'stopped' });
});
