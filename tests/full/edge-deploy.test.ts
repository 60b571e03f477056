// Gates of a deployment: what `wrangler deploy --dry-run` would upload, and what workerd needs to start it.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildWorker, folderOf, startWorkerdAlone, type WorkerBuild } from '../../bench/edge-server.ts';
import { COLOUR, writeTiny } from '../fast/edge-fixture.ts';
import { PUBLISHED } from './edge-workerd.ts';

const MIB = 2 ** 20;
const models = folderOf(...PUBLISHED.values());
if (PUBLISHED.size === 0) await writeTiny(models.folder, COLOUR);
let build: WorkerBuild;
beforeAll(() => {
  build = buildWorker(models.folder);
});
afterAll(() => {
  build?.remove();
  models.remove();
});

describe('wrangler deploy --dry-run', () => {
  test('uploads less than 32 MiB of the 64 there are, with ONNX Runtime once, WebP’s decoder and one file a network', () => {
    const sizes = build.files.map(({ name, bytes }) => `${(bytes / MIB).toFixed(2)} MiB ${name}`);
    console.log(sizes.join('\n'));
    const total = build.files.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(total).toBeGreaterThan(10 * MIB);
    expect(total).toBeLessThan(32 * MIB);
    const wasm = build.files.filter(({ name }) => name.endsWith('.wasm')).map(({ name }) => name.replace(/^\w+-/, ''));
    expect(wasm.sort()).toEqual(['ort-wasm-simd-threaded.wasm', 'webp_dec.wasm']);
  });

  test('has no asset of 25 MiB or more', () => {
    const folder = 'dist/web';
    const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    const sizes = files.map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
    expect(sizes.filter(({ bytes }) => bytes >= 25 * MIB)).toEqual([]);
  });
});

/** The least CPU of three starts, in milliseconds: what else the machine does adds to it. */
async function leastStart(of: WorkerBuild): Promise<number> {
  const started: number[] = [];
  for (let i = 0; i < 3; i++) {
    const server = await startWorkerdAlone(of);
    try {
      const start = performance.now();
      const models = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] };
      const picture = await fetch(`${server.url}/v1/images/${models.data[0]?.id}/1.png`);
      await picture.arrayBuffer();
      console.log(
        `${models.data.length} models: ready after ${server.startMs.toFixed(0)} ms (${server.startCpuMs} ms of CPU on the main thread, process and all), ` +
          `first picture ${(performance.now() - start).toFixed(1)} ms later, ${server.residentMiB().toFixed(0)} MiB`,
      );
      expect(picture.status).toBe(200);
      started.push(server.startCpuMs);
    } finally {
      await server.stop();
    }
  }
  return Math.min(...started);
}

// Workers give the start a second of CPU. What a machine of tests needs for the runtime alone is the measure of it.
test('workerd starts the script, ONNX Runtime and the models with at most twice the CPU of a tiny model', async () => {
  const tiny = folderOf();
  await writeTiny(tiny.folder, COLOUR);
  const least = buildWorker(tiny.folder);
  try {
    expect(await leastStart(build)).toBeLessThan(2 * (await leastStart(least)));
  } finally {
    least.remove();
    tiny.remove();
  }
});
