// `--engine auto`: the fastest engine this machine really has, and why it was chosen.
import * as ort from 'onnxruntime-node';
import { encodeModel } from '../../trace/model.ts';
import { trace } from '../../trace/trace.ts';
import { loadTensorflow } from './eager.ts';
import type { Device, EngineName } from './engine.ts';

export interface EngineChoice {
  readonly engine: EngineName;
  readonly device: Device;
  readonly why: string;
}

/** Side of the square matrices that are multiplied to tell a GPU from software that looks like one. */
const SIDE = 1024;
const RUNS = 3;

/** Milliseconds of one matrix product on a device, or undefined with the reason when the device does not start. */
async function productMs(device: Device): Promise<number | string> {
  try {
    const graph = await trace(
      ({ a, b }) => ({ product: a && b ? a.matMul(b) : failed() }),
      { a: [SIDE, SIDE], b: [SIDE, SIDE] },
      'gemm',
    );
    const session = await ort.InferenceSession.create(encodeModel(graph, { name: 'probe' }), {
      executionProviders: [device],
    });
    const tensor = new ort.Tensor('float32', new Float32Array(SIDE * SIDE), [SIDE, SIDE]);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < RUNS; i++) {
      const start = performance.now();
      await session.run({ a: tensor, b: tensor });
      best = Math.min(best, performance.now() - start);
    }
    await session.release();
    return best;
  } catch (error) {
    return String(error);
  }
}

function failed(): never {
  throw new Error('probe: expected its two inputs');
}

/** A working CUDA tfjs-node-gpu, else WebGPU where it beats the CPU, else the CPU. */
export async function chooseEngine(): Promise<EngineChoice> {
  try {
    const { name, gpu } = loadTensorflow();
    if (gpu) return { engine: 'tensorflow', device: 'cuda', why: `${name} has a CUDA device` };
  } catch {
    // Not installed: the usual case.
  }
  const [gpu, cpu] = [await productMs('webgpu'), await productMs('cpu')];
  if (typeof gpu === 'number' && typeof cpu === 'number' && gpu < cpu) {
    const why = `WebGPU multiplies ${SIDE}x${SIDE} matrices in ${gpu.toFixed(1)} ms, the CPU in ${cpu.toFixed(1)} ms`;
    return { engine: 'onnx', device: 'webgpu', why };
  }
  const why =
    typeof gpu === 'string' ? 'no WebGPU adapter' : 'the CPU is faster than this WebGPU adapter, which is software';
  return { engine: 'onnx', device: 'cpu', why: `no CUDA build of tfjs-node, ${why}` };
}
