// Finite scalar quantisation (Mentzer et al. 2023, arXiv:2309.15505): a token is a few numbers, each rounded to one of a few levels.
// There is no codebook that could collapse, and every code has its place among the others.
import * as tf from '@tensorflow/tfjs';

export interface Quantiser {
  /** Numbers of a token, and codes that they can be. */
  readonly numbers: number;
  readonly codes: number;
  /** Any numbers [..., numbers] → levels in [-1, 1]. The gradient is that without rounding (straight through). */
  quantise(x: tf.Tensor): tf.Tensor;
  /** Levels → the number of their code, [...] of whole numbers as float32; the first number counts most. */
  codeOf(levels: tf.Tensor): tf.Tensor;
  /** Levels of every code: [codes, numbers]. */
  table(): tf.Tensor2D;
}

/** tf.round whose gradient is that of x. */
function rounded(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input) => ({ value: tf.round(input as tf.Tensor), gradFunc: (dy: tf.Tensor) => dy }))(x);
}

/** Levels are reached a little before ±∞. */
const MARGIN = 1e-3;

export function createQuantiser(levels: readonly number[]): Quantiser {
  const numbers = levels.length;
  const codes = levels.reduce((a, b) => a * b, 1);
  const row = (f: (count: number, i: number) => number): tf.Tensor => tf.tensor1d(levels.map(f));
  // An even number of levels lies around a half: −4 … 3 of 8.
  const reach = (n: number): number => ((n - 1) * (1 + MARGIN)) / 2;
  const offset = (n: number): number => (n % 2 === 0 ? 0.5 : 0);
  const half = (n: number): number => Math.floor(n / 2);
  const strides = levels.map((_, i) => levels.slice(i + 1).reduce((a, b) => a * b, 1));
  const digit = (code: number, i: number): number => Math.floor(code / (strides[i] ?? 1)) % (levels[i] ?? 1);
  return {
    numbers,
    codes,
    quantise(x) {
      const moved = tf.add(
        x,
        row((n) => Math.atanh(offset(n) / reach(n))),
      );
      const within = tf.sub(tf.mul(tf.tanh(moved), row(reach)), row(offset));
      return tf.div(rounded(within), row(half));
    },
    codeOf(values) {
      const digits = tf.round(tf.add(tf.mul(values, row(half)), row(half)));
      return tf.sum(
        tf.mul(
          digits,
          row((_, i) => strides[i] ?? 1),
        ),
        -1,
      );
    },
    table: () =>
      tf.tensor2d(
        Array.from({ length: codes }, (_, code) => levels.map((n, i) => (digit(code, i) - half(n)) / half(n))),
        [codes, numbers],
      ),
  };
}
