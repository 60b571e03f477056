// What a mapping meets at the edges of its operator: whole numbers and truths where ONNX knows fractions, several splits of one tensor,
// constants that fit no small storage, numbers next to zero. Against tfjs's own results.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { type Storage, trace } from '../../trace/index.ts';

type Given = tf.Tensor[];
interface Operand {
  readonly shape: number[];
  readonly values: readonly number[];
  readonly dtype?: 'float32' | 'int32' | 'bool';
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** What tfjs computes and what the traced model does, with their types. */
async function both(run: (given: Given) => tf.Tensor | tf.Tensor[], operands: readonly Operand[], storage?: Storage) {
  await tf.setBackend('cpu');
  const list = (made: tf.Tensor | tf.Tensor[]) => (Array.isArray(made) ? made : [made]);
  const expected = list(
    run(operands.map(({ values, shape, dtype = 'float32' }) => tf.tensor(arrays[dtype].from(values), shape, dtype))),
  ).map((t) => ({ type: t.dtype as string, dims: t.shape, values: [...t.dataSync()].map(Number) }));
  const specs = Object.fromEntries(
    operands.map(({ shape, dtype = 'float32' }, i) => [`x${i}`, { shape, dtype }] as const),
  );
  const model = await trace((tensors) => list(run(operands.map((_, i) => tensors[`x${i}`] as tf.Tensor))), specs);
  const session = await ort.InferenceSession.create(model.encode(storage), { logSeverityLevel: 3 });
  const made = await session.run(
    Object.fromEntries(
      operands.map(({ values, shape, dtype = 'float32' }, i) => [
        `x${i}`,
        new ort.Tensor(dtype, arrays[dtype].from(values) as never, shape),
      ]),
    ),
  );
  const got = session.outputNames.map((name) => {
    const { type, dims, data } = made[name] as ort.Tensor;
    return { type: type as string, dims: [...dims], values: [...(data as Float32Array)].map(Number) };
  });
  await session.release();
  return { expected, got };
}

async function agree(run: (given: Given) => tf.Tensor | tf.Tensor[], operands: readonly Operand[], storage?: Storage) {
  const { expected, got } = await both(run, operands, storage);
  expect(got.map(({ type, dims }) => [type, dims])).toEqual(expected.map(({ type, dims }) => [type, dims]));
  for (const [i, { values }] of expected.entries())
    for (const [j, value] of values.entries()) {
      const one = got[i]?.values[j] ?? Number.NaN;
      // To a share of the number itself: what is next to zero counts too.
      expect(Object.is(one, value) || Math.abs(one - value) <= 4e-6 * Math.abs(value), `${j}: ${one}, ${value}`).toBe(
        true,
      );
    }
}

const fractions = (...values: number[]): Operand => ({ shape: [values.length], values });
const wholes = (...values: number[]): Operand => ({ shape: [values.length], values, dtype: 'int32' });
const truths = (...values: number[]): Operand => ({ shape: [values.length], values, dtype: 'bool' });
const table: Operand = { shape: [3, 4], values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] };
const picture: Operand = {
  shape: [1, 4, 4, 1],
  values: Array.from({ length: 16 }, (_, i) => 7 * i - 30),
  dtype: 'int32',
};

test('several splits of one tensor are each their own', async () => {
  await agree(([x]) => [...tf.split(x as tf.Tensor, 2, 1), ...tf.split(x as tf.Tensor, 4, 1)], [table]);
  await agree(
    ([x]) => {
      const [quarters, halves] = [tf.split(x as tf.Tensor, 4, 1), tf.split(x as tf.Tensor, 2, 1)];
      return tf.add(quarters[0] as tf.Tensor, tf.sum(halves[0] as tf.Tensor));
    },
    [table],
  );
  const row = { ...table, shape: [1, 12] };
  await agree(
    ([x]) => [2, [4, 8], 3].map((parts) => tf.sum(tf.split(x as tf.Tensor, parts, 1)[0] as tf.Tensor)),
    [row],
  );
});

