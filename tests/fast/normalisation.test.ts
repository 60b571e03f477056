// Batch normalisation: by the batch, by moving averages, and how the training step moves those.

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../train/engines/index.ts';
import { initialValues, trainedParameters } from '../../train/nn/layers.ts';
import { byBatch, byMovingAverages, normalisationParameters } from '../../train/nn/normalisation.ts';
import type { Tensors } from '../../train/nn/tensors.ts';
import { smallNormalised } from '../helpers/networks.ts';
import { scalarsAt, setup, warmed } from '../helpers/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const CHANNELS = 3;
const SHAPE = [4, 5, 2, CHANNELS];
const values = (seed: number): Float32Array => tf.randomNormal(SHAPE, 3, 2, 'float32', seed).dataSync() as Float32Array;

function parameters(): Tensors {
  const specs = normalisationParameters('n', CHANNELS);
  const start = initialValues(specs, 1, 0);
  return Object.fromEntries(specs.map(({ name }) => [name, tf.tensor1d(start[name] ?? [])]));
}

/** Mean and variance of each channel, written out. */
function statistics(data: Float32Array): { mean: number[]; variance: number[] } {
  const of = (c: number): number[] => [...data].filter((_, i) => i % CHANNELS === c);
  const average = (list: number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const mean = [0, 1, 2].map((c) => average(of(c)));
  return { mean, variance: mean.map((m, c) => average(of(c).map((x) => (x - m) ** 2))) };
}

describe('by the batch', () => {
  test('every channel has mean 0 and variance 1, then its scale and shift', () => {
    const given = { ...parameters(), 'n.scale': tf.tensor1d([1, 2, -3]), 'n.shift': tf.tensor1d([0, 5, -1]) };
    const { mean, variance } = statistics(
      byBatch({})(given, 'n', tf.tensor(values(1), SHAPE)).dataSync() as Float32Array,
    );
    for (const [c, [scale, shift]] of [
      [1, 0],
      [2, 5],
      [-3, -1],
    ].entries()) {
      expect(mean[c]).toBeCloseTo(shift ?? Number.NaN, 4);
      expect(Math.sqrt(variance[c] ?? 0)).toBeCloseTo(Math.abs(scale ?? Number.NaN), 2);
    }
  });

  test('the moving averages go a hundredth of the way to the batch’s statistics', () => {
    const averages: Tensors = {};
    byBatch(averages)(parameters(), 'n', tf.tensor(values(2), SHAPE));
    const { mean, variance } = statistics(values(2));
    expect(Object.keys(averages).sort()).toEqual(['n.mean', 'n.variance']);
    const [means, variances] = [averages['n.mean'], averages['n.variance']].map((t) => [...(t?.dataSync() ?? [])]);
    for (const c of [0, 1, 2]) {
      expect(means?.[c]).toBeCloseTo(0.01 * (mean[c] ?? 0), 5);
      expect(variances?.[c]).toBeCloseTo(0.99 + 0.01 * (variance[c] ?? 0), 5);
    }
  });
});

test('by moving averages equal to the batch’s statistics, the result is the same', () => {
  const x = tf.tensor(values(3), SHAPE);
  const { mean, variance } = statistics(values(3));
  const given = { ...parameters(), 'n.mean': tf.tensor1d(mean), 'n.variance': tf.tensor1d(variance) };
  const [served, trained] = [byMovingAverages(given, 'n', x).dataSync(), byBatch({})(given, 'n', x).dataSync()];
  for (const [i, value] of trained.entries()) expect(served[i]).toBeCloseTo(value, 4);
});

test('the step moves the averages whatever the learning rate, and Adam knows nothing of them', async () => {
  const given = setup({ ...smallNormalised, resolution: 28, channels: 1 }, { batch: 6, beta1: 0.5, loss: 'bce' });
  const all = given.options.networks.generatorParameters.map(({ name }) => name);
  const trained = new Set(trainedParameters(given.options.networks.generatorParameters).map(({ name }) => name));
  const moving = all.filter((name) => !trained.has(name));
  // Two for each of: dense, input, first transposed convolution.
  expect(moving).toHaveLength(6);
  expect(Object.keys(given.state).filter((name) => name.startsWith('adam') && /mean|variance/.test(name))).toEqual([]);

  const before = warmed(given.state);
  const engine = await createEngine('onnx', { model: given.model, state: before, device: 'cpu' });
  await engine.step(given.phase, given.inputs(0), { ...scalarsAt(4, 0.5), learningRate: 0, emaDecay: 0 });
  const after = await engine.state();
  await engine.dispose();
  for (const name of all) {
    const same = after[`generator/${name}`]?.every((x, i) => x === before[`generator/${name}`]?.[i]);
    expect(same, name).toBe(trained.has(name));
    expect(after[`ema/${name}`], name).toEqual(after[`generator/${name}`]);
  }
});
