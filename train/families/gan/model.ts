// The first family: a generator that learns from a discriminator's judgement, in one phase.
import { grown, grownDiscriminator, grownGenerator } from '../../nn/grown.ts';
import { initialValues } from '../../nn/layers.ts';
import { createNetworks } from '../../nn/networks.ts';
import { shapesOf } from '../../nn/optimiser.ts';
import { stream } from '../../nn/streams.ts';
import { prefixed, under, type Values } from '../../nn/tensors.ts';
import { type Recipe, scheduled } from '../../recipe.ts';
import { countOf, type Model } from '../family.ts';
import { decayAt, filled } from '../parts.ts';
import { createStep, type StepOptions, stateShapes } from './step.ts';

export function stepOptions(recipe: Recipe): StepOptions {
  const { batch, loss, penalty, beta1, augment } = recipe;
  return { networks: createNetworks(recipe.network), batch, loss, penalty, beta1, augment: augment.kinds };
}

export function ganModel(recipe: Recipe): Model {
  const options = stepOptions(recipe);
  const { networks } = options;
  const { generatorParameters, discriminatorParameters } = networks;
  const { spec } = networks;
  const state = stateShapes(options);
  const larger = grown(spec);
  return {
    family: 'gan',
    spec,
    batch: recipe.batch,
    state,
    parameters: { generator: countOf(generatorParameters), discriminator: countOf(discriminatorParameters) },
    /** The average starts as the generator itself, Adam's moments at zero. */
    initialState() {
      const generator = initialValues(generatorParameters, recipe.seed, stream('generator'));
      const started: Values = {
        ...prefixed('generator', generator),
        ...prefixed('discriminator', initialValues(discriminatorParameters, recipe.seed, stream('discriminator'))),
        ...prefixed('ema', generator),
      };
      return filled(state, started);
    },
    carried: {
      ...prefixed('ema', shapesOf(generatorParameters)),
      ...prefixed('discriminator', shapesOf(discriminatorParameters)),
    },
    ...(larger && {
      grown: {
        network: larger,
        fromCarried: (carried, fresh) => ({
          ...prefixed('ema', grownGenerator(spec, under('ema', carried), under('generator', fresh))),
          ...prefixed(
            'discriminator',
            grownDiscriminator(spec, under('discriminator', carried), under('discriminator', fresh)),
          ),
        }),
      },
    }),
    startFrom: (carried) => ({ ...carried, ...prefixed('generator', under('ema', carried)) }),
    phases: [
      {
        ...createStep(options),
        name: 'training',
        from: 0,
        draws: { latent: { kind: 'normal', count: spec.latent, stream: 'latent' } },
        augments: options.augment.length > 0,
        scalars: (images) => scalarsAt(recipe, images / recipe.images),
      },
    ],
    weights: shapesOf(generatorParameters),
    generate: (weights, latent, classes) => networks.generate(weights, latent, classes),
  };
}

/** The recipe's schedules after a fraction of the run. */
function scalarsAt(recipe: Recipe, fraction: number) {
  return {
    learningRate: scheduled(recipe.learningRate, fraction),
    beta2: scheduled(recipe.beta2, fraction),
    gamma: scheduled(recipe.gamma, fraction),
    emaDecay: decayAt(recipe, fraction),
  };
}
