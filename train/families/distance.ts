// How far a picture lies from another, as losses measure it.
import * as tf from '@tensorflow/tfjs';
import { downsample } from '../nn/layers.ts';

/** Mean absolute error at half resolution: of ranges of 2. */
export const halvedL1 = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.mean(tf.abs(downsample(tf.sub(x, y))));

/** The same at full and at half resolution. */
export const l1 = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.add(tf.mean(tf.abs(tf.sub(x, y))), halvedL1(x, y));

/** Mean absolute error of a pixel, as a share of its range. */
export const pixelError = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.mul(tf.mean(tf.abs(tf.sub(x, y))), 0.5);
