// What a family of models is to everything else: a state, phases that move it, each one pure step graph, and functions from
// latents to pictures and back. Loop, engines, checkpoints, evaluation, report and export know nothing more of it.
import type * as tf from '@tensorflow/tfjs';
import type { ParameterSpec } from '../nn/layers.ts';
import type { NetworkSpec } from '../nn/spec.ts';
import type { StreamName } from '../nn/streams.ts';
import { type Shapes, sizeOf, type Tensors, type Values } from '../nn/tensors.ts';

/** In recipe, manifest and model card. */
export const FAMILIES = ['gan', 'vae', 'transformer'] as const;
export type FamilyName = (typeof FAMILIES)[number];

/** What a run may train: a family, or the encoder of a generator that is finished. */
export const TRAINED = [...FAMILIES, 'encoder'] as const;
export type TrainedName = (typeof TRAINED)[number];

/** One training step as a pure function of tensors, to be run eagerly on any tfjs backend or traced into an ONNX graph. */
export interface StepGraph {
  /** Tensors of the state that the step gives anew, and those it only reads. */
  readonly changes: Shapes;
  readonly reads: Shapes;
  /** Everything else that goes in; numbers that change from step to step have the shape []. */
  readonly inputs: Shapes;
  /** Numbers that come out, for people; the first two stand beside the progress bar. */
  readonly statistics: readonly string[];
  /** Adam's β1 in it. */
  readonly beta1: number;
  /** `changes`, `reads` and `inputs` by name → `changes` and `statistics` by name. */
  run(inputs: Tensors): Tensors;
}

/** Random numbers that a step takes: so many a picture, drawn from a stream of their own. */
export interface Draw {
  readonly kind: 'normal' | 'uniform';
  readonly count: number;
  readonly stream: StreamName;
}

/** A stretch of a training with one step graph. */
export interface Phase extends StepGraph {
  readonly name: string;
  /** It begins with the first step at which so many images have been seen: 0 for the first phase. */
  readonly from: number;
  /** Inputs that are random numbers, by name, each [batch, count]. */
  readonly draws: Readonly<Record<string, Draw>>;
  /** Whether the recipe's augmentation is among the inputs, for the pictures of a batch and as many generated ones. */
  readonly augments: boolean;
  /**
   * Inputs of shape [] for the step after so many images, but for `correction1` and `correction2`, Adam's bias corrections,
   * which the loop keeps from `beta2` and the step's β1 and starts anew with each phase.
   */
  scalars(images: number): Readonly<Record<string, number>> & { readonly beta2: number };
}

/** What a recipe trains. */
export interface Model {
  readonly family: TrainedName;
  /** Pictures, latent and classes are of these sizes. */
  readonly spec: NetworkSpec;
  readonly batch: number;
  /** Everything that a checkpoint holds. What is under `ema/` are the averaged parameters, `weights`. */
  readonly state: Shapes;
  /** By what they are for, for people. */
  readonly parameters: Readonly<Record<string, number>>;
  /** The state before the first step: a pure function of the recipe. */
  initialState(): Values;
  /** Of the state, what another training can go on from: the averages and what they are trained against. */
  readonly carried: Shapes;
  /** What a state begins with that goes on from those. */
  startFrom(carried: Values): Values;
  /** The same model for pictures of twice the side: its networks, and what of `carried` they begin with, given what they would without. */
  readonly grown?: { readonly network: NetworkSpec; fromCarried(carried: Values, fresh: Values): Values };
  readonly phases: readonly [Phase, ...Phase[]];
  /** Averaged parameters by name, as `generate` and `encode` take them. */
  readonly weights: Shapes;
  /** latent [batch, latent], classes one-hot [batch, classes] or absent → pictures [batch, h, w, c] in [-1, 1]. */
  generate(weights: Tensors, latent: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor;
  /** The way back: pictures and classes → the latents [batch, latent] that give them again, as nearly as the model can. */
  encode?(weights: Tensors, pictures: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor;
  /** What the encoder knows of the latents against N(0, 1), for models whose latents are no points: both [batch, latent]. */
  posterior?(weights: Tensors, pictures: tf.Tensor): { readonly mean: tf.Tensor; readonly logVariance: tf.Tensor };
  /** Pictures of which `mask` [batch, h, w, 1] is 1 where they are to stay as they are; the rest is drawn from the latent. */
  complete?(
    weights: Tensors,
    pictures: tf.Tensor,
    mask: tf.Tensor,
    latent: tf.Tensor,
    classes: tf.Tensor | undefined,
  ): tf.Tensor;
  /** For models of tokens: the codes of pictures [batch, tokens], and how many bits the model takes to tell them [batch]. */
  tokens?(
    weights: Tensors,
    pictures: tf.Tensor,
    classes: tf.Tensor | undefined,
  ): { readonly codes: tf.Tensor; readonly bits: tf.Tensor };
}

export const countOf = (parameters: readonly ParameterSpec[]): number =>
  parameters.reduce((n, { shape }) => n + sizeOf(shape), 0);

/** The phase of the step that starts after so many images. */
export function phaseAt({ phases }: Pick<Model, 'phases'>, images: number): Phase {
  return phases.findLast(({ from }) => from <= images) ?? phases[0];
}
