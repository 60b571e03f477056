// Gradients of a Transformer's steps: in double precision against finite differences of losses written apart, and the ONNX graph
// against those. The second step is the one that vae-gradients.test.ts goes through, with another bottleneck.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { expectGradients } from '../helpers/phase-gradients.ts';
import { smallTokens, transformerLosses, transformerSetup } from '../helpers/transformer.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const setup = transformerSetup(smallTokens, ['shift', 'colour']);

test.each(
  setup.model.phases.filter(({ name }) => !name.endsWith('discriminator')).map((phase) => [phase.name, phase] as const),
)('%s', { timeout: 120_000 }, async (_name, phase) => {
  await expectGradients(phase, setup.inputs(phase), (tensors) => {
    const losses = transformerLosses(setup, phase, tensors);
    expect(Object.keys(losses)).toHaveLength(1);
    return losses;
  });
});
