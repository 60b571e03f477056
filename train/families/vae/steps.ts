// What lies between the encoder and the decoder of a variational autoencoder, and its third step: the flow prior on the latents of
// the averaged encoder. The first two steps are every autoencoder's.
import * as tf from '@tensorflow/tfjs';
import {
  adam,
  averaged,
  averagedShapes,
  OPTIMISER,
  parameterGradients,
  scalarShapes,
  shapesOf,
} from '../../nn/optimiser.ts';
import { named, prefixed, type Shapes, type Tensors, under } from '../../nn/tensors.ts';
import { type AutoencoderOptions, type Bottleneck, pictureShapes } from '../autoencoder.ts';
import type { StepGraph } from '../family.ts';
import type { Flow } from './flow.ts';
import { divergence, sampled, type VaeNetworks } from './networks.ts';
import type { VaeOptions } from './options.ts';

export interface VaeStepOptions extends AutoencoderOptions {
  readonly networks: VaeNetworks;
  readonly flow: Flow;
  readonly vae: VaeOptions;
}

/**
 * The weight of the KL term, a number of the state: it grows while the rate is above the recipe's and falls while it is below, by
 * at most this part a step (an integral controller, as in ControlVAE, Shao et al. 2020). It starts low, which is its warm-up.
 */
export const BALANCE = 'balance/rate';
const BALANCE_PACE = 0.01;
const BALANCE_RANGE = [1e-6, 10] as const;
export const BALANCE_START = 1e-3;

/** Latents with noise, which pay for the bits they carry. */
export function noisyBottleneck(networks: VaeNetworks, vae: VaeOptions, batch: number): Bottleneck {
  return {
    state: { [BALANCE]: [] },
    inputs: { noise: [batch, networks.spec.latent] },
    statistics: ['rate', 'kl'],
    code(encoder, pictures, inputs) {
      const [noise, balance] = [named(inputs, 'noise'), named(inputs, BALANCE)];
      const code = networks.encode(encoder, pictures);
      const nats = divergence(code);
      const cost = tf.mul(tf.sum(tf.maximum(nats, vae.freeBits * Math.LN2)), balance);
      const rate = tf.div(tf.sum(nats), Math.LN2); // bits a picture
      const excess = tf.clipByValue(tf.sub(tf.div(rate, vae.rate), 1), -1, 1);
      const next = tf.clipByValue(tf.mul(balance, tf.exp(tf.mul(excess, BALANCE_PACE))), ...BALANCE_RANGE);
      return { latent: sampled(code, noise), cost, told: { [BALANCE]: next, rate, kl: cost } };
    },
  };
}

export const flowShapes = ({ flow, beta1 }: VaeStepOptions): Shapes => averagedShapes('flow', flow.parameters, beta1);

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
      ...scalarShapes(OPTIMISER),
    },
    statistics: ['flow'],
    beta1,
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
