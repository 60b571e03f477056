// A thousand published models in R2 (miniflare's, in real workerd): how long they take to publish, to find and to draw, what
// memory they take, and whether any picture is ever another model's. `node bench/publish.ts [--models 1000 --requests 10000]`.
// Client, server and R2 share this machine's cores.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Miniflare } from 'miniflare';
import { type CheckedBundle, readCheckedBundle } from '../cli/publish/bundle.ts';
import { publishBundle } from '../cli/publish/publish.ts';
import { openTarget } from '../cli/publish/target.ts';
import { goldenPixels, sha256Hex } from '../contract/bundle.ts';
import { decodePng } from '../contract/png.ts';
import { COLOUR } from '../tests/fast/edge-fixture.ts';
import { tinyFolder } from '../tests/fast/edge-services.ts';
import { writeBundle } from '../tests/web-bundles.ts';
import { buildWorker } from './edge-server.ts';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: '1000' },
    asked: { type: 'string', default: '30' },
    requests: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '4' },
  },
});
const [count, asked, requests, connections] = [
  Number(values.models),
  Number(values.asked),
  Number(values.requests),
  Number(values.connections),
];
const TOKEN = 'token';

interface Published {
  name: string;
  /** SHA-256 of the pixels of its goldens, by seed. */
  goldens: ReadonlyMap<number, string>;
}

function quantiles(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (q: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}

/** Each item once, by so many at a time. */
async function eachOf<T>(items: readonly T[], at: number, work: (item: T, i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) await work(items[i] as T, i);
  };
  await Promise.all(Array.from({ length: at }, worker));
}

/** Fisher and Yates'. */
function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}

/** Resident memory of workerd, which is a child of this process, in MiB. */
function residentMiB(): number {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const sizes = children.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return status.startsWith('Name:\tworkerd') ? Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024 : 0;
  });
  return Math.max(0, ...sizes);
}

const own = await tinyFolder(COLOUR);
const build = buildWorker(own.folder);
const types = { js: 'ESModule', wasm: 'CompiledWasm', onnx: 'Data' } as const;
const files = build.files.map(({ name }) => name).sort((a, b) => Number(b === 'main.js') - Number(a === 'main.js'));
const miniflare = new Miniflare({
  modulesRoot: build.folder,
  modules: files.map((name) => ({
    type: types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types],
    path: join(build.folder, name),
  })),
  compatibilityDate: '2026-04-01',
  bindings: { CACHE: 'off', PUBLISH_TOKEN: TOKEN },
  handleRuntimeStdio(stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream) {
    stdout.resume(); // the log of requests
    stderr.pipe(process.stderr);
  },
  r2Buckets: { MODELS: 'pocketgen-models' },
});
const root = mkdtempSync(join(tmpdir(), 'pocketgen-bench-'));
const load = () => `load ${loadavg()[0]?.toFixed(1)}`;

