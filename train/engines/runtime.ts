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
  /**
   * Whether outputs can stay where they are computed, a GPU's memory, and be fed back from there: a state then crosses only to be
   * saved.
   */
  readonly keepsOutputs: boolean;
  /** The numbers of such an output, where getData() does not give them; the tensor is of no use after it. */
  read?(tensor: Tensor): Promise<Float32Array>;
  /** @param stay outputs that do so */
  createSession(model: Uint8Array, stay?: readonly string[]): Promise<InferenceSession>;
}

/** As much of one as evaluation needs. */
export type Compute = Pick<Runtime, 'Tensor' | 'createSession'>;
