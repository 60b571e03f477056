// What runs the training step. All engines run the same step on the same numbers; they differ in speed.
import type { Scalars, Statistics, StepOptions } from '../families/gan/step.ts';

export const ENGINES = ['onnx', 'tensorflow', 'tfjs'] as const;
export type EngineName = (typeof ENGINES)[number];

export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];

/** Values by tensor name, row-major; shapes come from `stateShapes` and `inputShapes`. */
export type Values = Record<string, Float32Array>;

export interface TrainingEngine {
  readonly name: EngineName;
  readonly device: string;
  /** One step: `inputs` without the scalars, which come apart. Advances the state. */
  step(inputs: Values, scalars: Scalars): Promise<Statistics>;
  /** Pictures of the averaged generator: latents [n, latent], classes [n, classes] → [n, h, w, c] in [-1, 1]. */
  generate(latent: Float32Array, classes: Float32Array | undefined): Promise<Float32Array>;
  /** A copy of the state. */
  state(): Promise<Values>;
  dispose(): Promise<void>;
}

export interface EngineOptions {
  readonly step: StepOptions;
  readonly state: Values;
  readonly device: Device;
}
