// The two losses of a training step as a textbook writes them, for the step to be checked against: penalties by
// differentiating the discriminator, parameter gradients by differentiating that again.

import * as tf from '@tensorflow/tfjs';
import type { StepOptions } from '../../train/families/gan/step.ts';
import { leakyRelu } from '../../train/nn/layers.ts';
import { byBatch } from '../../train/nn/normalisation.ts';
import type { Pass } from '../../train/nn/pass.ts';
import { named, type Tensors, under } from '../../train/nn/tensors.ts';

const PLAIN: Pass = {
  leakyRelu,
  addBias: (parameters, name, x) => tf.add(x, named(parameters, `${name}.bias`)),
};

/** Picture by picture from `from` onward, in whole matrices: R·x·C + offset, then the cutout. */
function augmented(inputs: Tensors, x: tf.Tensor, from: number): tf.Tensor {
  const [n = 1, size = 1, , channels = 1] = x.shape;
  const empty = channels === 4 ? -1 : 0;
  const changed = Array.from({ length: n }, (_, i) => {
    const part = (name: string): tf.Tensor => tf.squeeze(tf.slice(named(inputs, name), from + i, 1), [0]);
    const picture = tf.reshape(tf.slice(x, i, 1), [size, size * channels]) as tf.Tensor2D;
    const moved = tf.matMul(tf.matMul(part('rows') as tf.Tensor2D, picture), part('columns') as tf.Tensor2D);
    const coloured = tf.add(tf.reshape(moved, [size, size, channels]), part('offset'));
    const mask = part('mask');
    return tf.add(tf.mul(coloured, mask), tf.mul(empty, tf.sub(1, mask)));
  });
  return tf.stack(changed);
}

export interface Textbook {
  /** Loss of the discriminator with these parameters, everything else from `inputs`. */
  discriminator(d: Tensors): tf.Scalar;
  generator(g: Tensors): tf.Scalar;
}

/**
 * @param g generator's parameters while the discriminator is judged
 * @param d discriminator's parameters while the generator is judged
 */
export function textbook(options: StepOptions, g: Tensors, d: Tensors, inputs: Tensors): Textbook {
  const { networks, batch, loss, penalty } = options;
  const { classes } = inputs;
  const gamma = named(inputs, 'gamma');
  const seen = (x: tf.Tensor, from: number): tf.Tensor => (options.augment.length > 0 ? augmented(inputs, x, from) : x);
  const score = (p: Tensors, x: tf.Tensor): tf.Tensor => networks.discriminate(p, x, classes, PLAIN);
  const real = seen(named(inputs, 'real'), 0);
  // Moving averages are no parameters of the loss; they come from the state.
  const averages = under('generator', inputs);
  const fake = (p: Tensors): tf.Tensor =>
    seen(networks.generate({ ...averages, ...p }, named(inputs, 'latent'), classes, byBatch({})), batch);
  const softplusMean = (x: tf.Tensor): tf.Tensor => tf.mean(tf.softplus(x));
  const squaredGradient = (p: Tensors, x: tf.Tensor): tf.Tensor =>
    tf.div(tf.sum(tf.square(tf.grad((y: tf.Tensor) => tf.sum(score(p, y)))(x))), batch);

  return {
    discriminator(p) {
      const generated = fake(g);
      const [r, f] = [score(p, real), score(p, generated)];
      const adversarial =
        loss === 'relativistic' ? softplusMean(tf.sub(f, r)) : tf.add(softplusMean(tf.neg(r)), softplusMean(f));
      if (!penalty) return adversarial as tf.Scalar;
      const norms = tf.add(squaredGradient(p, real), squaredGradient(p, generated));
      return tf.add(adversarial, tf.mul(tf.div(gamma, 2), norms));
    },
    generator(p) {
      const f = score(d, fake(p));
      return softplusMean(loss === 'relativistic' ? tf.sub(score(d, real), f) : tf.neg(f)) as tf.Scalar;
    },
  };
}

/** d loss / d p for every parameter, by tfjs's autodiff, twice where the loss has a penalty. */
export function gradientTensors(loss: (p: Tensors) => tf.Scalar, parameters: Tensors): Tensors {
  const names = Object.keys(parameters);
  const rebuild = (list: tf.Tensor[]): Tensors =>
    Object.fromEntries(names.map((name, i) => [name, list[i] as tf.Tensor]));
  return rebuild(tf.grads((...list: tf.Tensor[]) => loss(rebuild(list)))(Object.values(parameters)));
}

/** The same as numbers. */
export function gradientsOf(loss: (p: Tensors) => tf.Scalar, parameters: Tensors): Record<string, number[]> {
  const gradients = gradientTensors(loss, parameters);
  const values = Object.fromEntries(Object.entries(gradients).map(([name, t]) => [name, [...t.dataSync()]]));
  tf.dispose(gradients);
  return values;
}
