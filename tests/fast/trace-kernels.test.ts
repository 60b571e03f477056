// Every kernel mapping of the tracer against tfjs's own cpu backend, on random operands, in both lowerings.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KERNELS } from '../../trace/backend.ts';
import { kernelCases } from '../helpers/kernel-cases.ts';
import { largestDifference, runOnCpu, runTraced } from '../helpers/traced.ts';

/** Samples a kernel; raise it for a soak: `TRACE_RUNS=500 npx vitest run tests/fast/trace-kernels.test.ts`. */
const RUNS = Number(process.env.TRACE_RUNS ?? 8);

test('every kernel with an ONNX mapping has a test here', () => {
  expect(Object.keys(kernelCases).sort()).toEqual(Object.keys(KERNELS).sort());
});

describe.each(Object.entries(kernelCases))('%s', (kernel, { samples, tolerance }) => {
  test('gives what tfjs’s cpu backend gives', { timeout: 30_000 + RUNS * 1000 }, async () => {
    let called = false;
    await fc.assert(
      fc.asyncProperty(samples, async ({ run, operands }) => {
        const expected = await runOnCpu(run, operands);
        called ||= expected.kernels.includes(kernel);
        for (const lowering of ['conv', 'gemm'] as const) {
          const actual = await runTraced(run, operands, lowering);
          expect(actual.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
            expected.outputs.map(({ dtype, shape }) => ({ dtype, shape })),
          );
          for (const [i, { data }] of actual.entries()) {
            const difference = largestDifference(data, expected.outputs[i]?.data ?? []);
            expect(difference, `output ${i}, lowering ${lowering}`).toBeLessThanOrEqual(tolerance);
          }
        }
      }),
      { numRuns: RUNS },
    );
    expect(called, `a sample must reach the kernel ${kernel}`).toBe(true);
  });
});
