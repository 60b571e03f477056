// Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) of generators. While it trains, a channel has the mean and
// variance of its batch; when it serves, their moving averages, so that a picture does not depend on its neighbours.
// Discriminators have none: theirs must stay piecewise linear in each picture alone (pass.ts).

import * as tf from '@tensorflow/tfjs';
import type { ParameterSpec } from './layers.ts';
import { named, type Tensors } from './tensors.ts';

/** Normalises the channels of x [batch, …, channels] by the parameters `name.…`. */
export type Normalise = (parameters: Tensors, name: string, x: tf.Tensor) => tf.Tensor;

/** Keras's defaults: what is added to the variance, and how much of a moving average stays at each step. */
const EPSILON = 1e-3;
const MOMENTUM = 0.99;

export function normalisationParameters(name: string, channels: number): ParameterSpec[] {
  const shape = [channels];
  return [
    { name: `${name}.scale`, shape, deviation: 0, mean: 1 },
    { name: `${name}.shift`, shape, deviation: 0 },
    { name: `${name}.mean`, shape, deviation: 0, moving: true },
    { name: `${name}.variance`, shape, deviation: 0, mean: 1, moving: true },
  ];
}

/** For serving, and for samples while training. */
export const byMovingAverages: Normalise = (p, name, x) => {
  const [mean, variance, shift, scale] = (['mean', 'variance', 'shift', 'scale'] as const).map(
    (part) => named(p, `${name}.${part}`) as tf.Tensor1D,
  ) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
  return tf.batchNorm(x, mean, variance, shift, scale, EPSILON);
};

/** For training; `averages` receives the moving averages as they are after this batch. */
export function byBatch(averages: Tensors): Normalise {
  return (p, name, x) => {
    const axes = Array.from({ length: x.rank - 1 }, (_, i) => i);
    const mean = tf.mean(x, axes);
    const centred = tf.sub(x, mean);
    const variance = tf.mean(tf.square(centred), axes);
    for (const [part, now] of [
      ['mean', mean],
      ['variance', variance],
    ] as const) {
      const average = named(p, `${name}.${part}`);
      averages[`${name}.${part}`] = tf.add(tf.mul(average, MOMENTUM), tf.mul(now, 1 - MOMENTUM));
    }
    const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON)));
    return tf.add(tf.mul(normalised, named(p, `${name}.scale`)), named(p, `${name}.shift`));
  };
}
