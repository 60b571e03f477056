// What a bundle's networks cost: nodes, bytes, the time to make a session, and milliseconds a picture, on wasm in Node and in real Chromium,
// on native CPU, and CPU a picture in workerd. Beside milliseconds by the clock stand those of CPU, which a busy machine changes less.
// `npm run bench:bundle -- models/fashion-gan [--variant fp16] [--runs 30]`
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

/** Milliseconds of each by the clock, and of CPU. */
interface Times {
  clock: number[];
  cpu: number[];
}
const told = ({ clock, cpu }: Times): string => `${spread(clock)} ms, CPU ${spread(cpu)}`;

async function timed(
  count: number,
  work: (i: number) => Promise<unknown>,
  cpuMs: () => number | Promise<number>,
): Promise<Times> {
  const times: Times = { clock: [], cpu: [] };
  for (let i = 0; i < count; i++) {
    const [cpu, clock] = [await cpuMs(), performance.now()];
    await work(i);
    times.clock.push(performance.now() - clock);
    times.cpu.push((await cpuMs()) - cpu);
  }
  return times;
}

const ownCpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

console.log(`${manifest.name} ${variant}; ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`);
for (const file of files) {
  const bytes = bytesOf(file);
  const { all, kinds } = nodesOf(bytes);
  console.log(`${file.role}: ${bytes.length} bytes, ${all} nodes: ${kinds}`);
  for (const provider of ['wasm', 'cpu'] as const) {
    const starts = await timed(
      4,
      async () => {
        const { session } = await startSession(bytes, provider);
        await session.release();
      },
      ownCpu,
    );
    const started = await startSession(bytes, provider);
    const work = workOf(file.role, started);
    await timed(3, work, ownCpu);
    const times = await timed(runs, work, ownCpu);
    await started.session.release();
    console.log(`  Node, ${provider}: session ${told(starts)}; a picture ${told(times)}`);
  }
}

const pages = await clientPages(folder);
for (const { role, path } of files) {
  const [first, again]: [Times, Times] = [
    { clock: [], cpu: [] },
    { clock: [], cpu: [] },
  ];
  for (let i = 0; i < 2; i++) {
    const page = await pages.page();
    await page.evaluate(async (address) => {
      const ort = (await import('/client/ort.wasm.min.mjs' as string)) as typeof OnnxRuntime;
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = '/client/';
      const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
      const start = async () => {
        const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
        await session.release();
      };
      Object.assign(globalThis, { start });
    }, `/bundle/${path}`);
    const start = () => page.evaluate(() => (globalThis as unknown as { start(): Promise<void> }).start());
    for (let turn = 0; turn < 3; turn++) {
      const { clock, cpu } = await timed(1, start, pages.cpuMs);
      const times = turn === 0 ? first : again;
      times.clock.push(...clock);
      times.cpu.push(...cpu);
    }
    await page.context().close();
  }
  console.log(
    `Chromium, wasm, ${role}: session ${told(again)}; the first, with the runtime's own start, ${told(first)}`,
  );
}
const page = await pages.page();
await page.evaluate(async () => {
  const { open } = (await import('/client/index.js' as string)) as typeof import('../client/index.ts');
  Object.assign(globalThis, { model: await open('/bundle/', { device: 'wasm', cache: false }) });
});
const draw = (seed: number) =>
  page.evaluate(async (asked) => {
    const { model } = globalThis as unknown as { model: import('../client/types.ts').Model };
    await model.draw({ seed: asked });
  }, seed);
await timed(3, draw, pages.cpuMs);
console.log(`Chromium, wasm, generator: a picture ${told(await timed(runs, draw, pages.cpuMs))}, messages included`);
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
