// The third family: pictures as a few tokens, which a Transformer draws in a few steps; in three phases. It has the way back, and
// completes pictures.
import * as tf from '@tensorflow/tfjs';
import { shapesOf } from '../../nn/optimiser.ts';
import { prefixed, type Tensors, under } from '../../nn/tensors.ts';
import { type Recipe, scheduled } from '../../recipe.ts';
import { adversarialStep, autoencoderShapes, discriminatorShapes, plainStep } from '../autoencoder.ts';
import type { Model } from '../family.ts';
import { along, countsOf, decayAt, filled, type Parts, partsAtStart, weightsOf } from '../parts.ts';
import { createTokenNetwork, type Told } from './network.ts';
import { tokenCount } from './order.ts';
import { HIDES, type TransformerStepOptions, tokenShapes, tokenStep } from './steps.ts';
import { createTokenizer, flatLevels, oneHotCodes, tokenBottleneck } from './tokenizer.ts';

/** Images over which the learning rate of the third phase rises. */
const WARM_UP = 5_000;

export function transformerStepOptions(recipe: Recipe): TransformerStepOptions {
  const { network, transformer, batch, loss, penalty, beta1, augment } = recipe;
  if (!transformer) throw new Error('transformer: expected its options in the recipe');
  if (network.latent !== tokenCount(network.resolution))
    throw new Error(`transformer: expected a latent of ${tokenCount(network.resolution)}, got ${network.latent}`);
  const networks = createTokenizer(network, transformer.levels);
  return {
    networks,
    bottleneck: tokenBottleneck(networks),
    weights: transformer,
    tokens: createTokenNetwork(network, networks.quantiser.codes, transformer, augment.kinds.length > 0),
    transformer,
    batch,
    loss,
    penalty,
    beta1,
    augment: augment.kinds,
  };
}

export function transformerModel(recipe: Recipe): Model {
  const options = transformerStepOptions(recipe);
  const { networks, tokens, transformer, augment } = options;
  const { quantiser } = networks;
  const parts: Parts = {
    encoder: { parameters: networks.encoderParameters, start: 'encoder' },
    decoder: { parameters: networks.generatorParameters, start: 'generator' },
    discriminator: { parameters: networks.discriminatorParameters, start: 'discriminator' },
    transformer: { parameters: tokens.parameters, start: 'transformer' },
  };
  const state = { ...autoencoderShapes(options), ...discriminatorShapes(options), ...tokenShapes(options) };
  const weights = weightsOf(parts, ['encoder', 'decoder', 'transformer']);
  const [adversarialFrom, tokensFrom] = [transformer.adversarialFrom, transformer.tokensFrom].map((part) =>
    Math.round(part * recipe.images),
  ) as [number, number];

  /** Tokens are learnt until the Transformer begins, whose average begins with the short half-life again. */
  const decay = (images: number) => ({ emaDecay: decayAt(recipe, along(0, tokensFrom, images)) });

  const drawn = (all: Tensors, codes: tf.Tensor): tf.Tensor => {
    const { numbers, codes: count } = quantiser;
    const levels = tf.reshape(tf.matMul(oneHotCodes(codes, count) as tf.Tensor2D, quantiser.table()), [
      -1,
      recipe.network.latent,
      numbers,
    ]);
    return networks.generate(under('decoder', all), flatLevels(levels), undefined);
  };
  const codesOf = (all: Tensors, pictures: tf.Tensor): tf.Tensor =>
    quantiser.codeOf(networks.levels(under('encoder', all), pictures));
  const draw = (all: Tensors, latent: tf.Tensor, told: Told): tf.Tensor =>
    drawn(all, tokens.draw(under('transformer', all), latent, told));

  return {
    family: 'transformer',
    spec: recipe.network,
    batch: recipe.batch,
    state,
    parameters: countsOf(parts),
    initialState: () => filled(state, partsAtStart(parts, recipe.seed)),
    carried: {
      ...prefixed('ema', weights),
      ...prefixed('discriminator', shapesOf(networks.discriminatorParameters)),
    },
    startFrom: (carried) => ({ ...carried, ...under('ema', carried) }),
    phases: [
      {
        ...plainStep(options),
        name: 'tokens of pictures',
        from: 0,
        draws: {},
        augments: false,
        scalars: (images) => ({
          learningRate: recipe.learningRate.from,
          beta2: recipe.beta2.from,
          ...decay(images),
        }),
      },
      {
        ...adversarialStep(options),
        name: 'tokens of pictures against a discriminator',
        from: adversarialFrom,
        draws: {},
        augments: augment.length > 0,
        scalars(images) {
          const part = along(adversarialFrom, tokensFrom, images);
          return {
            learningRate: scheduled(recipe.learningRate, part),
            beta2: scheduled(recipe.beta2, part),
            gamma: scheduled(recipe.gamma, part),
            ...decay(images),
          };
        },
      },
      {
        ...tokenStep(options),
        name: 'pictures of tokens',
        from: tokensFrom,
        draws: {
          hides: { kind: 'uniform', count: HIDES, stream: 'hides' },
          ...(recipe.network.classes > 0 ? { drops: { kind: 'uniform', count: 1, stream: 'drops' } as const } : {}),
          ...(augment.length > 0 ? { changes: { kind: 'uniform', count: 1, stream: 'changes' } as const } : {}),
        },
        augments: augment.length > 0,
        scalars(images) {
          const part = along(tokensFrom, recipe.images, images);
          const warm = Math.min(
            1,
            (images - tokensFrom + recipe.batch) / Math.min(WARM_UP, recipe.images - tokensFrom),
          );
          return {
            learningRate: warm * scheduled(transformer.learningRate, part),
            beta2: recipe.beta2.to,
            emaDecay: decayAt(recipe, part, images - tokensFrom),
          };
        },
      },
    ],
    weights,
    generate: (all, latent, classes) => draw(all, latent, { classes }),
    encode: (all, pictures, classes) => tokens.undraw(under('transformer', all), codesOf(all, pictures), { classes }),
    complete(all, pictures, mask, latent, classes) {
      const made = draw(all, latent, { classes, seen: { pictures, mask } });
      return tf.add(tf.mul(pictures, mask), tf.mul(made, tf.sub(1, mask)));
    },
    tokens(all, pictures, classes) {
      const codes = codesOf(all, pictures);
      const logs = tokens.predict(under('transformer', all), codes, { classes });
      const hot = tf.reshape(oneHotCodes(codes, quantiser.codes), [-1, recipe.network.latent, quantiser.codes]);
      return { codes, bits: tf.div(tf.neg(tf.sum(tf.mul(logs, hot), [1, 2])), Math.LN2) };
    },
  };
}
