// A graph of every kernel outside tests/fast's run-time: onnxruntime-web's wasm computes what tfjs does, and the official ONNX
// checker accepts them where Python has it.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as ort from 'onnxruntime-web/wasm';
import { afterAll, describe, expect, test } from 'vitest';
import { trace } from '../../trace/index.ts';
import type { Sample } from '../helpers/kernel-case.ts';
import { kernelCases } from '../helpers/kernel-cases.ts';
import { countAccepted, hasChecker } from '../helpers/onnx-checker.ts';
import type { Operand } from '../helpers/operands.ts';
import { largestDifference, runOnCpu } from '../helpers/traced.ts';

ort.env.wasm.numThreads = 1;
const folder = mkdtempSync(join(tmpdir(), 'pocketgen-kernels-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SAMPLES = { seed: 3, numRuns: 2 };

async function modelOf({ operands, run }: Sample, lowering: 'conv' | 'gemm'): Promise<Uint8Array> {
  const inputs = Object.fromEntries(operands.map(({ shape, dtype }, i) => [`x${i}`, { shape, dtype }]));
  const traced = await trace(
    (given) => {
      const result = run(operands.map((_, i) => given[`x${i}`] as tf.Tensor));
      return Array.isArray(result) ? result : [result];
    },
    inputs,
    { lowering },
  );
  return traced.encode();
}

const fed = ({ dtype, values, shape }: Operand): ort.Tensor => {
  switch (dtype) {
    case 'float32':
      return new ort.Tensor('float32', values, shape);
    case 'int32':
      return new ort.Tensor('int32', Int32Array.from(values), shape);
    case 'bool':
      return new ort.Tensor('bool', Uint8Array.from(values), shape);
    default:
      return dtype satisfies never;
  }
};

describe.each(Object.entries(kernelCases))('%s', (kernel, { samples, tolerance }) => {
  test('on wasm gives what tfjs gives', async () => {
    for (const [i, sample] of fc.sample(samples, SAMPLES).entries()) {
      const expected = await runOnCpu(sample.run, sample.operands);
      for (const lowering of ['conv', 'gemm'] as const) {
        const bytes = await modelOf(sample, lowering);
        writeFileSync(join(folder, `${kernel}.${i}.${lowering}.onnx`), bytes);
        const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
        const feeds = sample.operands.map((operand, j): [string, ort.Tensor] => [`x${j}`, fed(operand)]);
        const results = await session.run(Object.fromEntries(feeds));
        for (const [j, { shape, data }] of expected.outputs.entries()) {
          const actual = results[`output_${j}`];
          expect(actual?.dims).toEqual(shape);
          expect(largestDifference((actual?.data ?? []) as Float32Array, data), lowering).toBeLessThanOrEqual(
            tolerance,
          );
        }
        await session.release();
      }
    }
  });
});

test(`all of them ${hasChecker ? 'pass the official checker' : 'were written (Python has no onnx module)'}`, () => {
  const paths = readdirSync(folder).map((name) => join(folder, name));
  expect(paths).toHaveLength(2 * SAMPLES.numRuns * Object.keys(kernelCases).length);
  if (hasChecker) expect(countAccepted(paths)).toBe(paths.length);
});
