// What a bundle's networks cost: nodes, bytes, the time to make a session, and milliseconds a picture, on wasm in Node and in real Chromium,
// on native CPU, and CPU a picture in workerd. `node bench/bundle.ts models/fashion-gan [--variant fp16] [--runs 30]` with Node 22
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import type * as OnnxRuntime from 'onnxruntime-web';
import { completionOf, createCompleter } from '../contract/completer.ts';
import { createEncoder, encoderInputs } from '../contract/encoder.ts';
import { createGenerator } from '../contract/generator.ts';
import { BESIDE, besideFile, generatorFile } from '../contract/lookup.ts';
import type { FileEntry, Variant } from '../contract/manifest.ts';
import { encodePng } from '../contract/png.ts';
import { readManifest, startSession } from '../export/open.ts';
import { clientPages } from './client-page.ts';
import { buildWorker, folderOf, startWorkerdAlone } from './edge-server.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { variant: { type: 'string' }, runs: { type: 'string', default: '30' } },
});
const folder = positionals[0] ?? 'models/fashion-gan';
const runs = Number(values.runs);
const manifest = readManifest(folder);
const variant = (values.variant ?? manifest.defaultVariant) as Variant;
const files: FileEntry[] = [
  generatorFile(manifest, variant),
  ...BESIDE.filter((role) => manifest[role] !== undefined).map((role) => besideFile(manifest, role, variant)),
];

const sorted = (times: readonly number[]) => [...times].sort((a, b) => a - b);
const spread = (times: readonly number[], digits = 1): string =>
  `${(sorted(times)[times.length >> 1] ?? Number.NaN).toFixed(digits)} (fastest ${Math.min(...times).toFixed(digits)})`;
const bytesOf = ({ path }: FileEntry) => new Uint8Array(readFileSync(join(folder, path)));

/** Without those that only bring stored weights to float32, which is done when the session starts. */
function nodesOf(bytes: Uint8Array): { all: number; kinds: string } {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const constants = new Set(graph?.initializer.map(({ name }) => name));
  const kinds = new Map<string, number>();
  for (const { input, output, opType } of graph?.node ?? []) {
    if (input.every((name) => name === '' || constants.has(name))) for (const name of output) constants.add(name);
    else kinds.set(opType, (kinds.get(opType) ?? 0) + 1);
  }
  const most = [...kinds].sort((a, b) => b[1] - a[1]);
  return {
    all: most.reduce((sum, [, count]) => sum + count, 0),
    kinds: most
      .slice(0, 8)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', '),
  };
}

type Started = Awaited<ReturnType<typeof startSession>>;

/** A picture of the network of this role, by number: something else every time. */
function workOf(role: FileEntry['role'], { session, Tensor }: Started): (i: number) => Promise<unknown> {
  if (role === 'generator') {
    const generator = createGenerator(manifest, session, Tensor);
    return (seed) => generator.generate([{ seed, class: undefined, truncation: 1 }]);
  }
  const golden = manifest.goldens.findIndex((one) => one.variant === variant);
  if (role === 'encoder') {
    const encoder = createEncoder(manifest, session, Tensor);
    return () => encoder.encode(...encoderInputs(manifest, [golden]));
  }
  const completer = createCompleter(manifest, session, Tensor);
  return (seed) => completer.complete([completionOf(manifest, { golden, seed })]);
}

async function timed(count: number, work: (i: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = -3; i < count; i++) {
    const before = performance.now();
    await work(i + 3);
    if (i >= 0) times.push(performance.now() - before);
  }
  return times;
}

console.log(`${manifest.name} ${variant}; ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`);
for (const file of files) {
  const bytes = bytesOf(file);
  const { all, kinds } = nodesOf(bytes);
  console.log(`${file.role}: ${bytes.length} bytes, ${all} nodes: ${kinds}`);
  for (const provider of ['wasm', 'cpu'] as const) {
    const starts: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = performance.now();
      const { session } = await startSession(bytes, provider);
      starts.push(performance.now() - before);
      await session.release();
    }
    const started = await startSession(bytes, provider);
    const times = await timed(runs, workOf(file.role, started));
    await started.session.release();
    // The first is the runtime's start as well.
    console.log(`  Node, ${provider}: session ${spread(starts.slice(1), 0)} ms, a picture ${spread(times)} ms`);
  }
}

const pages = await clientPages(folder);
for (const { role, path } of files) {
  const first: number[] = [];
  const again: number[] = [];
  for (let i = 0; i < 3; i++) {
    const page = await pages.page();
    const times = await page.evaluate(async (address) => {
      const ort = (await import('/client/ort.wasm.min.mjs' as string)) as typeof OnnxRuntime;
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = '/client/';
      const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
      const all: number[] = [];
      for (let turn = 0; turn < 3; turn++) {
        const before = performance.now();
        const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
        all.push(performance.now() - before);
        await session.release();
      }
      return all;
    }, `/bundle/${path}`);
    first.push(times[0] ?? 0);
    again.push(...times.slice(1));
    await page.context().close();
  }
  console.log(
    `Chromium, wasm, ${role}: session ${spread(again, 0)} ms, with the runtime's own start ${spread(first, 0)} ms`,
  );
}
const page = await pages.page();
const drawn = await page.evaluate(async (count) => {
  const { open } = (await import('/client/index.js' as string)) as typeof import('../client/index.ts');
  const model = await open('/bundle/', { device: 'wasm', cache: false });
  const times: number[] = [];
  for (let seed = -3; seed < count; seed++) {
    const before = performance.now();
    await model.draw({ seed: seed + 3 });
    if (seed >= 0) times.push(performance.now() - before);
  }
  return times;
}, runs);
console.log(`Chromium, wasm, generator: a picture ${spread(drawn)} ms, a worker's messages included`);
await pages.close();

const models = folderOf(folder);
const build = buildWorker(models.folder);
const server = await startWorkerdAlone(build);
/** CPU of workerd's main thread a request; the kernel counts in hundredths of a second, so many are asked. */
async function cpuOf(ask: (i: number) => Promise<Response>): Promise<string> {
  for (let i = 0; i < 50; i++) await (await ask(i)).arrayBuffer();
  const before = server.cpuMs();
  for (let i = 0; i < 10 * runs; i++) {
    const answer = await ask(50 + i);
    if (answer.status !== 200) throw new Error(`bench: expected 200, got ${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
  }
  return ((server.cpuMs() - before) / (10 * runs)).toFixed(1);
}
console.log(`workerd: ${server.startCpuMs} ms of CPU until ready`);
const image = (seed: number) => fetch(`${server.url}/v1/images/${manifest.name}/${seed}.png`);
console.log(`workerd: ${await cpuOf(image)} ms of CPU for a picture`);
if (manifest.completer !== undefined) {
  const { width, height } = manifest.image;
  const picture = await (await image(1)).blob();
  const half = Uint8Array.from({ length: width * height }, (_, i) => (i >= (width * height) / 2 ? 255 : 0));
  const mask = new Blob([encodePng({ width, height, channels: 1, data: half })]);
  const complete = (seed: number) => {
    const body = new FormData();
    for (const [name, file] of Object.entries({ picture, mask })) body.append(name, file, name);
    return fetch(`${server.url}/v1/complete/${manifest.name}?seed=${seed}`, { method: 'POST', body });
  };
  console.log(`workerd: ${await cpuOf(complete)} ms of CPU for a completion`);
}
await server.stop();
build.remove();
models.remove();
