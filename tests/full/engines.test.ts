// Engine parity: whole training steps on `onnx`, and on `tensorflow` where it is installed, against `tfjs`, the plain
// JavaScript reference.

import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { loadTensorflow } from '../../train/engines/eager.ts';
import type { EngineName, TrainingEngine } from '../../train/engines/engine.ts';
import { createEngine } from '../../train/engines/index.ts';
import type { Statistics } from '../../train/loop.ts';
import { AUGMENTATIONS } from '../../train/nn/augmentation.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import type { Values } from '../../train/nn/tensors.ts';
import { smallNormalised, smallResidual, smallShape, smallStrided } from '../helpers/networks.ts';
import { largestDifference } from '../helpers/traced.ts';
import { type Setup, type SetupOptions, scalarsAt, setup, warmed } from '../helpers/training.ts';

const STEPS = 3;

/** Engine `tensorflow`, or nothing where no tfjs-node is installed: the usual case. */
function tensorflow(): EngineName[] {
  try {
    loadTensorflow();
    return ['tensorflow'];
  } catch {
    return [];
  }
}
const NATIVE = tensorflow();

const CASES: [name: string, network: NetworkSpec, options: SetupOptions][] = [
  ['residual, 28 px, classes', { ...smallResidual, resolution: 28, channels: 1, classes: 10 }, {}],
  [
    'residual, 32 px, colour, augmented, β1',
    { ...smallResidual, resolution: 32, channels: 3, classes: 3 },
    { augment: AUGMENTATIONS, beta1: 0.5 },
  ],
  ['residual, 64 px', { ...smallResidual, resolution: 64, channels: 1, classes: 2 }, {}],
  [
    'strided, 28 px, β1, bce, no penalty',
    { ...smallStrided, resolution: 28, channels: 1, strided: { ...smallShape, kernel: 5 } },
    { beta1: 0.9, loss: 'bce', penalty: false },
  ],
  ['strided, 32 px, colour, augmented', { ...smallStrided, resolution: 32, channels: 3 }, { augment: AUGMENTATIONS }],
  [
    'strided, 28 px, normalised, β1, bce',
    { ...smallNormalised, resolution: 28, channels: 1 },
    { batch: 6, beta1: 0.5, loss: 'bce' },
  ],
];

async function run(
  name: EngineName,
  given: Setup,
  state: Values,
): Promise<{ state: Values; statistics: Statistics[]; pictures: Float32Array }> {
  const engine: TrainingEngine = await createEngine(name, { model: given.model, state, device: 'cpu' });
  const statistics: Statistics[] = [];
  for (let n = 0; n < STEPS; n++)
    statistics.push(await engine.step(given.phase, given.inputs(n), scalarsAt(n, given.options.beta1)));
  const { latent = new Float32Array(), classes } = given.inputs(STEPS);
  const result = { state: await engine.state(), statistics, pictures: await engine.generate(latent, classes) };
  await engine.dispose();
  return result;
}

const CONTESTS = ['onnx' as const, ...NATIVE].flatMap((engine) => CASES.map((given) => [engine, ...given] as const));

describe.each(CONTESTS)('%s: %s', (engine, _name, network, options) => {
  const given = setup(network, { batch: 3, ...options });

  test(`after ${STEPS} steps in the middle of a run every number of the state agrees to 2e-5`, async () => {
    const state = warmed(given.state);
    const [actual, tfjs] = [await run(engine, given, state), await run('tfjs', given, state)];
    expect(Object.keys(actual.state)).toEqual(Object.keys(tfjs.state));
    for (const [name, values] of Object.entries(tfjs.state)) {
      expect(largestDifference(actual.state[name] ?? [], values), name).toBeLessThan(2e-5);
      // A bias common to all scores drops out of their differences, so the relativistic loss never moves it.
      const still = name === 'discriminator/score.bias' && given.options.loss === 'relativistic' && !options.beta1;
      if (!still) expect(largestDifference(values, state[name] ?? []), `${name} has moved`).toBeGreaterThan(0);
    }
    for (const [n, expected] of tfjs.statistics.entries()) {
      for (const [key, value] of Object.entries(expected)) {
        expect(largestDifference([actual.statistics[n]?.[key] ?? Number.NaN], [value]), key).toBeLessThan(1e-4);
      }
    }
    expect(largestDifference(actual.pictures, tfjs.pictures)).toBeLessThan(1e-4);
  });

  test(`after the first ${STEPS} steps of a run 99.9 % of the parameters agree to a hundredth of a step`, async () => {
    // Adam's first steps are learningRate · sign(gradient), so a gradient that is nothing but rounding may go either way.
    const [actual, tfjs] = [await run(engine, given, given.state), await run('tfjs', given, given.state)];
    const { learningRate } = scalarsAt(0, 0);
    let [apart, all, furthest] = [0, 0, 0];
    for (const [name, values] of Object.entries(tfjs.state)) {
      if (name.startsWith('adam')) continue;
      for (const [i, value] of values.entries()) {
        const difference = Math.abs((actual.state[name]?.[i] ?? Number.NaN) - value);
        furthest = Math.max(furthest, difference);
        all++;
        if (!(difference <= learningRate / 100)) apart++;
      }
    }
    expect(apart / all).toBeLessThan(0.001);
    expect(furthest).toBeLessThanOrEqual(2 * STEPS * learningRate * 1.5);
  });
});

test('memory is flat over 2,000 steps of engine onnx', async () => {
  // Most of what a leak would show is in native memory, which is why resident size is what is looked at.
  const given = setup({ ...smallResidual, resolution: 28, channels: 1, classes: 3 }, { batch: 4 });
  const engine = await createEngine('onnx', { model: given.model, state: warmed(given.state), device: 'cpu' });
  const resident: number[] = [];
  for (let n = 0; n < 2000; n++) {
    await engine.step(given.phase, given.inputs(n % 50), { ...scalarsAt(n, 0), learningRate: 1e-5 });
    if (n % 100 === 99) resident.push(process.memoryUsage().rss / 2 ** 20);
  }
  await engine.dispose();
  const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  // The first 500 steps fill the allocators' pools and let the garbage collector find its rhythm.
  const [early, late] = [mean(resident.slice(5, 10)), mean(resident.slice(15))];
  console.log(`resident memory, MiB: ${early.toFixed(0)} in steps 600–1000, ${late.toFixed(0)} in steps 1600–2000`);
  expect(late - early).toBeLessThan(25);
});

test.each<EngineName>(['tfjs', ...NATIVE])('%s leaves no tensors behind', async (name) => {
  await tf.setBackend('cpu');
  const given = setup({ ...smallStrided, resolution: 28, channels: 1 });
  const before = tf.memory().numTensors;
  const engine = await createEngine(name, { model: given.model, state: given.state, device: 'cpu' });
  const held = tf.memory().numTensors;
  for (let n = 0; n < 3; n++) await engine.step(given.phase, given.inputs(n), scalarsAt(n, 0));
  expect(tf.memory().numTensors).toBe(held);
  await engine.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
