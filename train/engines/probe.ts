// How fast a device multiplies matrices, asked of a process of its own: Dawn and Vulkan write their warnings straight to its
// standard error, and a driver that takes its process down takes this one. Run as `node probe.ts DEVICE`; prints JSON.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { trace } from '../../trace/index.ts';
import type { Device } from './engine.ts';
import { createSession, Tensor } from './onnxruntime.ts';

/** Side of the square matrices that are multiplied to tell a GPU from software that looks like one. */
export const PROBE_SIDE = 1024;
const RUNS = 3;
/** Drivers that hang are none. */
const TIMEOUT_MS = 60_000;

/** Milliseconds of one matrix product, or undefined when the device does not start. `log` is told what its driver wrote. */
export async function probe(device: Device, log: (text: string) => void): Promise<number | undefined> {
  const file = import.meta.filename;
  const ran = promisify(execFile)(process.execPath, [file, device], { timeout: TIMEOUT_MS });
  const { stdout, stderr } = await ran.catch((error: { stdout: string; stderr: string }) => error);
  if (stderr) log(stderr.trimEnd());
  const ms = Number(stdout || Number.NaN);
  return Number.isFinite(ms) ? ms : undefined;
}

async function productMs(device: string): Promise<number> {
  const shape = [PROBE_SIDE, PROBE_SIDE];
  const shapes = { a: shape, b: shape };
  const traced = await trace(({ a, b }) => ({ product: a.matMul(b) }), shapes, { name: 'probe', lowering: 'gemm' });
  const model = traced.encode();
  const session = await createSession(model, { executionProviders: [device] });
  const tensor = new Tensor('float32', new Float32Array(PROBE_SIDE ** 2), shape);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await session.run({ a: tensor, b: tensor });
    best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return best;
}

if (process.argv[1] !== undefined && import.meta.filename === resolve(process.argv[1]))
  console.log(await productMs(process.argv[2] ?? 'cpu'));
