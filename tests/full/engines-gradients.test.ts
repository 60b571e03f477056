// Every shipped network at its full size: the ONNX step's gradients, penalties included, against finite differences in
// double precision; and, for small networks, along a direction of each single parameter tensor.

import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { AUGMENTATIONS } from '../../train/nn/augmentation.ts';
import { trainedParameters } from '../../train/nn/layers.ts';
import { createNetworks } from '../../train/nn/networks.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { PRESETS, recipeFor } from '../../train/recipe.ts';
import { slopeError, slopesOfAllTensors, slopesOfEachTensor, textbookGradients } from '../helpers/gradient-check.ts';
import { smallNormalised, smallResidual, smallStrided } from '../helpers/networks.ts';
import { randomPictures, type SetupOptions, setup, tracedGradients } from '../helpers/training.ts';

/** Relative: what the project promises of second derivatives. */
const PROMISED = 1e-3;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const SHIPPED: [preset: string, resolution: 28 | 32, channels: 1 | 3][] = [
  ...Object.keys(PRESETS).map((preset): [string, 28, 1] => [preset, 28, 1]),
  ['quick', 32, 3],
];

test.each(SHIPPED)(
  'preset %s at %d px with %d channels',
  { timeout: 600_000 },
  async (preset, resolution, channels) => {
    const { network, loss } = recipeFor(preset, randomPictures({ resolution, channels, classes: 10 }, 4, 1));
    // The penalty is checked for every network, also where its preset trains without.
    // Two pictures would all be normalised to ±1.
    const batch = network.strided?.normalise ? 4 : 2;
    const given = setup(network, { loss, penalty: true, augment: resolution === 32 ? AUGMENTATIONS : [], batch });
    const traced = await tracedGradients(given);
    const slopes = slopesOfAllTensors(given, traced, 1);
    const { name, error } = slopeError(traced, slopes);
    console.log(`${preset}, ${resolution} px: largest relative difference ${error.toExponential(1)}`);
    expect(error, name).toBeLessThan(PROMISED);
  },
);

const FAMILIES: [name: string, network: NetworkSpec, options: SetupOptions][] = [
  ['residual, 28 px', { ...smallResidual, resolution: 28, channels: 1, classes: 10 }, {}],
  [
    'residual, 64 px, augmented',
    { ...smallResidual, resolution: 64, channels: 1, classes: 0 },
    { augment: AUGMENTATIONS },
  ],
  ['strided, 32 px, colour, augmented', { ...smallStrided, resolution: 32, channels: 3 }, { augment: AUGMENTATIONS }],
  ['strided, 28 px, normalised', { ...smallNormalised, resolution: 28, channels: 1 }, { batch: 5 }],
];

test.each(FAMILIES)('each parameter tensor: %s', { timeout: 600_000 }, async (_name, network, options) => {
  const given = setup(network, options);
  const slopes = slopesOfEachTensor(given);
  const { generatorParameters, discriminatorParameters } = createNetworks(network);
  expect(slopes).toHaveLength(trainedParameters(generatorParameters).length + discriminatorParameters.length);
  const exact = slopeError(textbookGradients(given), slopes);
  expect(exact.error, exact.name).toBeLessThan(1e-4);
  const { name, error } = slopeError(await tracedGradients(given), slopes);
  expect(error, name).toBeLessThan(PROMISED);
});
