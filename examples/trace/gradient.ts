// A function with gradients inside: which pixels a classifier's answer depends on, and one step along that gradient.
import * as tf from '@tensorflow/tfjs';
import { trace } from '../../trace/index.ts'; // in your own project: 'pocketgen/trace'

const filter = tf.randomNormal<tf.Rank.R4>([3, 3, 1, 4]);
const dense = tf.randomNormal<tf.Rank.R2>([4, 10]);

function score(pictures: tf.Tensor4D, classes: tf.Tensor2D): tf.Tensor {
  const maps = tf.maxPool(tf.elu(tf.conv2d(pictures, filter, 1, 'same')), 2, 2, 'valid');
  return tf.sum(tf.mul(tf.logSoftmax(tf.matMul(tf.mean(maps, [1, 2]), dense)), classes));
}

export function explain(pictures: tf.Tensor4D, classes: tf.Tensor2D): { saliency: tf.Tensor; better: tf.Tensor } {
  const slope = tf.grad((x) => score(x as tf.Tensor4D, classes))(pictures);
  return { saliency: tf.max(tf.abs(slope), 3), better: tf.add(pictures, tf.mul(0.1, tf.sign(slope))) };
}

export const traced = await trace(
  ({ pictures, classes }) => explain(pictures, classes),
  { pictures: ['batch', 12, 12, 1], classes: ['batch', 10] },
  { name: 'saliency' },
);
