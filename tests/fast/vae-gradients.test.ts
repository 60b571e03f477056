// Gradients of the variational autoencoder's three steps: in double precision against finite differences of losses written
// apart (tests/helpers/vae.ts), and the ONNX graph against those.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { AUGMENTATIONS, type Augmentation } from '../../train/nn/augmentation.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { smallResidual } from '../helpers/networks.ts';
import { expectGradients } from '../helpers/phase-gradients.ts';
import { vaeLosses, vaeSetup } from '../helpers/vae.ts';

const CASES: [name: string, network: NetworkSpec, augment: readonly Augmentation[]][] = [
  ['28 px, grey, of classes', { ...smallResidual, resolution: 28, channels: 1, classes: 3 }, []],
  [
    '16 px, transparent, full resolution, augmented',
    { ...smallResidual, resolution: 16, channels: 4, classes: 2, fullWidth: 3 },
    AUGMENTATIONS,
  ],
  ['16 px, colour, without classes', { ...smallResidual, resolution: 16, channels: 3, classes: 0 }, []],
];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(CASES)('%s', { timeout: 60_000 }, (_name, network, augment) => {
  const setup = vaeSetup(network, augment);

  test.each(setup.model.phases.map((phase) => [phase.name, phase] as const))('%s', async (name, phase) => {
    const values = setup.inputs(phase);
    // Numbers for people and the KL term's weight come out of the same graph.
    const others = 'balance/rate' in phase.changes ? ['balance/rate'] : [];
    await expectGradients(
      phase,
      values,
      (tensors) => {
        const losses = vaeLosses(setup, phase, tensors);
        expect(Object.keys(losses)).toHaveLength(name.endsWith('discriminator') ? 2 : 1);
        return losses;
      },
      others,
    );
  });
});