try {
  const server = (await miniflare.ready).origin;
  const store = await openTarget(server, { PUBLISH_TOKEN: TOKEN });
  const memory = async () => {
    const { runtime } = (await (await fetch(`${server}/healthz`)).json()) as { runtime: { memoryBytes: number } };
    return `wasm ${(runtime.memoryBytes / 2 ** 20).toFixed(1)} MiB, workerd resident ${residentMiB().toFixed(0)} MiB`;
  };
  console.log(`before: ${await memory()}`);

  async function made(name: string, version: number): Promise<CheckedBundle> {
    await writeBundle(root, { name, size: 16, channels: 3, classes: ['a', 'b'], version });
    return readCheckedBundle(join(root, name));
  }
  const models: Published[] = [];
  const publishing: number[] = [];
  const names = Array.from({ length: count }, (_, i) => `model-${String(i).padStart(4, '0')}`);
  for (const [i, name] of names.entries()) {
    const bundle = await made(name, i + 1);
    const start = performance.now();
    await publishBundle(store, bundle);
    publishing.push(performance.now() - start);
    const { goldens } = bundle.manifest;
    const hashes = goldens.map(async (one) => [one.seed, await sha256Hex(goldenPixels(one))] as const);
    models.push({ name, goldens: new Map(await Promise.all(hashes)) });
  }
  console.log(`${count} models published one by one: ${quantiles(publishing)} each; ${load()}`);
  let [index, shards, objects] = [0, 0, 0];
  for await (const { key } of store.list()) {
    objects++;
    if (key === 'index.json') continue;
    const object = key.startsWith('shards/') ? await store.get(key) : undefined;
    if (object !== undefined && object !== 'unchanged') shards = Math.max(shards, object.bytes.length);
  }
  const head = await store.get('index.json');
  if (head !== undefined && head !== 'unchanged') index = head.bytes.length;
  console.log(`${objects} objects; index.json ${index} bytes, the largest shard ${(shards / 1000).toFixed(1)} kB`);

  async function draw({ name, goldens }: Published, seed: number): Promise<number> {
    const start = performance.now();
    const response = await fetch(`${server}/v1/images/${name}/${seed}.png?class=a&truncation=1`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const ms = performance.now() - start;
    if (response.status !== 200) throw new Error(`${name}: expected 200, got ${response.status} ${Buffer.from(bytes)}`);
    const pixels = await sha256Hex(decodePng(bytes).data);
    if (pixels !== goldens.get(seed))
      throw new Error(`${name}: expected its golden of seed ${seed}, got another picture`);
    return ms;
  }
  const anySeed = () => (Math.random() < 0.5 ? 1 : 2);

  const chosen = shuffled(models).slice(0, asked);
  const first: number[] = [];
  for (const model of chosen) first.push(await draw(model, anySeed()));
  console.log(`first picture of ${asked} models, one by one: ${quantiles(first)}; ${await memory()}; ${load()}`);
  const warm: number[] = [];
  const order = Array.from({ length: requests }, () => chosen[Math.floor(Math.random() * asked)] as Published);
  await eachOf(order, connections, async (model, i) => {
    warm.push(await draw(model, anySeed()));
    if ((i + 1) % Math.ceil(requests / 4) === 0) console.log(`  after ${i + 1} requests: ${await memory()}`);
  });
  console.log(`${requests} pictures of them, ${connections} at a time: ${quantiles(warm)}; ${load()}`);

  const all: number[] = [];
  await eachOf(shuffled([...models, ...models]), connections, async (model) => {
    all.push(await draw(model, anySeed()));
  });
  console.log(
    `all ${count} twice in random order, ${connections} at a time, most of them opened anew: ${quantiles(all)}`,
  );
  console.log(`  ${await memory()}; ${load()}`);

  for (const path of ['/models/index.json', '/v1/models', '/healthz']) {
    const times: number[] = [];
    let bytes = 0;
    for (let i = 0; i < 20; i++) {
      const start = performance.now();
      bytes = (await (await fetch(`${server}${path}`)).arrayBuffer()).byteLength;
      times.push(performance.now() - start);
    }
    console.log(`${path}: ${(bytes / 1000).toFixed(0)} kB, ${quantiles(times)}`);
  }

  const newer = await made(names[0] ?? '', count + 1);
  const golden = newer.manifest.goldens[0];
  const expected = golden && (await sha256Hex(goldenPixels(golden)));
  await publishBundle(store, newer);
  const start = performance.now();
  for (let seen = ''; seen !== expected; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const response = await fetch(`${server}/v1/images/${names[0]}/1.png?class=a&truncation=1`);
    seen = await sha256Hex(decodePng(new Uint8Array(await response.arrayBuffer())).data);
  }
  console.log(`a new version was drawn ${((performance.now() - start) / 1000).toFixed(1)} s after it was published`);
} finally {
  await miniflare.dispose();
  build.remove();
  own.remove();
  rmSync(root, { recursive: true, force: true });
}
