// The edge's speed and memory, workerd alone and `pocketgen serve`: `npm run bench:edge [-- --models FOLDER --quick]`.
// Client and server share this machine's cores, so the numbers are upper bounds on time and lower bounds on throughput.
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { heldHeapMiB } from './edge-heap.ts';
import {
  buildWorker,
  emptyWorker,
  type ServerProcess,
  type StartOptions,
  startNodeServer,
  startWorkerdAlone,
} from './edge-server.ts';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'models' },
    quick: { type: 'boolean', default: false },
    provider: { type: 'string', default: 'wasm' },
  },
});
const rounds = values.quick ? 1 : 5;
const warmRequests = values.quick ? 200 : 1000;
const memoryAt = values.quick ? [200, 2000] : [1000, 10_000, 30_000];
const seconds = values.quick ? 2 : 6;

let nextSeed = 1;
/** A seed never asked for before: every picture is drawn. */
const freshSeed = () => nextSeed++;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Milliseconds from sending to the last byte, on one connection that stays open. */
function ask(url: string, headers: Record<string, string> = {}): Promise<{ ms: number; status: number; etag: string }> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    request(url, { agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () =>
        resolve({ ms: performance.now() - start, status: answer.statusCode ?? 0, etag: String(answer.headers.etag) }),
      );
    })
      .once('error', reject)
      .end();
  });
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}

async function spread(count: number, one: () => Promise<{ ms: number; status: number }>, status: number) {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await one();
    if (answer.status !== status) throw new Error(`bench: expected status ${status}, got ${answer.status}`);
    times.push(answer.ms);
  }
  times.sort((a, b) => a - b);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

async function throughput(server: ServerProcess, model: string, connections: number): Promise<number> {
  const result = await autocannon({
    url: server.url,
    connections,
    duration: seconds,
    requests: [{ setupRequest: (one) => ({ ...one, path: `/v1/images/${model}/${freshSeed()}.png` }) }],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`bench: expected only pictures, got ${result.non2xx} other answers, ${result.errors} errors`);
  return result.requests.average;
}

async function memory(server: ServerProcess): Promise<string> {
  const resident = server.residentMiB(); // before the collection
  const { runtime } = (await (await fetch(`${server.url}/healthz`)).json()) as { runtime: { memoryBytes: number } };
  const heap = await heldHeapMiB(server.inspector ?? 0);
  return `${resident.toFixed(0)} / ${heap.toFixed(1)} / ${(runtime.memoryBytes / 2 ** 20).toFixed(1)}`;
}

async function memorySteps(server: ServerProcess, one: () => Promise<unknown>): Promise<string[]> {
  const steps: string[] = [];
  for (let sent = 1; sent <= Math.max(...memoryAt); sent++) {
    await one();
    if (memoryAt.includes(sent)) steps.push(`${sent}: ${await memory(server)}`);
  }
  return steps;
}

async function measure(start: (options?: StartOptions) => Promise<ServerProcess>): Promise<[string, string][]> {
  const starts: { ready: number; cpu: number; first: number }[] = [];
  let server = await start();
  for (let round = 0; ; round++) {
    const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] };
    const first = await ask(`${server.url}/v1/images/${data[0]?.id}/${freshSeed()}.png`);
    starts.push({ ready: server.startMs, cpu: server.startCpuMs, first: first.ms });
    if (round === rounds - 1) break;
    await server.stop();
    server = await start();
  }
  const median = (of: (s: (typeof starts)[number]) => number) =>
    quantile(
      starts.map(of).sort((a, b) => a - b),
      0.5,
    );

  const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] };
  const model = data[0]?.id ?? '';
  const picture = () => ask(`${server.url}/v1/images/${model}/${freshSeed()}.png`);
  await spread(200, picture, 200); // the just-in-time compilers settle
  const warm = await spread(warmRequests, picture, 200);
  const { etag } = await ask(`${server.url}/v1/images/${model}/1.png`);
  const unchanged = await spread(
    warmRequests,
    () => ask(`${server.url}/v1/images/${model}/1.png`, { 'If-None-Match': etag }),
    304,
  );
  const rates: string[] = [];
  for (const connections of [1, 8, 64]) rates.push((await throughput(server, model, connections)).toFixed(0));
  await server.stop();

  server = await start({ inspect: true, v8Flags: ['--expose-gc'] });
  const steps = await memorySteps(server, picture);
  await ask(`${server.url}/v1/grids/${model}.png?seeds=1-256`);
  steps.push(`after a grid of 256: ${await memory(server)}`);
  await server.stop();

  const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  return [
    ['process start to ready (golden checked)', ms(median((s) => s.ready))],
    ['CPU of the main thread until ready', ms(median((s) => s.cpu))],
    ['first picture after that', ms(median((s) => s.first))],
    ['picture, warm: p50 / p99', `${ms(warm.p50)} / ${ms(warm.p99)}`],
    ['304: p50 / p99', `${ms(unchanged.p50)} / ${ms(unchanged.p99)}`],
    ['pictures/s at 1, 8, 64 connections', rates.join(', ')],
    ['MiB resident / held JavaScript heap / wasm memory, after requests', steps.join('; ')],
  ];
}

const build = buildWorker(values.models);
try {
  const workerd = await measure((options) => startWorkerdAlone(build, options));
  const node = await measure((options) =>
    startNodeServer(values.models, { ...options, flags: ['--provider', values.provider] }),
  );
  console.log(`| | workerd | node (${values.provider}) |\n| --- | --- | --- |`);
  for (const [i, [name, value]] of workerd.entries()) console.log(`| ${name} | ${value} | ${node[i]?.[1]} |`);
  // What workerd itself keeps between collections: a Worker that answers one constant object.
  const empty = emptyWorker();
  const server = await startWorkerdAlone(empty, { inspect: true, v8Flags: ['--expose-gc'] });
  const steps = await memorySteps(server, () => ask(server.url));
  await server.stop();
  empty.remove();
  console.log(`\nan empty Worker in workerd, the same three: ${steps.join('; ')}`);
  const total = build.files.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`script: ${(total / 2 ** 20).toFixed(2)} MiB in ${build.files.length} modules`);
} finally {
  build.remove();
  agent.destroy();
}
