// Gradients of the variational autoencoder's three steps: in double precision against finite differences of losses written
// apart (tests/helpers/vae.ts), and the ONNX graph against those.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { traceStep } from '../../train/engines/onnx.ts';
import type { Phase } from '../../train/families/family.ts';
import { AUGMENTATIONS, type Augmentation } from '../../train/nn/augmentation.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import type { Tensors, Values } from '../../train/nn/tensors.ts';
import { inFloat64 } from '../helpers/float64.ts';
import { smallResidual } from '../helpers/networks.ts';
import { eagerStep, gradientsIn, phaseTensors, type VaeSetup, vaeLosses, vaeSetup } from '../helpers/vae.ts';

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

const ATTEMPTS = 6;
const REACH = 1e-6;

/** Slopes of every loss of a phase along a random direction of all its parameters, measured and by the gradients. */
function slopes(
  setup: VaeSetup,
  phase: Phase,
  gradients: Values,
): { measured: number; expected: number; scale: number }[] {
  return inFloat64(() => {
    const losses = vaeLosses(setup, phase, phaseTensors(setup, phase));
    return Object.entries(losses).map(([group, { parameters, loss }]) => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const direction = Object.fromEntries(
          Object.entries(parameters).map(([name, t], i) => [name, Array.from(randomNormals(attempt, 5, i, t.size))]),
        );
        const at = (step: number): number =>
          tf.tidy(() => {
            const moved: Tensors = Object.fromEntries(
              Object.entries(parameters).map(([name, t]) => {
                const by = (direction[name] ?? []).map((x) => x * step);
                return [name, tf.add(t, tf.tensor(by, t.shape))];
              }),
            );
            return Number(loss(moved).dataSync()[0]);
          });
        const along = (step: number): number => (at(step) - at(-step)) / (2 * step);
        const [wide, narrow] = [along(REACH), along(REACH / 2)];
        let [expected, scale] = [0, 0];
        for (const [name, by] of Object.entries(direction)) {
          const own = gradients[group ? `${group}/${name}` : name] ?? new Float32Array();
          expect(own.length, name).toBe(by.length);
          by.forEach((x, i) => {
            const gradient = own[i] ?? Number.NaN;
            expected += x * gradient;
            scale += gradient ** 2;
          });
        }
        // Where two step sizes disagree, an activation or a difference of pixels has changed its side between them.
        if (Math.abs(wide - narrow) < 1e-5 * Math.sqrt(scale))
          return { measured: wide, expected, scale: Math.sqrt(scale) };
      }
      throw new Error(`finite differences: ${phase.name} has a kink in every direction`);
    });
  });
}

describe.each(CASES)('%s', { timeout: 60_000 }, (_name, network, augment) => {
  const setup = vaeSetup(network, augment);

  test.each(setup.model.phases.map((phase) => [phase.name, phase] as const))('%s', async (name, phase) => {
    const exact = inFloat64(() => eagerStep(setup, phase));
    const measured = slopes(setup, phase, exact.gradients);
    expect(measured).toHaveLength(name.endsWith('discriminator') ? 2 : 1);
    for (const { measured: slope, expected, scale } of measured) {
      expect(scale).toBeGreaterThan(0);
      expect(Math.abs(slope - expected) / scale).toBeLessThan(1e-5);
    }

    const session = await ort.InferenceSession.create(await traceStep(phase));
    const values = setup.inputs(phase);
    const shapes = { ...phase.changes, ...phase.reads, ...phase.inputs };
    const results = await session.run(
      Object.fromEntries(
        Object.entries(shapes).map(([input, dims]) => [
          input,
          new ort.Tensor('float32', values[input] ?? new Float32Array(), dims),
        ]),
      ),
    );
    await session.release();
    const traced = gradientsIn((moment) => results[`next/${moment}`]?.data as Float32Array | undefined, phase);
    expect(Object.keys(traced)).toEqual(Object.keys(exact.gradients));
    const norm = (list: ArrayLike<number>): number => Math.hypot(...Array.from(list));
    const longest = Math.max(...Object.values(exact.gradients).map(norm));
    for (const [tensor, expected] of Object.entries(exact.gradients)) {
      const difference = norm(Array.from(expected, (x, i) => x - (traced[tensor]?.[i] ?? Number.NaN)));
      expect(difference, tensor).toBeLessThan(3e-4 * Math.max(norm(expected), 1e-4 * longest));
    }
    // Numbers for people and the KL term's weight come out of the same graph.
    for (const output of [...phase.statistics, ...('balance/rate' in phase.changes ? ['balance/rate'] : [])]) {
      const got = Number(results[output in phase.changes ? `next/${output}` : output]?.data[0]);
      expect(got, output).toBeCloseTo(exact.next[output]?.[0] ?? Number.NaN, 4);
    }
  });
});
