// The networks of a variational autoencoder (Kingma & Welling 2014): the encoder is a discriminator's trunk that ends in means
// and log variances, the decoder is the GAN's generator, and a discriminator judges what the two make of a picture.
import * as tf from '@tensorflow/tfjs';
import type { ParameterSpec } from '../../nn/layers.ts';
import { createNetworks } from '../../nn/networks.ts';
import { plainPass } from '../../nn/pass.ts';
import { mapReader, readMap, trunk, trunkParameters } from '../../nn/residual.ts';
import type { NetworkSpec } from '../../nn/spec.ts';
import type { Tensors } from '../../nn/tensors.ts';
import type { AutoencoderNetworks } from '../autoencoder.ts';

/** Log variances stay within ±this: e⁻⁸ is no noise at all, e⁸ would overflow nothing. */
const LOG_VARIANCE = 8;

/** Where the trunk's map goes in, He's start gives numbers of some 10: means are to start as N(0, 1), log variances near 0. */
const MEAN_GAIN = 0.1;
const LOG_VARIANCE_GAIN = 0.01;
const scaled = (parameters: readonly ParameterSpec[], gain: number): ParameterSpec[] =>
  parameters.map((one) => ({ ...one, deviation: gain * one.deviation }));

export interface Code {
  /** Both [batch, latent]. */
  readonly mean: tf.Tensor;
  readonly logVariance: tf.Tensor;
}

export interface VaeNetworks extends AutoencoderNetworks {
  /** pictures [batch, h, w, c] → what is known of their latents. Of the class it knows nothing. */
  encode(parameters: Tensors, pictures: tf.Tensor): Code;
}

export function vaeNetworks(spec: NetworkSpec): VaeNetworks {
  if (spec.family !== 'residual') throw new Error(`vae: expected residual networks, got ${spec.family} ones`);
  const { latent } = spec;
  return {
    ...createNetworks(spec),
    encoderParameters: [
      ...trunkParameters(spec),
      ...scaled(mapReader(spec, 'mean', latent), MEAN_GAIN),
      ...scaled(mapReader(spec, 'logVariance', latent), LOG_VARIANCE_GAIN),
    ],
    encode(p, pictures) {
      const map = trunk(spec, p, pictures, plainPass);
      const raw = readMap(p, 'logVariance', map, plainPass);
      return {
        mean: readMap(p, 'mean', map, plainPass),
        logVariance: tf.mul(tf.tanh(tf.div(raw, LOG_VARIANCE)), LOG_VARIANCE),
      };
    },
    map: (p, pictures, pass) => trunk(spec, p, pictures, pass),
  };
}

/** Latents of a code with noise [batch, latent]. */
export const sampled = ({ mean, logVariance }: Code, noise: tf.Tensor): tf.Tensor =>
  tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise));

/** Nats between the code and the prior N(0, I), by number of the latent, mean over the batch: [latent]. */
export function divergence({ mean, logVariance }: Code): tf.Tensor {
  const nats = tf.mul(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), tf.add(logVariance, 1)), 0.5);
  return tf.mean(nats, 0);
}
