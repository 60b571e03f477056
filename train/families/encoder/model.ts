// The way back for a generator that was trained without one, in two phases. The generator is part of the state, and stays as it is.
import { initialValues } from '../../nn/layers.ts';
import { shapesOf } from '../../nn/optimiser.ts';
import { stream } from '../../nn/streams.ts';
import { prefixed, under, type Values } from '../../nn/tensors.ts';
import { type Recipe, scheduled } from '../../recipe.ts';
import { countOf, type Draw, type Model } from '../family.ts';
import { decayAt, filled } from '../parts.ts';
import { encoderNetworks } from './networks.ts';
import { type EncoderStepOptions, encoderShapes, frozenShapes, latentStep, pictureStep } from './steps.ts';

export function encoderStepOptions({ network, encoder, batch, beta1 }: Recipe): EncoderStepOptions {
  if (!encoder) throw new Error('encoder: expected its options in the recipe');
  return { networks: encoderNetworks(network), encoder, batch, beta1 };
}

/** `initialState` knows nothing of the frozen networks: who starts a run hands them in. */
export function encoderModel(recipe: Recipe): Model {
  const options = encoderStepOptions(recipe);
  const { networks, encoder } = options;
  const { spec, encoderParameters, generatorParameters } = networks;
  const state = { ...encoderShapes(options), ...frozenShapes(options) };
  const latent: Draw = { kind: 'normal', count: spec.latent, stream: 'latent' };
  const common = { draws: { latent }, augments: false, scalars: (images: number) => scalarsAt(recipe, images) };
  return {
    family: 'encoder',
    spec,
    batch: recipe.batch,
    state,
    parameters: { encoder: countOf(encoderParameters), 'frozen generator': countOf(generatorParameters) },
    initialState() {
      const values = initialValues(encoderParameters, recipe.seed, stream('encoder'));
      const started: Values = { ...prefixed('encoder', values), ...prefixed('ema/encoder', values) };
      return filled(state, started);
    },
    carried: prefixed('ema/encoder', shapesOf(encoderParameters)),
    startFrom: (carried) => ({ ...carried, ...under('ema', carried) }),
    phases: [
      { ...latentStep(options), ...common, name: 'latents of generated pictures', from: 0 },
      {
        ...pictureStep(options),
        ...common,
        name: 'real pictures as well',
        from: Math.round(encoder.picturesFrom * recipe.images),
      },
    ],
    weights: {
      ...prefixed('generator', shapesOf(generatorParameters)),
      ...prefixed('encoder', shapesOf(encoderParameters)),
    },
    generate: (all, z, classes) => networks.generate(under('generator', all), z, classes),
    encode: (all, pictures, classes) => networks.encode(under('encoder', all), pictures, classes),
  };
}

/** The recipe's schedules after so many images. */
function scalarsAt(recipe: Recipe, images: number) {
  const part = images / recipe.images;
  return {
    learningRate: scheduled(recipe.learningRate, part),
    beta2: scheduled(recipe.beta2, part),
    emaDecay: decayAt(recipe, part),
  };
}
