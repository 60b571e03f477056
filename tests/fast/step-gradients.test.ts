// The step's gradients, which take no second derivative, against the textbook's double backward pass and against finite
// differences, for every network family; see docs/tracing.md for the derivation.

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { AUGMENTATIONS } from '../../train/nn/augmentation.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { inFloat64 } from '../helpers/float64.ts';
import {
  type Gradients,
  gradientError,
  type Slope,
  slopeError,
  slopesOfAllTensors,
  textbookGradients,
} from '../helpers/gradient-check.ts';
import { smallNormalised, smallResidual, smallShape, smallStrided } from '../helpers/networks.ts';
import { eagerGradients, type SetupOptions, setup, tracedGradients } from '../helpers/training.ts';

type Case = [name: string, network: NetworkSpec, options: SetupOptions];
const CASES: Case[] = [
  ['residual, 28 px, grey, 10 classes', { ...smallResidual, resolution: 28, channels: 1, classes: 10 }, {}],
  [
    'residual, 28 px, augmented',
    { ...smallResidual, resolution: 28, channels: 1, classes: 10 },
    { augment: AUGMENTATIONS },
  ],
  ['residual, 32 px, colour', { ...smallResidual, resolution: 32, channels: 3, classes: 3 }, {}],
  [
    'residual, 32 px, colour, augmented',
    { ...smallResidual, resolution: 32, channels: 3, classes: 0 },
    { augment: AUGMENTATIONS },
  ],
  [
    'residual, 16 px, transparent, augmented',
    { ...smallResidual, resolution: 16, channels: 4, classes: 2 },
    { augment: AUGMENTATIONS },
  ],
  ['residual, 28 px, full resolution', { ...smallResidual, fullWidth: 3, resolution: 28, channels: 1, classes: 2 }, {}],
  [
    'residual, 16 px, full resolution, transparent, augmented',
    { ...smallResidual, fullWidth: 3, resolution: 16, channels: 4, classes: 2 },
    { augment: AUGMENTATIONS },
  ],
  ['residual, 28 px, bce', { ...smallResidual, resolution: 28, channels: 1, classes: 2 }, { loss: 'bce' }],
  ['strided, 28 px, 4x4 kernels', { ...smallStrided, resolution: 28, channels: 1 }, {}],
  ['strided, 28 px, augmented', { ...smallStrided, resolution: 28, channels: 1 }, { augment: AUGMENTATIONS }],
  ['strided, 32 px, colour', { ...smallStrided, resolution: 32, channels: 3 }, {}],
  [
    'strided, 32 px, colour, augmented, bce',
    { ...smallStrided, resolution: 32, channels: 3 },
    { augment: AUGMENTATIONS, loss: 'bce' },
  ],
  [
    'strided, 28 px, 5x5 kernels, bce, no penalty',
    { ...smallStrided, resolution: 28, channels: 1, strided: { ...smallShape, discriminator: [3, 4, 5], kernel: 5 } },
    { loss: 'bce', penalty: false },
  ],
  ['strided, 28 px, normalised', { ...smallNormalised, resolution: 28, channels: 1 }, { batch: 5 }],
  [
    'strided, 32 px, colour, normalised, augmented, bce',
    { ...smallNormalised, resolution: 32, channels: 3 },
    { batch: 4, augment: AUGMENTATIONS, loss: 'bce' },
  ],
];

/** Milliseconds: a second each on an idle machine. */
const PATIENCE = 60_000;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(CASES)('%s', { timeout: PATIENCE }, (_name, network, options) => {
  const given = setup(network, options);
  let expected: Gradients = {};
  let slopes: Slope[] = [];
  beforeAll(() => {
    expected = textbookGradients(given);
    slopes = slopesOfAllTensors(given, expected, 1);
  }, PATIENCE);

  test('in double precision the step’s gradients are the textbook’s', () => {
    const { name, error } = gradientError(
      inFloat64(() => eagerGradients(given)),
      expected,
    );
    expect(error, name).toBeLessThan(1e-10);
  });

  test('finite differences of the textbook’s losses agree', () => {
    expect(slopes.map(({ player }) => player)).toEqual(['generator', 'discriminator']);
    const { name, error } = slopeError(expected, slopes);
    expect(error, name).toBeLessThan(1e-5);
  });

  test('the ONNX step’s gradients in float32 agree with both', async () => {
    const traced = await tracedGradients(given);
    const exact = gradientError(traced, expected);
    expect(exact.error, exact.name).toBeLessThan(3e-4);
    const measured = slopeError(traced, slopes);
    expect(measured.error, measured.name).toBeLessThan(1e-3);
  });
});
