// Blocks of a Transformer (Vaswani et al. 2017) that normalise first and have no biases. Everything is a chain of plain
// operators: ONNX Runtime knows the chains of RMS norm and GELU, and fuses them when a session starts.
import * as tf from '@tensorflow/tfjs';
import { dense, type ParameterSpec } from './layers.ts';
import { named, type Tensors } from './tensors.ts';

export interface AttentionSpec {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

/** Units of the hidden layer of a block, in widths. */
const EXPANSION = 4;
const EPSILON = 1e-6;

const layerName = (i: number): string => `layer${i}`;

/** A weight that keeps the variance, times `gain`. */
const weight = (name: string, inputs: number, outputs: number, gain = 1): ParameterSpec => ({
  name: `${name}.weight`,
  shape: [inputs, outputs],
  deviation: gain / Math.sqrt(inputs),
});
const scale = (name: string, width: number): ParameterSpec => ({
  name: `${name}.scale`,
  shape: [width],
  deviation: 0,
  mean: 1,
});

export function attentionParameters({ width, layers }: AttentionSpec): ParameterSpec[] {
  // Branches start small, so that the sum over all layers keeps its size (Radford et al. 2019).
  const gain = 1 / Math.sqrt(2 * layers);
  return [
    ...Array.from({ length: layers }, (_, i) => layerName(i)).flatMap((name) => [
      scale(`${name}.look`, width),
      weight(`${name}.inputs`, width, 3 * width),
      weight(`${name}.outputs`, width, width, gain),
      scale(`${name}.think`, width),
      weight(`${name}.hidden`, width, EXPANSION * width),
      weight(`${name}.result`, EXPANSION * width, width, gain),
    ]),
    scale('last', width),
  ];
}

/** x / √(mean x² + ε) · scale over the last dimension (Zhang & Sennrich 2019, arXiv:1910.07467). */
export function rmsNorm(p: Tensors, name: string, x: tf.Tensor): tf.Tensor {
  const size = tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), EPSILON));
  return tf.mul(tf.div(x, size), named(p, `${name}.scale`));
}

/** Exact, with the error function (Hendrycks & Gimpel 2016, arXiv:1606.08415). */
export const gelu = (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1)), 0.5);

/** Keys and values of the rows so far, by layer: each [batch, heads, rows, width / heads]. */
export type Memory = { keys: tf.Tensor; values: tf.Tensor }[];

/**
 * x [batch, rows, width] through all layers → [batch, rows, width], normalised.
 *
 * @param visible added to what rows [rows, all rows] make of each other: 0, or a number that hides
 * @param memory rows before these, which they see too; these are added to it
 */
export function attend(
  spec: AttentionSpec,
  p: Tensors,
  x: tf.Tensor,
  { visible, memory }: { visible?: tf.Tensor | undefined; memory?: Memory } = {},
): tf.Tensor {
  const { width, layers, heads } = spec;
  const [batch = 1, rows = 1] = x.shape;
  const each = width / heads;
  /** [batch·rows, 3·width] → queries, keys and values, each [batch, heads, rows, each]: turned together, as nodes cost time to load. */
  const split = (t: tf.Tensor): tf.Tensor[] =>
    tf.split(tf.transpose(tf.reshape(t, [batch, rows, 3 * heads, each]), [0, 2, 1, 3]), 3, 1);
  let flat = tf.reshape(x, [batch * rows, width]);
  for (let i = 0; i < layers; i++) {
    const name = layerName(i);
    const [q, k, v] = split(dense(p, `${name}.inputs`, rmsNorm(p, `${name}.look`, flat))) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const before = memory?.[i];
    const keys = before ? tf.concat([before.keys, k], 2) : k;
    const values = before ? tf.concat([before.values, v], 2) : v;
    if (memory) memory[i] = { keys, values };
    let scores = tf.div(tf.matMul(q, keys, false, true), Math.sqrt(each)); // [batch, heads, rows, all rows]
    if (visible) scores = tf.add(scores, visible);
    const seen = tf.matMul(tf.softmax(scores), values); // [batch, heads, rows, each]
    const joined = tf.reshape(tf.transpose(seen, [0, 2, 1, 3]), [batch * rows, width]);
    flat = tf.add(flat, dense(p, `${name}.outputs`, joined));
    const hidden = gelu(dense(p, `${name}.hidden`, rmsNorm(p, `${name}.think`, flat)));
    flat = tf.add(flat, dense(p, `${name}.result`, hidden));
  }
  return tf.reshape(rmsNorm(p, 'last', flat), [batch, rows, width]);
}
