// onnxruntime-node, loaded when something is first computed: help, data sets and serving on wasm need no native library.
import type { InferenceSession } from 'onnxruntime-common';
import { UserError } from '../contract/errors.ts';

export { type InferenceSession, Tensor } from 'onnxruntime-common';

/** @throws UserError where the package has no library for this machine */
async function load(): Promise<typeof import('onnxruntime-node')> {
  return import('onnxruntime-node').catch((error: Error) => {
    const reason = error.message.split('\n')[0];
    throw new UserError(
      `onnxruntime-node: expected its library for ${process.platform} ${process.arch}, got: ${reason}; ` +
        'run npm ci on this machine',
    );
  });
}

export async function createSession(
  model: Uint8Array,
  options: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const ort = await load();
  return ort.InferenceSession.create(model, options);
}
