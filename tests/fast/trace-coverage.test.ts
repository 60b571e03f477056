// Every kernel tfjs knows is either mapped, refused with a reason, or called by no op.
import * as tf from '@tensorflow/tfjs';
import * as core from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { KERNELS } from '../../trace/backend.ts';
import { NEVER_CALLED, UNCOVERED } from '../../trace/kernels/uncovered.ts';
import { largestDifference, type Run, runOnCpu, runTraced } from '../helpers/traced.ts';

/** tfjs exports the name of each kernel as a string, and two strings that are none. */
const ALL = Object.entries(core).flatMap(([name, value]) =>
  typeof value === 'string' && name !== 'version_core' && name !== 'OP_SCOPE_SUFFIX' ? [value] : [],
);

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
