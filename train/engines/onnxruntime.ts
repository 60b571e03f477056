// onnxruntime-node, loaded when something is first computed: help, data sets and serving on wasm need no native library.
import { createRequire } from 'node:module';
import type * as common from 'onnxruntime-common';
import { UserError } from '../../contract/errors.ts';

export type InferenceSession = common.InferenceSession;
export type Tensor = common.Tensor;

// The class that onnxruntime-node itself loads, by require: the one of the ES module is another, and an output buffer of that
// one is taken for an option and ignored.
export const { Tensor } = createRequire(import.meta.url)('onnxruntime-common') as typeof common;

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
  options: common.InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const ort = await load();
  return ort.InferenceSession.create(model, options);
}
