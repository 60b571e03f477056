// What a pair of networks is: a small typed description that sets every size, and the functions it stands for.

import type * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import type { ParameterSpec } from './layers.ts';
import type { Normalise } from './normalisation.ts';
import type { Pass } from './pass.ts';
import type { Tensors } from './tensors.ts';

/** Sides in pixels that networks are made for. */
export const pictureSizes = [16, 28, 32, 48, 64, 96, 128] as const;
export type PictureSize = (typeof pictureSizes)[number];

const stridedShape = z.strictObject({
  /** Units of the dense layers before the first map. */
  dense: z.array(z.int().positive()),
  /** Channels of the generator's maps, each doubled in size by a transposed convolution. */
  generator: z.array(z.int().positive()).min(1),
  /** Channels of the discriminator's maps, each halved in size by a strided convolution. */
  discriminator: z.array(z.int().positive()).min(1),
  /** Side of every kernel. */
  kernel: z.int().positive(),
  /** Batch normalisation after every layer of the generator but the last, in place of its bias. */
  normalise: z.boolean(),
});
export type StridedShape = z.infer<typeof stridedShape>;

export const networkSpecSchema = z.strictObject({
  family: z.enum(['residual', 'strided']),
  /** Pixels of the square picture's side. */
  resolution: z.literal(pictureSizes),
  /** Grey, RGB, or RGBA with colours multiplied by alpha. */
  channels: z.literal([1, 3, 4]),
  /** Numbers in the latent vector. */
  latent: z.int().positive(),
  /** Classes the networks are told about; 0: unconditional. */
  classes: z.int().nonnegative(),
  /** Residual family: channels at half the picture's resolution; doubles with each halving, four times at most. */
  width: z.int().positive().max(1024).default(48),
  /** Residual family: channels of a stage at the picture's own resolution; 0: none, sub-pixels are drawn and read at half of it. */
  fullWidth: z.int().nonnegative().max(1024).default(0),
  /**
   * Residual family: what keeps pictures within [-1, 1]. tanh draws a ground of one colour better; a generator that has saturated
   * under it has no gradient left, which `clip` (layers.ts, `bounded`) has.
   */
  limit: z.enum(['tanh', 'clip']).default('tanh'),
  generatorBlocks: z.int().positive().default(2),
  discriminatorBlocks: z.int().positive().default(1),
  /** Residual family: numbers in the generator's class embedding, and in the discriminator's last layer. */
  embedding: z.int().positive().default(32),
  features: z.int().positive().default(128),
  /** Strided family only. */
  strided: stridedShape.optional(),
});
export type NetworkSpec = z.infer<typeof networkSpecSchema>;

export interface Networks {
  readonly spec: NetworkSpec;
  readonly generatorParameters: readonly ParameterSpec[];
  readonly discriminatorParameters: readonly ParameterSpec[];
  /**
   * latent [batch, latent], classes one-hot [batch, classes] or absent → pictures [batch, h, w, c] in [-1, 1].
   * `normalise` is for networks with batch normalisation; by its moving averages if absent.
   */
  generate(parameters: Tensors, latent: tf.Tensor, classes: tf.Tensor | undefined, normalise?: Normalise): tf.Tensor;
  /** pictures [batch, h, w, c] → one score a picture, [batch]; high means real. */
  discriminate(parameters: Tensors, pictures: tf.Tensor, classes: tf.Tensor | undefined, pass: Pass): tf.Tensor;
}
