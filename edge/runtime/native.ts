// onnxruntime-node on the CPU, for `pocketgen serve --provider native`: faster than wasm, at most one level different.
import type { Engine } from '../models.ts';

/** Loaded only when asked for, so that serving with wasm does not need the native package to work on this machine. */
export async function nativeEngine(): Promise<Engine> {
  const ort = await import('onnxruntime-node');
  return {
    provider: 'native',
    maxLevels: 1,
    maxLatent: 1e-3,
    Tensor: ort.Tensor,
    createSession: (model) => ort.InferenceSession.create(model, { executionProviders: ['cpu'] }),
  };
}
