// The three steps of a variational autoencoder: encoder and decoder alone, then with a discriminator (after Larsen et al. 2016,
// arXiv:1512.09300), then the flow prior on the latents of the averaged encoder.
import * as tf from '@tensorflow/tfjs';
import { type Augmentation, augment, augmentationShapes } from '../../nn/augmentation.ts';
import type { ParameterSpec } from '../../nn/layers.ts';
import { adam, averaged, momentShapes, parameterGradients, shapesOf } from '../../nn/optimiser.ts';
import { frozenPass } from '../../nn/pass.ts';
import { named, prefixed, type Shapes, type Tensors, under } from '../../nn/tensors.ts';
import { CONTEST_STATISTICS, contest, type LossName } from '../contest.ts';
import { l1, pixelError } from '../distance.ts';
import type { StepGraph } from '../family.ts';
import type { Flow } from './flow.ts';
import { divergence, sampled, type VaeNetworks } from './networks.ts';
import type { VaeOptions } from './options.ts';

export interface VaeStepOptions {
  readonly networks: VaeNetworks;
  readonly flow: Flow;
  readonly vae: VaeOptions;
  readonly batch: number;
  readonly loss: LossName;
  readonly penalty: boolean;
  readonly beta1: number;
  readonly augment: readonly Augmentation[];
}

/**
 * The weight of the KL term, a number of the state: it grows while the rate is above the recipe's and falls while it is below, by
 * at most this part a step (an integral controller, as in ControlVAE, Shao et al. 2020). It starts low, which is its warm-up.
 */
export const BALANCE = 'balance/rate';
const BALANCE_PACE = 0.01;
const BALANCE_RANGE = [1e-6, 10] as const;
export const BALANCE_START = 1e-3;

/** State that changes while encoder and decoder are trained. */
export function autoencoderShapes({ networks, beta1 }: VaeStepOptions): Shapes {
  const part = (name: string, parameters: readonly ParameterSpec[]): Shapes => {
    const shapes = shapesOf(parameters);
    return { ...prefixed(name, shapes), ...prefixed(`ema/${name}`, shapes), ...momentShapes(name, shapes, beta1) };
  };
  return {
    ...part('encoder', networks.encoderParameters),
    ...part('decoder', networks.generatorParameters),
    [BALANCE]: [],
  };
}

export function discriminatorShapes({ networks, beta1 }: VaeStepOptions): Shapes {
  const shapes = shapesOf(networks.discriminatorParameters);
  return { ...prefixed('discriminator', shapes), ...momentShapes('discriminator', shapes, beta1) };
}

export function flowShapes({ flow, beta1 }: VaeStepOptions): Shapes {
  const shapes = shapesOf(flow.parameters);
  return { ...prefixed('flow', shapes), ...prefixed('ema/flow', shapes), ...momentShapes('flow', shapes, beta1) };
}

const numbers = (names: readonly string[]): Shapes => Object.fromEntries(names.map((name) => [name, []]));
const OPTIMISER = ['learningRate', 'beta2', 'correction1', 'correction2', 'emaDecay'] as const;

function pictureShapes({ networks, batch }: VaeStepOptions): Shapes {
  const { resolution, channels, classes } = networks.spec;
  return { real: [batch, resolution, resolution, channels], ...(classes > 0 ? { classes: [batch, classes] } : {}) };
}

const RECONSTRUCTION_STATISTICS = ['l1', 'rate', 'kl'] as const;

/**
 * Gradients of what encoder and decoder are asked for, by `encoder/…` and `decoder/…`, their next state and statistics.
 *
 * @param towards adds Σ towards·reconstruction to the loss: a gradient by reconstructed pixel that comes from elsewhere
 */
function reconstruct(
  { networks, vae, beta1 }: VaeStepOptions,
  inputs: Tensors,
  towards?: (made: tf.Tensor) => { gradient: tf.Tensor; seen(made: tf.Tensor): tf.Tensor },
): Tensors {
  const [real, noise, classes] = [named(inputs, 'real'), named(inputs, 'noise'), inputs.classes];
  const balance = named(inputs, BALANCE);
  const through = (p: Tensors) => {
    const code = networks.encode(under('encoder', p), real);
    const made = networks.generate(under('decoder', p), sampled(code, noise), classes);
    return { made, nats: divergence(code) };
  };
  const parameters = {
    ...prefixed('encoder', under('encoder', inputs)),
    ...prefixed('decoder', under('decoder', inputs)),
  };
  const { made, nats } = through(parameters);
  const other = towards?.(made);
  const paid = (nats: tf.Tensor): tf.Tensor => tf.mul(tf.sum(tf.maximum(nats, vae.freeBits * Math.LN2)), balance);
  const gradients = parameterGradients((p) => {
    const now = through(p);
    const loss = tf.add(tf.mul(l1(now.made, real), vae.pixels), paid(now.nats));
    return other ? tf.add(loss, tf.sum(tf.mul(other.seen(now.made), other.gradient))) : loss;
  }, parameters);

  const rate = tf.div(tf.sum(nats), Math.LN2); // bits a picture
  const excess = tf.clipByValue(tf.sub(tf.div(rate, vae.rate), 1), -1, 1);
  const next: Tensors = {
    [BALANCE]: tf.clipByValue(tf.mul(balance, tf.exp(tf.mul(excess, BALANCE_PACE))), ...BALANCE_RANGE),
  };
  for (const part of ['encoder', 'decoder']) {
    const moved = adam(part, under(part, parameters), under(part, gradients), inputs, beta1);
    Object.assign(next, moved, averaged(`ema/${part}`, part, inputs, moved));
  }
  return { ...next, l1: pixelError(made, real), rate, kl: paid(nats) };
}

