// The encoder of a finished generator: a discriminator's trunk that is told the class, and ends in the latent.
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../../../contract/errors.ts';
import { addBias, conv, convParameters, dense, leakyRelu, type ParameterSpec } from '../../nn/layers.ts';
import { createNetworks } from '../../nn/networks.ts';
import { type Pass, plainPass } from '../../nn/pass.ts';
import { mapReader, readMap, stages, trunk, trunkParameters } from '../../nn/residual.ts';
import type { NetworkSpec, Networks } from '../../nn/spec.ts';
import type { Tensors } from '../../nn/tensors.ts';

/** Where the trunk's map goes in, He's start gives numbers of some 10; latents are N(0, 1). */
const LATENT_GAIN = 0.1;
const BRANCH_GAIN = 0.3;

export interface EncoderNetworks extends Networks {
  readonly encoderParameters: readonly ParameterSpec[];
  /** pictures [batch, h, w, c], classes [batch, classes] or absent → latents [batch, latent]. */
  encode(parameters: Tensors, pictures: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor;
  /** The discriminator's last map of pictures: [batch, side, side, channels]. */
  map(parameters: Tensors, pictures: tf.Tensor, pass: Pass): tf.Tensor;
}

/** @throws UserError for a generator whose pictures have no trunk here */
export function encoderNetworks(spec: NetworkSpec): EncoderNetworks {
  if (spec.family !== 'residual')
    throw new UserError(
      `encoder: expected a generator of residual networks, got one of ${spec.family} ones; train it with another preset`,
    );
  const channels = stages(spec)[0]?.channels ?? 1;
  return {
    ...createNetworks(spec),
    encoderParameters: [
      ...trunkParameters(spec),
      ...(spec.classes > 0 ? [{ name: 'classes.weight', shape: [spec.classes, channels], deviation: 1 }] : []),
      ...convParameters('joint', 3, channels, channels, BRANCH_GAIN),
      ...mapReader(spec, 'latent', spec.latent).map((one) => ({ ...one, deviation: LATENT_GAIN * one.deviation })),
    ],
    encode(p, pictures, classes) {
      let map = trunk(spec, p, pictures, plainPass);
      // The same picture as another class comes from another latent.
      if (classes) map = tf.add(map, tf.reshape(dense(p, 'classes', classes), [-1, 1, 1, channels]));
      map = tf.add(map, addBias(p, 'joint', conv(p, 'joint', leakyRelu(map))));
      return readMap(p, 'latent', map, plainPass);
    },
    map: (p, pictures, pass) => trunk(spec, p, pictures, pass),
  };
}
