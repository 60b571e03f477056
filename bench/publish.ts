// A thousand published models in R2 (miniflare's, in real workerd): how long they take to publish, to find and to draw, what
// memory they take, and whether any picture is ever another model's. `node bench/publish.ts [--models 1000 --requests 10000]`.
// Client, server and R2 share this machine's cores.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
import { heldHeapMiB } from './edge-heap.ts';
import { buildWorker, freePort } from './edge-server.ts';

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
  /** Path and query of the request, and SHA-256 of the pixels, of its goldens. */
  goldens: readonly { path: string; pixels: string }[];
}

/** What a bundle's default variant is to draw. */
async function expected({ manifest }: CheckedBundle): Promise<Published> {
  const { name, goldens, defaultVariant, classes } = manifest;
  const own = goldens.filter(({ variant }) => variant === defaultVariant);
  const paths = own.map(async (golden) => {
    const label = golden.class === undefined ? '' : `class=${encodeURIComponent(classes[golden.class] ?? '')}&`;
    const path = `${golden.seed}.png?${label}truncation=${golden.truncation}`;
    return { path, pixels: await sha256Hex(goldenPixels(golden)) };
  });
  return { name, goldens: await Promise.all(paths) };
}

/** The same network under another name. */
async function renamed(bundle: CheckedBundle, name: string): Promise<CheckedBundle> {
  const manifest = { ...bundle.manifest, name };
  const manifestBytes = new TextEncoder().encode(JSON.stringify(manifest));
  return { ...bundle, manifest, manifestBytes, manifestSha256: await sha256Hex(manifestBytes) };
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
const inspectorPort = await freePort();
const miniflare = new Miniflare({
  modulesRoot: build.folder,
  modules: files.map((name) => ({
    type: types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types],
    path: join(build.folder, name),
  })),
  compatibilityDate: '2026-04-01',
  inspectorPort,
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
    // Without V8's --expose-gc, which miniflare does not pass on: garbage is counted.
    const heap = await heldHeapMiB(inspectorPort, 'core:user:');
    const [wasm, resident] = [runtime.memoryBytes / 2 ** 20, residentMiB()];
    return `wasm ${wasm.toFixed(1)} MiB, JavaScript at most ${heap.toFixed(1)} MiB, workerd with its R2 ${resident.toFixed(0)} MiB resident`;
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
    models.push(await expected(bundle));
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

  /** Milliseconds for one of a model's goldens, which must be what comes. */
  async function draw({ name, goldens }: Published): Promise<number> {
    const { path, pixels } = goldens[Math.floor(Math.random() * goldens.length)] ?? { path: '', pixels: '' };
    const start = performance.now();
    const response = await fetch(`${server}/v1/images/${name}/${path}`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const ms = performance.now() - start;
    if (response.status !== 200) throw new Error(`${name}: expected 200, got ${response.status} ${Buffer.from(bytes)}`);
    if ((await sha256Hex(decodePng(bytes).data)) !== pixels)
      throw new Error(`${name}: expected its golden ${path}, got another picture`);
    return ms;
  }

  const chosen = shuffled(models).slice(0, asked);
  const first: number[] = [];
  for (const model of chosen) first.push(await draw(model));
  console.log(`first picture of ${asked} models, one by one: ${quantiles(first)}; ${await memory()}; ${load()}`);
  const warm: number[] = [];
  const order = Array.from({ length: requests }, () => chosen[Math.floor(Math.random() * asked)] as Published);
  await eachOf(order, connections, async (model, i) => {
    warm.push(await draw(model));
    if ((i + 1) % Math.ceil(requests / 4) === 0) console.log(`  after ${i + 1} requests: ${await memory()}`);
  });
  console.log(`${requests} pictures of them, ${connections} at a time: ${quantiles(warm)}; ${load()}`);

  const all: number[] = [];
  await eachOf(shuffled([...models, ...models]), connections, async (model) => {
    all.push(await draw(model));
  });
  console.log(
    `all ${count} twice in random order, ${connections} at a time, most of them opened anew: ${quantiles(all)}`,
  );
  console.log(`  ${await memory()}; ${load()}`);

  const shipped = await readCheckedBundle(fileURLToPath(new URL('../models/fashion-gan', import.meta.url)));
  const large: Published[] = [];
  for (let i = 0; i < asked; i++) {
    const bundle = await renamed(shipped, `large-${i}`);
    await publishBundle(store, bundle);
    large.push(await expected(bundle));
  }
  const times: number[] = [];
  await eachOf(shuffled(Array.from({ length: 20 }, () => large).flat()), connections, async (model) => {
    times.push(await draw(model));
  });
  console.log(`${asked} times the shipped model, each asked for 20 times, in random order: ${quantiles(times)}`);
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
  const [golden] = (await expected(newer)).goldens;
  await publishBundle(store, newer);
  const start = performance.now();
  for (let seen = ''; seen !== golden?.pixels; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const response = await fetch(`${server}/v1/images/${names[0]}/${golden?.path}`);
    seen = await sha256Hex(decodePng(new Uint8Array(await response.arrayBuffer())).data);
  }
  console.log(`a new version was drawn ${((performance.now() - start) / 1000).toFixed(1)} s after it was published`);
} finally {
  await miniflare.dispose();
  build.remove();
  own.remove();
  rmSync(root, { recursive: true, force: true });
}
