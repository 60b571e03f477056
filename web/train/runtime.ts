// onnxruntime-web's wasm as the trainer's runtime, from the files that the page has checked.
import type * as OnnxRuntime from 'onnxruntime-web';
import type { StartSession } from '../../export/bundle.ts';
import type { Runtime } from '../../train/engines/runtime.ts';
import type { RuntimeParts } from './protocol.ts';

export async function startRuntime({ script, loader, binary, threads }: RuntimeParts): Promise<Runtime> {
  const ort = (await import(/* @vite-ignore */ script)) as typeof OnnxRuntime;
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: loader };
  ort.env.wasm.wasmBinary = binary;
  return {
    device: 'wasm',
    Tensor: ort.Tensor,
    fillsOutputs: false,
    createSession: (model) =>
      ort.InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' }),
  };
}

export const sessionsOf =
  ({ Tensor, createSession }: Runtime): StartSession =>
  async (model) => ({ session: (await createSession(model)) as never, Tensor: Tensor as never });
