// What the step makes of its gradients: Adam, the averaged generator and the statistics, against float64 formulas written
// here; and the same step graph on onnxruntime-web's wasm, as a browser would train it.

import * as tf from '@tensorflow/tfjs';
import * as native from 'onnxruntime-node';
import * as web from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../train/engines/index.ts';
import { traceStep } from '../../train/engines/onnx.ts';
import { inputShapes, stateShapes } from '../../train/families/gan/step.ts';
import { createModel } from '../../train/families/models.ts';
import type { Statistics } from '../../train/loop.ts';
import { AUGMENTATIONS } from '../../train/nn/augmentation.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import type { Values } from '../../train/nn/tensors.ts';
import { recipeFor } from '../../train/recipe.ts';
import { textbookGradients, textbookLosses } from '../helpers/gradient-check.ts';
import { smallNormalised, smallResidual, smallStrided } from '../helpers/networks.ts';
import { largestDifference, operators, readModel } from '../helpers/traced.ts';
import { PROBE, type Setup, scalarsAt, scalarValues, setup, warmed } from '../helpers/training.ts';

const NETWORK: NetworkSpec = { ...smallResidual, resolution: 28, channels: 1, classes: 3 };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** One step of engine `onnx` from a warm state, with the probe's γ. */
async function oneStep(given: Setup): Promise<{ before: Values; after: Values; statistics: Statistics }> {
  const before = warmed(given.state);
  const engine = await createEngine('onnx', { model: given.model, state: before, device: 'cpu' });
  const scalars = { ...scalarsAt(4, given.options.beta1), gamma: PROBE.gamma };
  const statistics = await engine.step(given.phase, given.inputs(0), scalars);
  const after = await engine.state();
  await engine.dispose();
  return { before, after, statistics };
}

describe.each([0, 0.9])('with β1 = %d', (beta1) => {
  const given = setup(NETWORK, { beta1 });

  test('Adam and the average are the published formulas', { timeout: 60_000 }, async () => {
    const gradients = textbookGradients(given);
    const { before, after } = await oneStep(given);
    const { learningRate, beta2, emaDecay } = scalarsAt(4, beta1);
    let checked = 0;
    for (const [name, gradient] of Object.entries(gradients)) {
      const at = (values: Values, prefix: string, i: number): number => values[prefix + name]?.[i] ?? Number.NaN;
      for (const [i, g] of gradient.entries()) {
        // Kingma & Ba 2015, algorithm 1, at step t = 5.
        const m = beta1 > 0 ? beta1 * at(before, 'adam.m/', i) + (1 - beta1) * g : g;
        const v = beta2 * at(before, 'adam.v/', i) + (1 - beta2) * g * g;
        const hat = { m: m / (1 - beta1 ** 5), v: v / (1 - beta2 ** 5) };
        const parameter = at(before, '', i) - (learningRate * hat.m) / (Math.sqrt(hat.v) + 1e-8);
        const close = (actual: number, expected: number): boolean =>
          Math.abs(actual - expected) <= 2e-5 * Math.abs(expected) + 2e-7;
        if (!close(at(after, '', i), parameter)) expect(at(after, '', i), `${name}[${i}]`).toBeCloseTo(parameter, 7);
        if (!close(at(after, 'adam.v/', i), v)) expect(at(after, 'adam.v/', i), `v of ${name}[${i}]`).toBeCloseTo(v, 7);
        if (beta1 > 0 && !close(at(after, 'adam.m/', i), m)) {
          expect(at(after, 'adam.m/', i), `m of ${name}[${i}]`).toBeCloseTo(m, 7);
        }
        if (name.startsWith('generator/')) {
          const ema = name.replace('generator/', 'ema/');
          const average = emaDecay * (before[ema]?.[i] ?? Number.NaN) + (1 - emaDecay) * parameter;
          expect(after[ema]?.[i]).toBeCloseTo(average, 6);
        }
        checked++;
      }
    }
    const { generatorParameters, discriminatorParameters } = given.options.networks;
    const total = [...generatorParameters, ...discriminatorParameters].flatMap(({ shape }) =>
      shape.reduce((a, b) => a * b, 1),
    );
    expect(checked).toBe(total.reduce((a, b) => a + b, 0));
    expect(Object.keys(after).some((name) => name.startsWith('adam.m/'))).toBe(beta1 > 0);
  });
});

test('the statistics are the losses without penalty and the mean squared gradients', { timeout: 60_000 }, async () => {
  for (const loss of ['relativistic', 'bce'] as const) {
    const given = setup(NETWORK, { loss });
    const { lossD, lossG, r1 = Number.NaN, r2 = Number.NaN } = (await oneStep(given)).statistics;
    const bare = textbookLosses({ ...given, options: { ...given.options, penalty: false } });
    const penalised = textbookLosses(given);
    expect(lossD).toBeCloseTo(bare.discriminator, 5);
    expect(lossG).toBeCloseTo(bare.generator, 5);
    expect((PROBE.gamma / 2) * (r1 + r2)).toBeCloseTo(penalised.discriminator - bare.discriminator, 5);
    expect(Math.min(r1, r2)).toBeGreaterThan(0);
  }
});

const STEPS: [string, NetworkSpec][] = [
  ['residual', { ...smallResidual, resolution: 28, channels: 3, classes: 3 }],
  ['strided', { ...smallStrided, resolution: 32, channels: 1 }],
  ['normalised', { ...smallNormalised, resolution: 28, channels: 1 }],
];

test.each(STEPS)(
  'the %s step runs on onnxruntime-web’s wasm with the same result',
  { timeout: 60_000 },
  async (_family, network) => {
    const given = setup(network, { augment: AUGMENTATIONS, beta1: 0.5, batch: 4 });
    const { options } = given;
    const values: Values = { ...warmed(given.state), ...given.inputs(0), ...scalarValues(scalarsAt(0, 0.5)) };
    const shapes = Object.entries({ ...stateShapes(options), ...inputShapes(options) });
    const model = await traceStep(given.phase);
    const feeds = <T>(create: (data: Float32Array, dims: readonly number[]) => T): Record<string, T> =>
      Object.fromEntries(shapes.map(([name, dims]) => [name, create(values[name] ?? new Float32Array(), dims)]));

    const nativeSession = await native.InferenceSession.create(model);
    const expected = await nativeSession.run(feeds((data, dims) => new native.Tensor('float32', data, dims)));
    web.env.wasm.numThreads = 1;
    const webSession = await web.InferenceSession.create(model, { executionProviders: ['wasm'] });
    const actual = await webSession.run(feeds((data, dims) => new web.Tensor('float32', data, dims)));

    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, t] of Object.entries(expected)) {
      const difference = largestDifference((actual[name]?.data ?? []) as Float32Array, t.data as Float32Array);
      expect(difference, name).toBeLessThan(1e-5);
    }
    await nativeSession.release();
    await webSession.release();
  },
);

test('of a step’s convolutions those of few channels are operators, the others products; some eleven hundred nodes in all', async () => {
  const pictures = { width: 32, height: 32, channels: 4 as const, classes: ['a', 'b'], count: 500 };
  const [phase] = createModel(recipeFor('auto', pictures)).phases;
  const graph = readModel(await traceStep(phase));
  const counts = operators(graph);
  // Two at full resolution in G, and in D, which is passed twice; the gradient of those by their input, but for G's last, which goes
  // to 16 channels from 4.
  expect(counts.Conv).toBe(6 + 3);
  expect(counts.ConvTranspose).toBeUndefined();
  expect(graph.node.length).toBeLessThan(1200);
});
