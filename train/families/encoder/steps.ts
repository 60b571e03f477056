// The two steps of an encoder's training: the latents of generated pictures alone, then real pictures drawn again by the
// generator as well (in-domain inversion, Zhu et al. 2020, arXiv:2004.00049). The generator stays as it is.
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
import { plainPass } from '../../nn/pass.ts';
import { named, prefixed, type Shapes, type Tensors, under } from '../../nn/tensors.ts';
import { l1, pixelError } from '../distance.ts';
import type { StepGraph } from '../family.ts';
import type { EncoderNetworks } from './networks.ts';
import type { EncoderOptions } from './options.ts';

export interface EncoderStepOptions {
  readonly networks: EncoderNetworks;
  readonly encoder: EncoderOptions;
  readonly batch: number;
  readonly beta1: number;
}

/** State that changes. */
export function encoderShapes({ networks, beta1 }: EncoderStepOptions): Shapes {
  return averagedShapes('encoder', networks.encoderParameters, beta1);
}

/** State that does not: the generator, and its discriminator where features are asked for. */
export function frozenShapes({ networks, encoder }: EncoderStepOptions): Shapes {
  return {
    ...prefixed('ema/generator', shapesOf(networks.generatorParameters)),
    ...(encoder.features > 0 ? prefixed('discriminator', shapesOf(networks.discriminatorParameters)) : {}),
  };
}

function inputShapes({ networks, batch }: EncoderStepOptions): Shapes {
  const { classes, latent } = networks.spec;
  return {
    latent: [batch, latent],
    ...(classes > 0 ? { classes: [batch, classes] } : {}),
    ...scalarShapes(OPTIMISER),
  };
}

/** What the encoder is asked for, by name, each with its weight. */
type Terms = Readonly<Record<string, { readonly weight: number; readonly value: tf.Tensor }>>;

/** The state after a step that makes the weighted sum of `terms` smaller. */
function descend({ beta1 }: EncoderStepOptions, inputs: Tensors, terms: (p: Tensors) => Terms): Tensors {
  const parameters = under('encoder', inputs);
  const loss = (p: Tensors): tf.Tensor =>
    Object.values(terms(p))
      .map(({ weight, value }) => tf.mul(value, weight))
      .reduce((sum, term) => tf.add(sum, term));
  const next = adam('encoder', parameters, parameterGradients(loss, parameters), inputs, beta1);
  return { ...next, ...averaged('ema/encoder', 'encoder', inputs, next) };
}

const squaredError = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.mean(tf.square(tf.sub(x, y)));

/** Latents of generated pictures: of classes as the training pictures have them. */
export function latentStep(options: EncoderStepOptions): StepGraph {
  const { networks, encoder } = options;
  return {
    changes: encoderShapes(options),
    reads: prefixed('ema/generator', shapesOf(networks.generatorParameters)),
    inputs: inputShapes(options),
    statistics: ['latents'],
    beta1: options.beta1,
    run(inputs) {
      const { classes } = inputs;
      const latent = named(inputs, 'latent');
      const made = networks.generate(under('ema/generator', inputs), latent, classes);
      const error = (p: Tensors): tf.Tensor => squaredError(networks.encode(p, made, classes), latent);
      return {
        ...descend(options, inputs, (p) => ({ latents: { weight: encoder.latents, value: error(p) } })),
        latents: error(under('encoder', inputs)),
      };
    },
  };
}

/** The same, and real pictures through encoder and generator. */
export function pictureStep(options: EncoderStepOptions): StepGraph {
  const { networks, encoder, batch } = options;
  const { resolution, channels } = networks.spec;
  return {
    changes: encoderShapes(options),
    reads: frozenShapes(options),
    inputs: { ...inputShapes(options), real: [batch, resolution, resolution, channels] },
    statistics: ['l1', 'latents', ...(encoder.features > 0 ? ['features'] : [])],
    beta1: options.beta1,
    run(inputs) {
      const { classes } = inputs;
      const [latent, real] = [named(inputs, 'latent'), named(inputs, 'real')];
      const generate = (z: tf.Tensor): tf.Tensor => networks.generate(under('ema/generator', inputs), z, classes);
      const map = (x: tf.Tensor): tf.Tensor => networks.map(under('discriminator', inputs), x, plainPass);
      // Generated pictures, then real ones: the encoder goes over both at once.
      const pictures = tf.concat([generate(latent), real], 0);
      const labels = classes && tf.concat([classes, classes], 0);
      const through = (p: Tensors) => {
        const codes = networks.encode(p, pictures, labels);
        return { code: tf.slice(codes, 0, batch), again: generate(tf.slice(codes, batch, batch)) };
      };
      const wanted = encoder.features > 0 ? map(real) : undefined;
      const terms = (p: Tensors): Terms => {
        const { code, again } = through(p);
        return {
          latents: { weight: encoder.latents, value: squaredError(code, latent) },
          pixels: { weight: encoder.pixels, value: l1(again, real) },
          ...(wanted && {
            features: {
              weight: encoder.features,
              value: tf.div(squaredError(map(again), wanted), tf.add(tf.mean(tf.square(wanted)), 1e-8)),
            },
          }),
        };
      };
      const parameters = under('encoder', inputs);
      const { latents, features } = terms(parameters);
      return {
        ...descend(options, inputs, terms),
        l1: pixelError(through(parameters).again, real),
        latents: (latents as Terms[string]).value,
        ...(features && { features: features.value }),
      };
    },
  };
}
