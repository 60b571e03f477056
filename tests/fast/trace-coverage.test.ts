// Every kernel tfjs knows is either mapped, refused with a reason, or called by no op, and the document says the same.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { KERNELS } from '../../trace/backend.ts';
import { trace } from '../../trace/index.ts';
import { NEVER_CALLED, UNCOVERED } from '../../trace/kernels/uncovered.ts';
import { kernelTable } from '../helpers/kernel-table.ts';
import { largestDifference, type Run, runOnCpu, runTraced } from '../helpers/traced.ts';

/** tfjs exports the name of each kernel as a string, and besides these its versions and a suffix. */
const ALL = Object.entries(tf).flatMap(([name, value]) =>
  typeof value === 'string' && !name.startsWith('version') && name !== 'OP_SCOPE_SUFFIX' ? [value] : [],
);

// First in this file: nothing has made tfjs choose a backend yet.
test('a trace before anything else leaves tfjs with a backend that computes', async () => {
  await trace(({ x }) => tf.neg(x), { x: [1] });
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.scalar(2).square().dataSync()[0]).toBe(4);
});

test('the documents are what the mappings say', async () => {
  const read = (name: string): string => readFileSync(resolve(import.meta.dirname, '../../docs', name), 'utf8');
  // If this fails: node scripts/trace-kernels.ts
  expect(read('trace-kernels.md')).toBe(await kernelTable());
  expect(read('trace.md')).toContain(`${Object.keys(KERNELS).length} of ${ALL.length}; the others are listed`);
});

test('all kernels of tfjs are accounted for, none twice', () => {
  const known = [...Object.keys(KERNELS), ...Object.keys(UNCOVERED), ...Object.keys(NEVER_CALLED)];
  expect(known.sort()).toEqual(ALL.sort());
});

describe('an op that is named like a kernel without calling it is traced', () => {
  const row = { kind: 'input', dtype: 'float32', perm: [0, 1] } as const;
  const x = { ...row, shape: [2, 3], values: Float32Array.of(1, 0, -2, 0, 5, 3) };
  const sorted = { ...row, shape: [2, 3], values: Float32Array.of(-1, 0, 2, 1, 2, 3) };
  const ops: Record<string, Run> = {
    BroadcastTo: ([t]) => tf.broadcastTo(t as tf.Tensor, [4, 2, 3]),
    LogSoftmax: ([t]) => tf.logSoftmax(t as tf.Tensor),
    LogicalXor: ([t, s]) => tf.logicalXor(tf.cast(t as tf.Tensor, 'bool'), tf.cast(s as tf.Tensor, 'bool')),
    LowerBound: ([t, s]) => tf.lowerBound(s as tf.Tensor, t as tf.Tensor),
    MatrixBandPart: ([t]) => tf.linalg.bandPart(t as tf.Tensor, 0, 1),
    Pool: ([t]) => tf.pool(tf.reshape(t as tf.Tensor, [1, 2, 3, 1]) as tf.Tensor4D, 2, 'max', 'valid', 1, 1),
    UpperBound: ([t, s]) => tf.upperBound(s as tf.Tensor, t as tf.Tensor),
  };
  test.each(Object.keys(NEVER_CALLED))('%s', async (kernel) => {
    const run = ops[kernel] as Run;
    const expected = await runOnCpu(run, [x, sorted]);
    expect(expected.kernels).not.toContain(kernel);
    const [actual] = await runTraced(run, [x, sorted], 'conv');
    expect(actual?.shape).toEqual(expected.outputs[0]?.shape);
    expect(largestDifference(actual?.data ?? [], expected.outputs[0]?.data ?? [])).toBeLessThan(1e-6);
  });
});