describe('whole numbers', () => {
  const resized = (size: [number, number]) => (given: Given) => tf.image.resizeBilinear(given[0] as tf.Tensor4D, size);
  const boxes = tf.tensor2d([[0.1, 0.1, 0.8, 0.9]]);
  test.each<[string, (given: Given) => tf.Tensor, Operand[]]>([
    ['exp', ([x]) => tf.exp(x as tf.Tensor), [wholes(-1, 0, 2)]],
    ['round', ([x]) => tf.round(x as tf.Tensor), [wholes(-1, 0, 2)]],
    ['selu', ([x]) => tf.selu(x as tf.Tensor), [wholes(-2, 0, 2)]],
    ['sinh', ([x]) => tf.sinh(x as tf.Tensor), [wholes(-2, 0, 2)]],
    ['leakyRelu', ([x]) => tf.leakyRelu(x as tf.Tensor, 0.3), [wholes(-2, 0, 2)]],
    ['prelu', ([x, a]) => tf.prelu(x as tf.Tensor, a as tf.Tensor), [wholes(-2, 0, 2), fractions(0.5, 0.5, 0.5)]],
    ['atan2', ([y, x]) => tf.atan2(y as tf.Tensor, x as tf.Tensor), [wholes(3, -4), wholes(-1, -1)]],
    ['resizeBilinear', resized([3, 5]), [picture]],
    ['resizeBilinear, doubled', resized([8, 8]), [picture]],
    [
      'cropAndResize',
      ([x]) => tf.image.cropAndResize(x as tf.Tensor4D, boxes, tf.tensor1d([0], 'int32'), [3, 3]),
      [picture],
    ],
    [
      'matMul',
      ([a]) => tf.matMul(a as tf.Tensor2D, a as tf.Tensor2D, false, true),
      [{ shape: [2, 2], values: [1, 0, -2, 3], dtype: 'int32' }],
    ],
    ['sum of a filled tensor', ([x]) => tf.add(tf.sum(tf.fill([3], 11184811, 'int32')), x as tf.Tensor), [wholes(0)]],
    [
      'scatterND by a list',
      ([u]) => tf.scatterND(tf.tensor1d([1, 3], 'int32'), u as tf.Tensor, [5]),
      [fractions(0.5, -1)],
    ],
    [
      'tensorScatterUpdate by a list',
      ([x, u]) => tf.tensorScatterUpdate(x as tf.Tensor, tf.tensor1d([1, 3], 'int32'), u as tf.Tensor),
      [fractions(0.5, 1, 2, 3), fractions(9, 8)],
    ],
  ])('%s', async (_, run, operands) => agree(run, operands));
});

describe('truths, and types together', () => {
  test.each<[string, (given: Given) => tf.Tensor | tf.Tensor[], Operand[]]>([
    ['multiplied', ([a, b]) => tf.mul(a as tf.Tensor, b as tf.Tensor), [truths(1, 0, 1), truths(1, 1, 0)]],
    ['ordered', ([a, b]) => tf.greater(a as tf.Tensor, b as tf.Tensor), [truths(1, 0, 1), truths(1, 1, 0)]],
    ['the largest', ([a]) => [tf.max(a as tf.Tensor), tf.min(a as tf.Tensor)], [truths(0, 1, 0)]],
    ['where the first is', ([a]) => [tf.argMax(a as tf.Tensor), tf.argMin(a as tf.Tensor)], [truths(0, 1, 0)]],
    [
      'where of fractions and whole numbers',
      ([c, a, b]) => tf.where(c as tf.Tensor, a as tf.Tensor, b as tf.Tensor),
      [truths(1, 0), fractions(0.5, 1.5), wholes(7, 8)],
    ],
    [
      'concat of fractions and whole numbers',
      ([a, b]) => tf.concat([a as tf.Tensor1D, b as tf.Tensor1D]),
      [fractions(0.5, 1.5), wholes(7, 8)],
    ],
  ])('%s', async (_, run, operands) => agree(run, operands));

  test.each<[string, (given: Given) => tf.Tensor]>([
    ['Add', ([a]) => tf.add(a as tf.Tensor, a as tf.Tensor)],
    ['Abs', ([a]) => tf.abs(a as tf.Tensor)],
  ])('%s of truths is one sentence', async (op, run) => {
    await expect(both(run, [truths(0, 1)])).rejects.toThrow(
      `${op}: expected numbers, got booleans; cast them to int32 or float32`,
    );
  });
});

