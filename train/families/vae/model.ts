// The second family: an autoencoder whose decoder draws from a flow prior, in three phases. It has the way back, from a picture
// to its latent.
import { shapesOf } from '../../nn/optimiser.ts';
import { prefixed, under } from '../../nn/tensors.ts';
import { type Recipe, scheduled } from '../../recipe.ts';
import { adversarialStep, autoencoderShapes, discriminatorShapes, plainStep } from '../autoencoder.ts';
import type { Draw, Model } from '../family.ts';
import { along, countsOf, decayAt, filled, type Parts, partsAtStart, weightsOf } from '../parts.ts';
import { createFlow } from './flow.ts';
import { vaeNetworks } from './networks.ts';
import { BALANCE, BALANCE_START, flowShapes, flowStep, noisyBottleneck, type VaeStepOptions } from './steps.ts';

export function vaeStepOptions(recipe: Recipe): VaeStepOptions {
  const { network, vae, batch, loss, penalty, beta1, augment } = recipe;
  if (!vae) throw new Error('vae: expected its options in the recipe');
  const networks = vaeNetworks(network);
  return {
    networks,
    bottleneck: noisyBottleneck(networks, vae, batch),
    weights: vae,
    flow: createFlow(network, vae.flow),
    vae,
    batch,
    loss,
    penalty,
    beta1,
    augment: augment.kinds,
  };
}

export function vaeModel(recipe: Recipe): Model {
  const options = vaeStepOptions(recipe);
  const { networks, flow, vae, augment } = options;
  const { spec } = networks;
  const parts: Parts = {
    encoder: { parameters: networks.encoderParameters, start: 'encoder' },
    decoder: { parameters: networks.generatorParameters, start: 'generator' },
    discriminator: { parameters: networks.discriminatorParameters, start: 'discriminator' },
    flow: { parameters: flow.parameters, start: 'flow' },
  };
  const state = { ...autoencoderShapes(options), ...discriminatorShapes(options), ...flowShapes(options) };
  const weights = weightsOf(parts, ['encoder', 'decoder', 'flow']);
  const [adversarialFrom, flowFrom] = [vae.adversarialFrom, vae.flowFrom].map((part) =>
    Math.round(part * recipe.images),
  ) as [number, number];

  /** Pictures are learnt until the flow begins, whose average begins with the short half-life again. */
  const decay = (images: number) => ({ emaDecay: decayAt(recipe, along(0, flowFrom, images)) });
  const noise: Draw = { kind: 'normal', count: spec.latent, stream: 'latent' };
  const { draws } = vae.flow;

  return {
    family: 'vae',
    spec,
    batch: recipe.batch,
    state,
    parameters: countsOf(parts),
    initialState: () =>
      filled(state, { ...partsAtStart(parts, recipe.seed), [BALANCE]: Float32Array.of(BALANCE_START) }),
    carried: {
      ...prefixed('ema', weights),
      ...prefixed('discriminator', shapesOf(networks.discriminatorParameters)),
      [BALANCE]: [],
    },
    startFrom: (carried) => ({ ...carried, ...under('ema', carried) }),
    phases: [
      {
        ...plainStep(options),
        name: 'reconstruction',
        from: 0,
        draws: { noise },
        augments: false,
        scalars: (images) => ({
          learningRate: recipe.learningRate.from,
          beta2: recipe.beta2.from,
          ...decay(images),
        }),
      },
      {
        ...adversarialStep(options),
        name: 'reconstruction against a discriminator',
        from: adversarialFrom,
        draws: { noise },
        augments: augment.length > 0,
        scalars(images) {
          const part = along(adversarialFrom, flowFrom, images);
          return {
            learningRate: scheduled(recipe.learningRate, part),
            beta2: scheduled(recipe.beta2, part),
            gamma: scheduled(recipe.gamma, part),
            ...decay(images),
          };
        },
      },
      {
        ...flowStep(options),
        name: 'flow prior',
        from: flowFrom,
        draws: {
          noise: { ...noise, count: draws * spec.latent },
          start: { kind: 'normal', count: draws * spec.latent, stream: 'flowStart' },
          time: { kind: 'uniform', count: draws, stream: 'flowTime' },
        },
        augments: false,
        scalars(images) {
          const part = along(flowFrom, recipe.images, images);
          return {
            learningRate: scheduled(vae.flow.learningRate, part),
            beta2: recipe.beta2.to,
            emaDecay: decayAt(recipe, part, images - flowFrom),
          };
        },
      },
    ],
    weights,
    generate: (all, latent, classes) =>
      networks.generate(under('decoder', all), flow.forward(under('flow', all), latent, classes), classes),
    encode: (all, pictures, classes) =>
      flow.backward(under('flow', all), networks.encode(under('encoder', all), pictures).mean, classes),
    posterior: (all, pictures) => networks.encode(under('encoder', all), pictures),
  };
}
