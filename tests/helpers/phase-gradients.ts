// A phase's gradients three times: along a random direction by finite differences of a loss written apart, by the step in double
// precision, and out of the ONNX graph.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { expect } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { traceStep } from '../../train/engines/onnx.ts';
import type { Phase } from '../../train/families/family.ts';
import type { Tensors, Values } from '../../train/nn/tensors.ts';
import { inFloat64 } from './float64.ts';
import { asTensors } from './training.ts';

/** With β1 = ½ and moments that start at zero, the first moments after a step are half the gradients. */
export const PROBE_BETA1 = 0.5;

/** What a group of parameters, named before each of theirs, is to make small. */
export type Losses = Record<string, { parameters: Tensors; loss: (p: Tensors) => tf.Tensor }>;

const ATTEMPTS = 6;
const REACH = 1e-6;

/** Gradients by parameter out of a phase's own step. */
export function gradientsIn(moment: (name: string) => ArrayLike<number> | undefined, phase: Phase): Values {
  const names = Object.keys(phase.changes).filter((name) => name.startsWith('adam.m/'));
  return Object.fromEntries(
    names.map((name) => [
      name.replace('adam.m/', ''),
      Float64Array.from(moment(name) ?? [], (m) => m / (1 - PROBE_BETA1)) as unknown as Float32Array,
    ]),
  );
}

/** Everything that goes into a phase's step, as tensors of the backend's precision. */
export const phaseTensors = (phase: Phase, values: Values): Tensors =>
  asTensors(values, { ...phase.changes, ...phase.reads, ...phase.inputs });

export function eagerStep(phase: Phase, values: Values): { gradients: Values; next: Values } {
  const next: Values = {};
  tf.tidy(() => {
    for (const [name, tensor] of Object.entries(phase.run(phaseTensors(phase, values))))
      next[name] = tensor.dataSync().slice() as Float32Array;
  });
  return { gradients: gradientsIn((name) => next[name], phase), next };
}

/** Slopes of every loss along a random direction of all its parameters, measured and by the gradients. */
function slopes(
  phase: Phase,
  losses: Losses,
  gradients: Values,
): { measured: number; expected: number; scale: number }[] {
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
}

/** @param others further outputs that eager and traced must agree on, besides the statistics */
export async function expectGradients(
  phase: Phase,
  values: Values,
  losses: (tensors: Tensors) => Losses,
  others: readonly string[] = [],
): Promise<void> {
  const exact = inFloat64(() => eagerStep(phase, values));
  const measured = inFloat64(() => slopes(phase, losses(phaseTensors(phase, values)), exact.gradients));
  expect(measured.length).toBeGreaterThan(0);
  for (const { measured: slope, expected, scale } of measured) {
    expect(scale).toBeGreaterThan(0);
    expect(Math.abs(slope - expected) / scale).toBeLessThan(1e-5);
  }

  const session = await ort.InferenceSession.create(await traceStep(phase));
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
  for (const output of [...phase.statistics, ...others]) {
    const got = Number(results[output in phase.changes ? `next/${output}` : output]?.data[0]);
    expect(got, output).toBeCloseTo(exact.next[output]?.[0] ?? Number.NaN, 4);
  }
}
