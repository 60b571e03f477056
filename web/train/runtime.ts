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

/** The state stays on the GPU. A step that was under way when the GPU went away is rejected, and so is every later one. */
export async function startGpuRuntime(parts: RuntimeParts): Promise<Runtime> {
  const ort = await load(parts);
  let lost: Promise<never> | undefined;
  return {
    device: 'webgpu',
    Tensor: ort.Tensor,
    fillsOutputs: false,
    keepsOutputs: true,
    async createSession(model, stay = []) {
      const session = await ort.InferenceSession.create(model, {
        executionProviders: ['webgpu'],
        graphOptimizationLevel: 'all',
        preferredOutputLocation: Object.fromEntries(stay.map((name) => [name, 'gpu-buffer'])),
      });
      lost ??= whenLost((await ort.env.webgpu.device) as GPUDevice);
      return guarded(session, lost);
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

/** A run on a device that is gone may never end. */
const guarded = (session: InferenceSession, lost: Promise<never>): InferenceSession =>
  new Proxy(session, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (key !== 'run') return value.bind(target);
      return (...given: unknown[]) => Promise.race([Reflect.apply(value, target, given), lost]);
    },
  });

export const sessionsOf =
  ({ Tensor, createSession }: Runtime): StartSession =>
  async (model) => ({ session: (await createSession(model)) as never, Tensor: Tensor as never });
