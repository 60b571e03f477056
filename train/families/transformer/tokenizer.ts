// The tokenizer: a picture becomes a small map of tokens and is drawn from them again. The encoder is a discriminator's trunk that
// ends in the map, so that a token tells of its own place most; the decoder is the GAN's generator, which reads them all.
import * as tf from '@tensorflow/tfjs';
import { addBias, conv, convParameters, leakyRelu } from '../../nn/layers.ts';
import { createNetworks } from '../../nn/networks.ts';
import { plainPass } from '../../nn/pass.ts';
import { stages, trunk, trunkParameters } from '../../nn/residual.ts';
import type { NetworkSpec } from '../../nn/spec.ts';
import type { Tensors } from '../../nn/tensors.ts';
import type { AutoencoderNetworks, Bottleneck } from '../autoencoder.ts';
import { tokenSide } from './order.ts';
import { createQuantiser, type Quantiser } from './tokens.ts';

export interface Tokenizer extends AutoencoderNetworks {
  readonly quantiser: Quantiser;
  /** Pictures [batch, h, w, c] → the levels of their tokens, place after place: [batch, places, numbers]. */
  levels(encoder: Tensors, pictures: tf.Tensor): tf.Tensor;
}

/** He's start gives the map numbers of some 10; what is rounded is to start within a few levels. */
const TOKEN_GAIN = 0.1;

/** Of the spec, latent and classes are what users see; the decoder's latent is all numbers of all tokens. */
export function createTokenizer(spec: NetworkSpec, levels: readonly number[]): Tokenizer {
  if (spec.family !== 'residual') throw new Error(`transformer: expected residual networks, got ${spec.family} ones`);
  const quantiser = createQuantiser(levels);
  const side = tokenSide(spec.resolution);
  const { size = 1, channels = 1 } = stages(spec)[0] ?? {};
  const stride = Math.ceil(size / side);
  const decoder = createNetworks({ ...spec, latent: side * side * quantiser.numbers, classes: 0 });
  return {
    ...createNetworks(spec),
    // Tokens say it all: what they are of as well, so that a picture of no class in particular can be drawn.
    generatorParameters: decoder.generatorParameters,
    generate: (p, latent) => decoder.generate(p, latent, undefined),
    encoderParameters: [
      ...trunkParameters(spec),
      ...convParameters('tokens', 3, channels, quantiser.numbers, TOKEN_GAIN),
    ],
    quantiser,
    levels(p, pictures) {
      const map = leakyRelu(trunk(spec, p, pictures, plainPass));
      const numbers = addBias(p, 'tokens', conv(p, 'tokens', map, stride)); // [batch, side, side, numbers]
      return quantiser.quantise(tf.reshape(numbers, [-1, side * side, quantiser.numbers]));
    },
    map: (p, pictures, pass) => trunk(spec, p, pictures, pass),
  };
}

/** The decoder's latent [batch, places·numbers] of levels [batch, places, numbers]. */
export const flatLevels = (levels: tf.Tensor): tf.Tensor =>
  tf.reshape(levels, [-1, (levels.shape[1] ?? 1) * (levels.shape[2] ?? 1)]);

/** Codes as vectors [batch·places, codes], 1 at the code. */
export const oneHotCodes = (codes: tf.Tensor, count: number): tf.Tensor =>
  tf.oneHot(tf.cast(tf.reshape(codes, [-1]), 'int32'), count, 1, 0, 'float32');

/** Tokens cost nothing: there are only so many. Told: how many different ones a batch has. */
export function tokenBottleneck({ levels, quantiser }: Tokenizer): Bottleneck {
  return {
    state: {},
    inputs: {},
    statistics: ['codes'],
    code(encoder, pictures) {
      const values = levels(encoder, pictures);
      const used = tf.max(oneHotCodes(quantiser.codeOf(values), quantiser.codes), 0);
      return { latent: flatLevels(values), told: { codes: tf.sum(used) } };
    },
  };
}
