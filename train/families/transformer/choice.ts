// From a normal number to a token and back: u = Φ(z) picks the token whose part of [0, 1] it lies in, tokens in the order of their
// numbers. No sorting and no state, so a seed's pictures are a pure function of its latent.
import * as tf from '@tensorflow/tfjs';

/** Running sums go in two levels, over groups of so many: two small matrix products instead of a large one or a scan. */
const GROUP = 125;

/** [n, n]: 1 where the row comes before the column, or is it. */
const upTo = (n: number, self: 0 | 1): tf.Tensor2D =>
  tf.tensor2d(
    Array.from({ length: n }, (_, row) => Array.from({ length: n }, (_, column) => (row < column + self ? 1 : 0))),
    [n, n],
  );

/** probabilities [rows, codes] → the sum of those up to each, itself with it. */
export function runningSums(probabilities: tf.Tensor): tf.Tensor {
  const [rows = 1, codes = 1] = probabilities.shape;
  const size = codes % GROUP === 0 ? GROUP : codes;
  const groups = codes / size;
  const parts = tf.reshape(probabilities, [rows * groups, size]) as tf.Tensor2D;
  const within = tf.matMul(parts, upTo(size, 1));
  if (groups === 1) return within;
  const before = tf.matMul(tf.reshape(tf.sum(parts, 1), [rows, groups]) as tf.Tensor2D, upTo(groups, 0));
  return tf.reshape(tf.add(tf.reshape(within, [rows, groups, size]), tf.reshape(before, [rows, groups, 1])), [
    rows,
    codes,
  ]);
}

/** The sum of all, as rounded as the sums before it: [rows, 1]. */
const whole = (sums: tf.Tensor): tf.Tensor => tf.slice(sums, [0, (sums.shape[1] ?? 1) - 1], [-1, 1]);

/** probabilities [rows, codes], normals [rows, 1] → the number of a token, [rows] of whole numbers as float32. */
export function choose(probabilities: tf.Tensor, normals: tf.Tensor): tf.Tensor {
  const sums = runningSums(probabilities);
  const u = tf.mul(tf.add(tf.erf(tf.div(normals, Math.SQRT2)), 1), 0.5);
  // At most the last sum itself, so the last token that can be is the last that is chosen.
  return tf.sum(tf.cast(tf.less(sums, tf.mul(u, whole(sums))), 'float32'), 1);
}

/** The normals [rows, 1] of the middle of the parts that the tokens given, one-hot [rows, codes], have. */
export function normalsOf(probabilities: tf.Tensor, tokens: tf.Tensor): tf.Tensor {
  const sums = runningSums(probabilities);
  const middles = tf.sub(sums, tf.mul(probabilities, 0.5));
  const middle = tf.sum(tf.mul(middles, tokens), 1, true);
  return inverseNormal(tf.div(middle, whole(sums)));
}

/** What float32 can tell from 0 and 1. */
const LEAST = 1e-7;

// Giles 2012, "Approximating the erfinv function", single precision: coefficients of the highest power first.
const CENTRE = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  0.246640727, 1.50140941,
];
const TAIL = [
  -2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406,
  2.83297682,
];

/** x with Φ(x) = u. */
export function inverseNormal(u: tf.Tensor): tf.Tensor {
  const inside = tf.clipByValue(u, LEAST, 1 - LEAST);
  const horner = (x: tf.Tensor, [first = 0, ...rest]: readonly number[]): tf.Tensor =>
    rest.reduce<tf.Tensor>((sum, c) => tf.add(tf.mul(sum, x), c), tf.fill(x.shape, first));
  const w = tf.neg(tf.log(tf.mul(tf.mul(inside, tf.sub(1, inside)), 4)));
  const centre = horner(tf.sub(w, 2.5), CENTRE);
  const tail = horner(tf.sub(tf.sqrt(tf.maximum(w, 5)), 3), TAIL);
  const signed = tf.mul(tf.sub(tf.mul(inside, 2), 1), Math.SQRT2);
  return tf.mul(tf.where(tf.less(w, 5), centre, tail), signed);
}
