// onnxruntime-web as the trainer's runtime, from the files that the page has checked: its wasm, or WebGPU.
import type * as OnnxRuntime from 'onnxruntime-web';
import type { StartSession } from '../../export/bundle.ts';
import type { InferenceSession, Runtime } from '../../train/engines/runtime.ts';
import type { RuntimeParts } from './protocol.ts';

async function load({ script, loader, binary, threads }: RuntimeParts): Promise<typeof OnnxRuntime> {
  const ort = (await import(/* @vite-ignore */ script)) as typeof OnnxRuntime;
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: loader };
  ort.env.wasm.wasmBinary = binary;
  return ort;
}

export async function startRuntime(parts: RuntimeParts): Promise<Runtime> {
  const ort = await load(parts);
  return {
    device: 'wasm',
    Tensor: ort.Tensor,
    fillsOutputs: false,
    keepsOutputs: false,
    createSession: (model) =>
      ort.InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' }),
  };
}

/** So long after something has failed it may turn out that the device is gone. */
const LOST_MS = 200;

/** The state stays on the GPU. What was under way when the GPU went away is rejected, and so is whatever is asked of it later. */
export async function startGpuRuntime(parts: RuntimeParts): Promise<Runtime> {
  const ort = await load(parts);
  let lost: Promise<never> | undefined;
  /** On a device that is gone work may never end, or fail with what it was at: that the device is gone is what is told. */
  async function unlessLost<T>(work: Promise<T>): Promise<T> {
    if (lost === undefined) return work;
    try {
      return await Promise.race([work, lost]);
    } catch (error) {
      await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, LOST_MS))]);
      throw error;
    }
  }
  return {
    device: 'webgpu',
    Tensor: ort.Tensor,
    fillsOutputs: false,
    keepsOutputs: true,
    read: (tensor) => unlessLost(tensor.getData(true) as Promise<Float32Array>),
    async createSession(model, stay = []) {
      const made = ort.InferenceSession.create(model, {
        executionProviders: ['webgpu'],
        graphOptimizationLevel: 'all',
        preferredOutputLocation: Object.fromEntries(stay.map((name) => [name, 'gpu-buffer'])),
      });
      const session = await unlessLost(made);
      lost ??= whenLost((await ort.env.webgpu.device) as GPUDevice);
      return guarded(session, unlessLost);
    },
  };
}

function whenLost(device: GPUDevice): Promise<never> {
  const lost = device.lost.then(({ message, reason }): never => {
    throw new Error(`the GPU went away: ${message || reason}`);
  });
  lost.catch(() => undefined); // heard by whoever waits for a step
  return lost;
}

const guarded = (session: InferenceSession, guard: (work: Promise<unknown>) => Promise<unknown>): InferenceSession =>
  new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, given);
        return result instanceof Promise ? guard(result) : result;
      };
    },
  });

export const sessionsOf =
  ({ Tensor, createSession }: Runtime): StartSession =>
  async (model) => ({ session: (await createSession(model)) as never, Tensor: Tensor as never });
