// The filter gradient of a convolution over very many places is taken in parts: the same sum, in another order.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { trace } from '../../trace/index.ts';
import { type Operand, sizeOf } from '../helpers/operands.ts';
import { largestDifference, operators, type Run, readModel, runOnCpu, runTraced } from '../helpers/traced.ts';

const drawn = (shape: number[], index: number): Operand => ({
  kind: 'input',
  dtype: 'float32',
  shape,
  perm: [0, 1, 2, 3],
  values: randomNormals(1, 30, index, sizeOf(shape)),
});
/** Gradient of Σ dy · conv(x, filter) with respect to the filter. */
const gradient = (x: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
  tf.grad((filter: tf.Tensor) => tf.sum(tf.mul(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'), dy)))(
    tf.zeros([3, 3, 2, 3]),
  );

test.each([
  [16, 32, true],
  [16, 16, false],
  [6, 64, false],
])('batch %i of %ix maps: in parts %s', async (batch, side, inParts) => {
  const shapes = { x: [batch, side, side, 2], dy: [batch, side, side, 3] };
  const model = await trace(({ x, dy }) => ({ g: gradient(x, dy) }), shapes, { lowering: 'gemm' });
  expect(operators(readModel(model.encode())).ReduceSum ?? 0).toBe(inParts ? 1 : 0);

  const operands = [drawn(shapes.x, 0), drawn(shapes.dy, 1)];
  const run: Run = ([x, dy]) => gradient(x as tf.Tensor, dy as tf.Tensor);
  const { outputs } = await runOnCpu(run, operands);
  const [traced] = await runTraced(run, operands, 'gemm');
  expect(largestDifference(traced?.data ?? [], outputs[0]?.data ?? [])).toBeLessThan(1e-4);
});