/** Encoder and decoder alone. */
export function plainStep(options: VaeStepOptions): StepGraph {
  const { networks, batch } = options;
  return {
    changes: autoencoderShapes(options),
    reads: {},
    inputs: { ...pictureShapes(options), noise: [batch, networks.spec.latent], ...numbers(OPTIMISER) },
    statistics: RECONSTRUCTION_STATISTICS,
    run: (inputs) => reconstruct(options, inputs),
  };
}

/** Encoder, decoder and discriminator, all at once; the discriminator tells pictures from their reconstructions. */
export function adversarialStep(options: VaeStepOptions): StepGraph {
  const { networks, vae, batch, beta1, augment: kinds } = options;
  const { resolution: size, channels, latent } = networks.spec;
  return {
    changes: { ...autoencoderShapes(options), ...discriminatorShapes(options) },
    reads: {},
    inputs: {
      ...pictureShapes(options),
      noise: [batch, latent],
      ...augmentationShapes({ kinds, size, channels }, 2 * batch),
      ...numbers([...OPTIMISER, 'gamma']),
    },
    statistics: [...RECONSTRUCTION_STATISTICS, 'features', ...CONTEST_STATISTICS],
    run(inputs) {
      const d = under('discriminator', inputs);
      const seen = (pictures: tf.Tensor, from: number): tf.Tensor =>
        kinds.length > 0 ? augment(inputs, pictures, from) : pictures;
      let judged: Tensors = {};
      const next = reconstruct(options, inputs, (made) => {
        const pictures = tf.concat([seen(named(inputs, 'real'), 0), seen(made, batch)], 0); // [2·batch, h, w, c]
        const judgement = contest(options, d, pictures, inputs.classes, inputs);
        const features = featureDistance(options, d, pictures, judgement.slopes);
        judged = {
          ...adam('discriminator', d, judgement.gradients, inputs, beta1),
          ...judgement.statistics,
          features: features.value,
        };
        judgement.dispose();
        return {
          gradient: tf.add(tf.mul(judgement.towards, vae.adversarial), tf.mul(features.gradient, vae.features)),
          seen: (again) => seen(again, batch),
        };
      });
      return { ...next, ...judged };
    },
  };
}

/**
 * Squared distance of the discriminator's last map at the made pictures from the map at their real ones, over the mean square of
 * that, and its gradient by made picture.
 *
 * @param slopes of the discriminator at both halves of `pictures`: its map there is known, and linear
 */
function featureDistance(
  { networks, batch }: VaeStepOptions,
  d: Tensors,
  pictures: tf.Tensor,
  slopes: readonly tf.Tensor[],
): { value: tf.Tensor; gradient: tf.Tensor } {
  const map = networks.map(d, pictures, frozenPass(slopes));
  const [real, made] = [tf.slice(map, 0, batch), tf.slice(map, batch, batch)];
  const scale = tf.add(tf.mean(tf.square(real)), 1e-8);
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.div(tf.mean(tf.square(tf.sub(x, real))), scale))(made);
  const ofMade = slopes.map((slope) => tf.slice(slope, batch, batch));
  const back = tf.grad((x: tf.Tensor) => networks.map(d, x, frozenPass(ofMade)));
  return { value, gradient: back(tf.slice(pictures, batch, batch), grad) };
}

/** The flow alone, on latents of the averaged encoder, several pairs of noise and time a picture. */
export function flowStep(options: VaeStepOptions): StepGraph {
  const { networks, flow, vae, batch, beta1 } = options;
  const { latent } = networks.spec;
  const { draws } = vae.flow;
  const n = batch * draws;
  /** [batch, k] → [batch·draws, k]: each row so many times. */
  const repeated = (x: tf.Tensor): tf.Tensor =>
    tf.reshape(tf.add(tf.expandDims(x, 1), tf.zeros([1, draws, 1])), [n, x.shape[1] ?? 1]);
  return {
    changes: flowShapes(options),
    reads: prefixed('ema/encoder', shapesOf(networks.encoderParameters)),
    inputs: {
      ...pictureShapes(options),
      noise: [batch, draws * latent],
      start: [batch, draws * latent],
      time: [batch, draws],
      ...numbers(OPTIMISER),
    },
    statistics: ['flow'],
    run(inputs) {
      const code = networks.encode(under('ema/encoder', inputs), named(inputs, 'real'));
      const rows = (name: string, width: number): tf.Tensor => tf.reshape(named(inputs, name), [n, width]);
      const each = { mean: repeated(code.mean), logVariance: repeated(code.logVariance) };
      const [from, to, time] = [rows('start', latent), sampled(each, rows('noise', latent)), rows('time', 1)];
      const classes = inputs.classes && repeated(inputs.classes);
      const between = tf.add(from, tf.mul(tf.sub(to, from), time));
      const loss = (p: Tensors): tf.Tensor =>
        tf.mean(tf.square(tf.sub(flow.velocity(p, between, time, classes), tf.sub(to, from))));
      const parameters = under('flow', inputs);
      const next = adam('flow', parameters, parameterGradients(loss, parameters), inputs, beta1);
      return { ...next, ...averaged('ema/flow', 'flow', inputs, next), flow: loss(parameters) };
    },
  };
}
