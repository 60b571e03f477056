// What autoencoders share, whatever lies between encoder and decoder: the step that learns to draw pictures again, alone and
// against a discriminator (after Larsen et al. 2016, arXiv:1512.09300).
import * as tf from '@tensorflow/tfjs';
import { type Augmentation, augment, augmentationShapes } from '../nn/augmentation.ts';
import type { ParameterSpec } from '../nn/layers.ts';
import {
  adam,
  averaged,
  averagedShapes,
  momentShapes,
  OPTIMISER,
  parameterGradients,
  scalarShapes,
  shapesOf,
} from '../nn/optimiser.ts';
import { frozenPass, type Pass } from '../nn/pass.ts';
import type { Networks } from '../nn/spec.ts';
import { named, prefixed, type Shapes, type Tensors, under } from '../nn/tensors.ts';
import { CONTEST_STATISTICS, contest, type LossName } from './contest.ts';
import { halvedL1, l1, pixelError } from './distance.ts';
import type { StepGraph } from './family.ts';

/** The generator is the decoder. */
export interface AutoencoderNetworks extends Networks {
  readonly encoderParameters: readonly ParameterSpec[];
  /** The discriminator's last map of pictures: [batch, side, side, channels]. */
  map(parameters: Tensors, pictures: tf.Tensor, pass: Pass): tf.Tensor;
}

/** What lies between encoder and decoder. */
export interface Bottleneck {
  /** Numbers of the state that move with it, random numbers and the like that it takes, numbers for people. */
  readonly state: Shapes;
  readonly inputs: Shapes;
  readonly statistics: readonly string[];
  /**
   * The decoder's latent of pictures, what the encoder pays for it, and by name the next `state` and the `statistics`.
   *
   * @param encoder its parameters
   */
  code(
    encoder: Tensors,
    pictures: tf.Tensor,
    inputs: Tensors,
  ): { readonly latent: tf.Tensor; readonly cost?: tf.Tensor; readonly told: Tensors };
}

export interface AutoencoderOptions {
  readonly networks: AutoencoderNetworks;
  readonly bottleneck: Bottleneck;
  /** Of what the decoder is asked for: pixels (L1 at two scales, at half resolution against D), D's last map, D's judgement. */
  readonly weights: { readonly pixels: number; readonly features: number; readonly adversarial: number };
  readonly batch: number;
  readonly loss: LossName;
  readonly penalty: boolean;
  readonly beta1: number;
  readonly augment: readonly Augmentation[];
}

/** State that changes while encoder and decoder are trained. */
export function autoencoderShapes({ networks, bottleneck, beta1 }: AutoencoderOptions): Shapes {
  return {
    ...averagedShapes('encoder', networks.encoderParameters, beta1),
    ...averagedShapes('decoder', networks.generatorParameters, beta1),
    ...bottleneck.state,
  };
}

export function discriminatorShapes({ networks, beta1 }: AutoencoderOptions): Shapes {
  const shapes = shapesOf(networks.discriminatorParameters);
  return { ...prefixed('discriminator', shapes), ...momentShapes('discriminator', shapes, beta1) };
}

export function pictureShapes({ networks, batch }: Pick<AutoencoderOptions, 'networks' | 'batch'>): Shapes {
  const { resolution, channels, classes } = networks.spec;
  return { real: [batch, resolution, resolution, channels], ...(classes > 0 ? { classes: [batch, classes] } : {}) };
}

/**
 * Gradients of what encoder and decoder are asked for, by `encoder/…` and `decoder/…`, their next state and statistics.
 *
 * @param towards adds Σ towards·reconstruction to the loss: a gradient by reconstructed pixel that comes from elsewhere
 */
function reconstruct(
  { networks, bottleneck, weights, beta1 }: AutoencoderOptions,
  inputs: Tensors,
  towards?: (made: tf.Tensor) => { gradient: tf.Tensor; seen(made: tf.Tensor): tf.Tensor },
): Tensors {
  const [real, classes] = [named(inputs, 'real'), inputs.classes];
  const through = (p: Tensors) => {
    const code = bottleneck.code(under('encoder', p), real, inputs);
    return { ...code, made: networks.generate(under('decoder', p), code.latent, classes) };
  };
  const parameters = {
    ...prefixed('encoder', under('encoder', inputs)),
    ...prefixed('decoder', under('decoder', inputs)),
  };
  const { made, told } = through(parameters);
  const other = towards?.(made);
  const gradients = parameterGradients((p) => {
    const { made: again, cost } = through(p);
    // What a code cannot say of the finest detail, an error of pixels would have blurred; a discriminator asks for it to be there.
    const pixels = tf.mul((other ? halvedL1 : l1)(again, real), weights.pixels);
    const loss = cost ? tf.add(pixels, cost) : pixels;
    return other ? tf.add(loss, tf.sum(tf.mul(other.seen(again), other.gradient))) : loss;
  }, parameters);

  const next: Tensors = { ...told, l1: pixelError(made, real) };
  for (const part of ['encoder', 'decoder']) {
    const moved = adam(part, under(part, parameters), under(part, gradients), inputs, beta1);
    Object.assign(next, moved, averaged(`ema/${part}`, part, inputs, moved));
  }
  return next;
}

/** Encoder and decoder alone. */
export function plainStep(options: AutoencoderOptions): StepGraph {
  const { bottleneck } = options;
  return {
    changes: autoencoderShapes(options),
    reads: {},
    inputs: { ...pictureShapes(options), ...bottleneck.inputs, ...scalarShapes(OPTIMISER) },
    statistics: ['l1', ...bottleneck.statistics],
    beta1: options.beta1,
    run: (inputs) => reconstruct(options, inputs),
  };
}

/** Encoder, decoder and discriminator, all at once; the discriminator tells pictures from their reconstructions. */
export function adversarialStep(options: AutoencoderOptions): StepGraph {
  const { networks, bottleneck, weights, batch, beta1, augment: kinds } = options;
  const { resolution: size, channels } = networks.spec;
  return {
    changes: { ...autoencoderShapes(options), ...discriminatorShapes(options) },
    reads: {},
    inputs: {
      ...pictureShapes(options),
      ...bottleneck.inputs,
      ...augmentationShapes({ kinds, size, channels }, 2 * batch),
      ...scalarShapes([...OPTIMISER, 'gamma']),
    },
    statistics: ['l1', ...bottleneck.statistics, 'features', ...CONTEST_STATISTICS],
    beta1,
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
          gradient: tf.add(tf.mul(judgement.towards, weights.adversarial), tf.mul(features.gradient, weights.features)),
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
  { networks, batch }: AutoencoderOptions,
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
