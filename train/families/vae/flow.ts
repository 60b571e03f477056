// The prior of the latents: a class-conditional rectified flow (Liu et al. 2023, arXiv:2209.03003), an ordinary differential
// equation dz/dt = v(z, t, class) from normal numbers at t = 0 to latents as the encoder gives them at t = 1. The decoder alone
// would draw from N(0, I), of which the encoder fills only a part (Dai & Wipf 2019, arXiv:1903.05789).
import * as tf from '@tensorflow/tfjs';
import { addBias, dense, denseParameters, type ParameterSpec } from '../../nn/layers.ts';
import type { NetworkSpec } from '../../nn/spec.ts';
import type { Tensors } from '../../nn/tensors.ts';
import type { VaeOptions } from './options.ts';

export interface Flow {
  readonly parameters: readonly ParameterSpec[];
  /** z [n, latent], time [n or 1, 1], classes [n, classes] or absent → dz/dt [n, latent]. */
  velocity(p: Tensors, z: tf.Tensor, time: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor;
  /** Normal numbers → latents, in steps by Heun's method. */
  forward(p: Tensors, normals: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor;
  /** The normal numbers that `forward` takes to these latents, to some 3e-3 once it is trained (docs/LOG.md). */
  backward(p: Tensors, latents: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor;
}

const swish = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.sigmoid(x));

export function createFlow({ latent, classes }: NetworkSpec, { width, layers, steps }: VaeOptions['flow']): Flow {
  const hidden = Array.from({ length: layers - 1 }, (_, i) => `hidden${i}`);

  /** Time as weights of steps + 1 points, of which the nearest two share 1: where a step begins or ends has a row of its own. */
  const hats = (time: tf.Tensor): tf.Tensor => {
    const points = tf.tensor2d(
      Array.from({ length: steps + 1 }, (_, i) => i),
      [1, steps + 1],
    );
    return tf.relu(tf.sub(1, tf.abs(tf.sub(tf.mul(time, steps), points))));
  };
  const velocity: Flow['velocity'] = (p, z, time, labels) => {
    let x = addBias(p, 'input', tf.add(dense(p, 'input', z), dense(p, 'time', hats(time)))); // [n, width]
    if (labels) x = tf.add(x, dense(p, 'classes', labels));
    for (const name of hidden) x = tf.add(x, addBias(p, name, dense(p, name, swish(x))));
    return addBias(p, 'output', dense(p, 'output', swish(x)));
  };
  const at = (step: number): tf.Tensor => tf.tensor2d([step / steps], [1, 1]);
  /** What a step from one point to the next adds, or the other way round. Euler's method would leave latents too near to 0 (docs/LOG.md). */
  const change = (p: Tensors, z: tf.Tensor, from: number, to: number, labels: tf.Tensor | undefined): tf.Tensor => {
    const size = (to - from) / steps;
    const begin = velocity(p, z, at(from), labels);
    const end = velocity(p, tf.add(z, tf.mul(begin, size)), at(to), labels);
    return tf.mul(tf.add(begin, end), size / 2);
  };

  return {
    parameters: [
      ...denseParameters('input', latent, width),
      { name: 'time.weight', shape: [steps + 1, width], deviation: 1 },
      ...(classes > 0 ? [{ name: 'classes.weight', shape: [classes, width], deviation: 1 }] : []),
      ...hidden.flatMap((name) => denseParameters(name, width, width)),
      // Starts as no flow at all: until it is trained, latents are the normal numbers themselves.
      ...denseParameters('output', width, latent, 0),
    ],
    velocity,
    forward(p, normals, labels) {
      let z = normals;
      for (let step = 0; step < steps; step++) z = tf.add(z, change(p, z, step, step + 1, labels));
      return z;
    },
    backward(p, latents, labels) {
      let z = latents;
      for (let step = steps; step > 0; step--) z = tf.add(z, change(p, z, step, step - 1, labels));
      return z;
    },
  };
}
