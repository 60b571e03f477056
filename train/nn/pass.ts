// A discriminator here is piecewise linear: convolutions, dense layers, biases and leaky ReLUs. That is what makes the
// gradient penalty cheap, so the two things that are not linear in the input go through a `Pass`.

import * as tf from '@tensorflow/tfjs';
import { addBias, LEAK, leakyRelu } from './layers.ts';
import { named, type Tensors } from './tensors.ts';

export interface Pass {
  leakyRelu(x: tf.Tensor): tf.Tensor;
  addBias(parameters: Tensors, name: string, x: tf.Tensor): tf.Tensor;
}

/** The network as it is. */
export const plainPass: Pass = {
  leakyRelu,
  addBias,
};

/** The usual forward pass; `slopes` collects 1 or 0.2 for every activation, kept until the caller disposes them. */
export function recordingPass(slopes: tf.Tensor[]): Pass {
  return {
    leakyRelu: (x) =>
      tf.customGrad((input) => {
        const slope = tf.keep(tf.step(input as tf.Tensor, LEAK));
        slopes.push(slope);
        return { value: tf.mul(input as tf.Tensor, slope), gradFunc: (dy: tf.Tensor) => tf.mul(dy, slope) };
      })(x),
    addBias,
  };
}

function frozenLeakyRelu(slopes: readonly tf.Tensor[]): Pass['leakyRelu'] {
  let next = 0;
  return (x) => {
    const slope = slopes[next++];
    if (!slope) throw new Error('discriminator: expected the same activations as in the recorded pass');
    return tf.customGrad((input) => ({
      value: tf.mul(input as tf.Tensor, slope),
      gradFunc: (dy: tf.Tensor) => tf.mul(dy, slope),
    }))(x);
  };
}

/** The affine map that the network is around the recorded point: the same values there, from the same operations. */
export const frozenPass = (slopes: readonly tf.Tensor[]): Pass => ({ leakyRelu: frozenLeakyRelu(slopes), addBias });

/**
 * The network as the linear map it is around the recorded point: slopes are constants and every bias is multiplied by
 * `scale` [batch]. Given input s·x + t it returns s·D(x) + (directional derivative of D at x along t).
 */
export function linearPass(slopes: readonly tf.Tensor[], scale: tf.Tensor): Pass {
  return {
    leakyRelu: frozenLeakyRelu(slopes),
    addBias: (parameters, name, x) => {
      const perSample = tf.reshape(scale, [-1, ...Array<number>(x.rank - 1).fill(1)]);
      return tf.add(x, tf.mul(perSample, named(parameters, `${name}.bias`)));
    },
  };
}