test('next to zero and far from it', async () => {
  const near = fractions(-0.5, -1e-5, -1e-8, 0, 1e-8, 1e-5, 0.1, 0.49, 0.51, 3, 1e6, Number.POSITIVE_INFINITY);
  await agree(([x]) => tf.log1p(x as tf.Tensor), [near]);
  await agree(([x]) => tf.expm1(x as tf.Tensor), [fractions(-30, -0.5, -1e-5, -1e-8, 0, 1e-8, 1e-5, 0.3, 0.7, 20)]);
  // −0 on the left of the axis, or on it.
  await agree(([x]) => tf.atan2(tf.onesLike(x as tf.Tensor), tf.neg(x as tf.Tensor)), [fractions(0, 1, -1)]);
});

test('constants that fit no small storage keep their own', async () => {
  const side = 20;
  const masked = (below: number) =>
    tf.tensor2d(
      Float32Array.from({ length: side * side }, (_, i) => (i % side <= Math.floor(i / side) ? 0 : below)),
      [side, side],
    );
  const scores: Operand = { shape: [side, side], values: Array.from({ length: side * side }, (_, i) => Math.sin(i)) };
  for (const storage of ['fp16', 'int8'] as const)
    for (const below of [Number.NEGATIVE_INFINITY, -1e9])
      await agree(([x]) => tf.softmax(tf.add(x as tf.Tensor, masked(below))), [scores], storage);
});

test('names that a model gives itself may be those of inputs and outputs', async () => {
  const [a, b] = [fractions(1, 2), fractions(2, 2)];
  await tf.setBackend('cpu');
  const model = await trace(
    (given) => ({ Mul_0: tf.add(tf.mul(given.Add_0 as tf.Tensor, 3), given['Add_1.input1'] as tf.Tensor) }),
    { Add_0: a.shape, 'Add_1.input1': b.shape },
  );
  const session = await ort.InferenceSession.create(model.encode());
  const { Mul_0: made } = await session.run({
    Add_0: new ort.Tensor(Float32Array.from(a.values)),
    'Add_1.input1': new ort.Tensor(Float32Array.from(b.values)),
  });
  expect(made?.data).toEqual(Float32Array.of(5, 8));
});

test('a wide convolution of an open batch, and the gradient of its filter, are traced', async () => {
  await tf.setBackend('cpu');
  const filter = tf.ones<tf.Rank.R4>([3, 3, 32, 32]);
  const x = { x: ['batch', 12, 12, 32] };
  for (const lowering of ['conv', 'gemm'] as const) {
    const forward = await trace(({ x }) => tf.conv2d(x as tf.Tensor4D, filter, 1, 'same'), x, { lowering });
    expect(forward.outputs[0]?.shape).toEqual(['batch', 12, 12, 32]);
    const backward = await trace(
      ({ x }) =>
        tf.grad((f: tf.Tensor) => tf.sum(tf.square(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'))))(filter),
      x,
      { lowering },
    );
    expect(backward.outputs[0]?.shape).toEqual([3, 3, 32, 32]);
  }
});

test('what TypeScript refuses is one sentence without it', async () => {
  const run = (inputs: unknown, options?: unknown) =>
    trace(() => tf.scalar(1), inputs as Record<string, number[]>, options as object);
  await expect(run({ x: [null, 4] })).rejects.toThrow('expected sizes of input x to be names or whole numbers from 1');
  await expect(run({ x: undefined })).rejects.toThrow(
    'expected input x to be a shape, or { shape, dtype }, got undefined',
  );
  await expect(run({ x: { shape: [1], dtype: 'uint8' } })).rejects.toThrow('got uint8');
  await expect(run({}, { lowering: 'nchw' })).rejects.toThrow('expected lowering conv or gemm, got nchw');
  const model = await trace(({ x }) => tf.neg(x as tf.Tensor), { x: [1] });
  expect(() => model.encode('float16' as Storage)).toThrow('expected storage fp32 or fp16 or int8, got float16');
});
