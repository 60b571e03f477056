// What runs training steps. All engines run the same steps on the same numbers; they differ in speed.
import type { Model, StepGraph } from '../families/family.ts';
import type { Values } from '../nn/tensors.ts';

export const ENGINES = ['onnx', 'tensorflow', 'tfjs'] as const;
export type EngineName = (typeof ENGINES)[number];

/** `wasm`: onnxruntime-web's, one thread, the same numbers as in a page. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'wasm'] as const;
export type Device = (typeof DEVICES)[number];

export interface TrainingEngine {
  readonly name: EngineName;
  readonly device: string;
  /**
   * One step of one of the model's graphs; the first with a graph prepares it. `inputs` without the numbers of shape [], which come
   * apart. Advances the state and returns the graph's statistics.
   */
  step(
    graph: StepGraph,
    inputs: Values,
    scalars: Readonly<Record<string, number>>,
  ): Promise<Readonly<Record<string, number>>>;
  /** Pictures of the averaged parameters: latents [n, latent], classes [n, classes] → [n, h, w, c] in [-1, 1]. */
  generate(latent: Float32Array, classes: Float32Array | undefined): Promise<Float32Array>;
  /** The way back by them: pictures [n, h, w, c], classes [n, classes] → latents [n, latent]. Throws for a model without an encoder. */
  encode(pictures: Float32Array, classes: Float32Array | undefined): Promise<Float32Array>;
  /** A copy of the state. */
  state(): Promise<Values>;
  dispose(): Promise<void>;
}

export interface EngineOptions {
  readonly model: Pick<Model, 'spec' | 'batch' | 'state' | 'weights' | 'generate' | 'encode'>;
  readonly state: Values;
}

/** How an engine is handed to what trains: ready to start on a model and its state. */
export type StartEngine = (options: EngineOptions) => Promise<TrainingEngine>;

/** An input of a graph, whether it is a number that changes from step to step or a tensor. */
export function inputOf(
  name: string,
  shape: readonly number[],
  inputs: Values,
  scalars: Readonly<Record<string, number>>,
): Float32Array {
  const scalar = shape.length === 0 ? scalars[name] : undefined;
  const data = scalar === undefined ? inputs[name] : Float32Array.of(scalar);
  if (!data) throw new Error(`training step: expected an input named ${name}`);
  return data;
}
