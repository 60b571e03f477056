// Messages between the page and the worker that runs ONNX Runtime. One worker is one provider with one model.
import type { Completion } from '../../contract/completer.ts';
import type { Beside } from '../../contract/lookup.ts';
import type { Manifest, Variant } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import type { RuntimeBuild } from '../files/runtime.ts';

export type Provider = 'webgpu' | 'wasm-threads' | 'wasm';

export interface StartMessage {
  type: 'start';
  /** Which of the manifest's networks `model` is. */
  network: 'generator' | Beside;
  provider: Provider;
  build: RuntimeBuild;
  threads: number;
  /** Addresses of the API and the loader; the binary comes as bytes, read once and checked by the page. */
  script: string;
  loader: string;
  binary: Uint8Array<ArrayBuffer>;
  manifest: Manifest;
  variant: Variant;
  model: Uint8Array<ArrayBuffer>;
  /** False where the speed is remembered: the first picture comes sooner. */
  measure: boolean;
}

/** latents: [count, latent size]; classWeights: [count, classes], empty for an unconditional model. */
export interface DecodeMessage {
  type: 'decode';
  id: number;
  latents: Float32Array[];
  classWeights: Float32Array[];
}

/** pictures: of the model's size; classWeights: [count, classes], what each picture is of. */
export interface EncodeMessage {
  type: 'encode';
  id: number;
  pictures: Picture[];
  classWeights: Float32Array[];
}

/** Answered by as many pictures. */
export interface CompleteMessage {
  type: 'complete';
  id: number;
  completions: readonly Completion[];
}

export type Work = DecodeMessage | EncodeMessage | CompleteMessage;
export type ToWorker = StartMessage | Work;

export interface Started {
  type: 'started';
  /** Largest difference from the goldens in levels of 255 (of an encoder: in its latents); 0 is the same bytes. */
  levels: number;
  /** Median milliseconds of one picture alone; undefined if it was not to be measured. */
  milliseconds: number | undefined;
}

export type Answer =
  | { type: 'pictures'; id: number; pictures: Picture[]; milliseconds: number }
  | { type: 'latents'; id: number; latents: Float32Array[] };

export type FromWorker =
  | Started
  | Answer
  /** id undefined: the worker as a whole is of no more use. */
  | { type: 'failed'; id: number | undefined; cause: FailureCause; message: string };

/** wrong: the goldens do not come out; lost: the GPU went away; memory: no room; error: anything else. */
export type FailureCause = 'wrong' | 'lost' | 'memory' | 'error';
