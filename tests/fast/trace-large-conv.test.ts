// Convolutions over very many places are taken in parts: the same sums, in another order.
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
  [6, 64, true],
  [16, 16, false],
  [1, 96, false],
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

/** A convolution, and the gradients of Σ dy · it with respect to map and filter. */
const convolved: Run = ([x, filter, dy]) => {
  const conv = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same');
  const sum = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.sum(tf.mul(conv(a, b), dy as tf.Tensor));
  const given = [x, filter] as [tf.Tensor, tf.Tensor];
  return [conv(...given), ...tf.grads(sum)(given)];
};

test.each([
  [48, 20, 6, 1],
  [12, 64, 12, 12],
  [4, 20, 1, 1],
])(
  'batch %i of %ix maps: a convolution in %i tiles, the gradient of its filter in %i',
  async (batch, side, tiles, ofFilter) => {
    const maps = [batch, side, side, 24];
    const shapes = { x: maps, filter: [3, 3, 24, 24], dy: maps };
    const model = await trace(
      (inputs) => Object.fromEntries((convolved(Object.values(inputs)) as tf.Tensor[]).map((t, i) => [`y${i}`, t])),
      shapes,
      { lowering: 'gemm' },
    );
    // x is gathered for the convolution and dy for the map's gradient, both once more for the filter's.
    expect(operators(readModel(model.encode())).Gather).toBe(2 * tiles + 2 * ofFilter);

    // tfjs's own loops would take minutes; a tile by itself is as small as what they are compared with elsewhere.
    const [x, filter, dy] = Object.values(shapes).map(drawn) as [Operand, Operand, Operand];
    const part = ({ shape, values, ...rest }: Operand, i: number): Operand => {
      const [pictures, numbers] = [batch / tiles, values.length / tiles];
      return { ...rest, shape: [pictures, ...shape.slice(1)], values: values.slice(i * numbers, (i + 1) * numbers) };
    };
    const [made, towardsX, towardsFilter] = await runTraced(convolved, [x, filter, dy], 'gemm');
    const sum = new Float64Array(filter.values.length);
    for (let i = 0; i < tiles; i++) {
      const alone = await runTraced(convolved, [part(x, i), filter, part(dy, i)], 'gemm');
      for (const [whole, { data = [] } = {}] of [
        [made, alone[0]],
        [towardsX, alone[1]],
      ] as const)
        expect(
          largestDifference(Array.from(whole?.data ?? []).slice(i * data.length, (i + 1) * data.length), data),
        ).toBe(0);
      for (const [at, value] of Array.from(alone[2]?.data ?? []).entries()) sum[at] = (sum[at] ?? 0) + value;
    }
    expect(largestDifference(towardsFilter?.data ?? [], sum)).toBeLessThan(1e-3);
  },
);
