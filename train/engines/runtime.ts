// What an ONNX Runtime is to engine `onnx`, which imports none: onnxruntime-node's (onnxruntime.ts) or onnxruntime-web's is handed in.
import type * as common from 'onnxruntime-common';

export type InferenceSession = common.InferenceSession;
export type Tensor = common.Tensor;

export interface Runtime {
  /** Where it computes, for people. */
  readonly device: string;
  readonly Tensor: typeof common.Tensor;
  /** Whether a tensor handed in for an output is filled. onnxruntime-web's wasm returns one in memory as it was. */
  readonly fillsOutputs: boolean;
  createSession(model: Uint8Array): Promise<InferenceSession>;
}

/** As much of one as evaluation needs. */
export type Compute = Pick<Runtime, 'Tensor' | 'createSession'>;
