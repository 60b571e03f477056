// Tensors and numbers by name: what a state, a set of parameters and the inputs of a step are.
import type * as tf from '@tensorflow/tfjs';

export type Tensors = Record<string, tf.Tensor>;

/** Row-major; shapes come apart. */
export type Values = Record<string, Float32Array>;

export type Shapes = Readonly<Record<string, readonly number[]>>;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The same things, each under `prefix/`. */
export const prefixed = <T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([k, v]) => [`${prefix}/${k}`, v]));

/** The things under `prefix/`, with the prefix removed. */
export const under = <T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([k, v]) => (k.startsWith(`${prefix}/`) ? [[k.slice(prefix.length + 1), v]] : [])),
  );

/** @throws Error naming what is missing: a slip in a name would otherwise surface far away, as NaN */
export function named(tensors: Tensors, name: string): tf.Tensor {
  const found = tensors[name];
  if (!found) throw new Error(`expected a tensor named ${name}, got none`);
  return found;
}
