// The two losses of a training step as a textbook writes them, for the step to be checked against: penalties by
// differentiating the discriminator, parameter gradients by differentiating that again.
import * as tf from '@tensorflow/tfjs';
import { leakyRelu, parameter, type Tensors } from '../../train/networks/layers.ts';
import { byBatch } from '../../train/networks/normalisation.ts';
import type { Pass } from '../../train/networks/pass.ts';
import { type StepOptions, under } from '../../train/step.ts';

const PLAIN: Pass = {
  leakyRelu,
  addBias: (parameters, name, x) => tf.add(x, parameter(parameters, `${name}.bias`)),
};

/** cutout(colour(R·x·Cᵀ)) for each picture from `from` onward, plane by plane. */
function augmented(inputs: Tensors, x: tf.Tensor, from: number): tf.Tensor {
  const [n = 1, size = 1, , channels = 1] = x.shape;
  const part = (name: string): tf.Tensor => {
    const all = parameter(inputs, name);
    return tf.slice(all, [from, ...Array<number>(all.rank - 1).fill(0)], [n, ...all.shape.slice(1)]);
  };
  const planes = tf.transpose(x, [0, 3, 1, 2]); // [n, channels, rows, columns]
  // Written out for each channel: tfjs's cpu backend multiplies [n, 1, …] by [n, channels, …] wrongly.
  const matrices = (name: string): tf.Tensor => tf.tile(tf.expandDims(part(name), 1), [1, channels, 1, 1]);
  const moved = tf.matMul(tf.matMul(matrices('rows'), planes), matrices('columns'), false, true);
  const flat = tf.reshape(moved, [n, channels, size * size]);
  // Channels are the rows here: colourᵀ · pixels.
  const coloured = tf.add(tf.matMul(part('colour'), flat, true, false), tf.transpose(part('offset'), [0, 2, 1]));
  const pictures = tf.transpose(tf.reshape(coloured, [n, channels, size, size]), [0, 2, 3, 1]);
  const empty = channels === 4 ? -1 : 0;
  const mask = part('mask');
  return tf.add(tf.mul(pictures, mask), tf.mul(empty, tf.sub(1, mask)));
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
  const gamma = parameter(inputs, 'gamma');
  const seen = (x: tf.Tensor, from: number): tf.Tensor => (options.augment.length > 0 ? augmented(inputs, x, from) : x);
  const score = (p: Tensors, x: tf.Tensor): tf.Tensor => networks.discriminate(p, x, classes, PLAIN);
  const real = seen(parameter(inputs, 'real'), 0);
  // Moving averages are no parameters of the loss; they come from the state.
  const averages = under('generator', inputs);
  const fake = (p: Tensors): tf.Tensor =>
    seen(networks.generate({ ...averages, ...p }, parameter(inputs, 'latent'), classes, byBatch({})), batch);
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
