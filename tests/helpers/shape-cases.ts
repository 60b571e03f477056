// One test for each kernel of trace/kernels/shape.ts.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type KernelCase, kernelCase, types } from './kernel-case.ts';
import { type Operand, type OperandOptions, type OperandType, operand, shapes, size, sizeOf } from './operands.ts';

const ALL: readonly OperandType[] = ['float32', 'int32', 'bool'];
const NUMBERS: readonly OperandType[] = ['float32', 'int32'];

/** One operand and something drawn for its shape. */
function shaped<A>(
  attributes: (shape: readonly number[]) => fc.Arbitrary<A>,
  options: { ranks?: [number, number]; dtypes?: readonly OperandType[]; domain?: OperandOptions['domain'] } = {},
): fc.Arbitrary<readonly [readonly Operand[], A]> {
  const { ranks = [1, 4], dtypes = ALL, domain = 'normal' } = options;
  return fc
    .tuple(shapes(...ranks), types(...dtypes))
    .chain(([shape, dtype]) => fc.tuple(operand(shape, { dtype, domain }), attributes(shape)))
    .map(([x, a]) => [[x], a] as const);
}

const axisOf = (shape: readonly number[]): fc.Arbitrary<number> =>
  fc.integer({ min: -shape.length, max: shape.length - 1 });

const noneOf = (): fc.Arbitrary<undefined> => fc.constant(undefined);

const reduction = (
  op: (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor,
  dtypes: readonly OperandType[],
): KernelCase =>
  kernelCase(
    shaped((shape) => fc.tuple(fc.option(fc.subarray([...shape.keys()]), { nil: undefined }), fc.boolean()), {
      ranks: [0, 4],
      dtypes,
    }),
    ([x], [axes, keepDims]) => op(x as tf.Tensor, axes, keepDims),
  );

const permutations = (shape: readonly number[]): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray([...shape.keys()], { minLength: shape.length, maxLength: shape.length });

/** Operands of one type whose shapes differ along `axis` only. */
const joined = (varying: boolean): fc.Arbitrary<readonly [readonly Operand[], number]> =>
  fc
    .tuple(shapes(1, 4), fc.array(size, { minLength: 2, maxLength: 4 }), types(...ALL))
    .chain(([shape, lengths, dtype]) =>
      axisOf(shape).chain((axis) => {
        const at = (axis + shape.length) % shape.length;
        const parts = lengths.map((n) => operand(varying ? shape.map((d, i) => (i === at ? n : d)) : shape, { dtype }));
        return fc.tuple(fc.tuple(...parts), fc.constant(axis));
      }),
    );

/**
 * Batches that broadcast differ in leading dimensions only: for [n, 1, …] times [n, m, …] tfjs's cpu backend pairs the
 * wrong matrices (tfjs 4.22, BatchMatMul.ts, `bi % batchDimA`); trace.test.ts has that case.
 */
const matrices: fc.Arbitrary<readonly [readonly Operand[], { transposeA: boolean; transposeB: boolean }]> = fc
  .tuple(
    fc.record({ m: size, k: size, n: size, transposeA: fc.boolean(), transposeB: fc.boolean() }),
    fc.array(size, { maxLength: 2 }),
    fc.constantFrom('a', 'b', 'neither'),
    fc.tuple(fc.nat(2), fc.boolean()),
  )
  .chain(([{ m, k, n, transposeA, transposeB }, batch, lesser, [shared, ones]]) => {
    const kept = batch.slice(Math.min(shared, batch.length));
    const reduced = ones ? [...Array<number>(batch.length - kept.length).fill(1), ...kept] : kept;
    const a = operand([...(lesser === 'a' ? reduced : batch), ...(transposeA ? [k, m] : [m, k])]);
    const b = operand([...(lesser === 'b' ? reduced : batch), ...(transposeB ? [n, k] : [k, n])]);
    return fc.tuple(fc.tuple(a, b), fc.constant({ transposeA, transposeB }));
  });

export const shapeCases: Readonly<Record<string, KernelCase>> = {
  Reshape: kernelCase(
    shaped((shape) => fc.constantFrom([sizeOf(shape)], [-1], [1, sizeOf(shape)], [...shape, 1], [...shape].reverse()), {
      ranks: [0, 4],
    }),
    ([x], to) => tf.reshape(x as tf.Tensor, to),
  ),
  ExpandDims: kernelCase(
    shaped((shape) => fc.integer({ min: -shape.length - 1, max: shape.length }), { ranks: [0, 4] }),
    ([x], axis) => tf.expandDims(x as tf.Tensor, axis),
  ),
  Transpose: kernelCase(
    shaped((shape) => fc.tuple(permutations(shape), permutations(shape)), { ranks: [2, 4] }),
    ([x], [perm, again]) => tf.transpose(tf.transpose(x as tf.Tensor, perm), again),
  ),
  Concat: kernelCase(joined(true), (parts, axis) => tf.concat(parts, axis)),
  Pack: kernelCase(joined(false), (parts, axis) => tf.stack(parts, axis)),
  Slice: kernelCase(
    shaped((shape) =>
      fc.tuple(
        fc.tuple(
          ...shape.map((d) =>
            fc.nat(d - 1).chain((from) => fc.tuple(fc.constant(from), fc.integer({ min: 1, max: d - from }))),
          ),
        ),
        fc.constantFrom('all', 'open', 'first'),
      ),
    ),
    ([x], [ranges, style]) => {
      const t = x as tf.Tensor;
      const begin = ranges.map((r) => r[0]);
      if (style === 'all')
        return tf.slice(
          t,
          begin,
          ranges.map((r) => r[1]),
        );
      if (style === 'open') return tf.slice(t, begin);
      return tf.slice(t, begin[0] ?? 0, ranges[0]?.[1] ?? 1);
    },
  ),
  SplitV: kernelCase(
    shaped((shape) =>
      axisOf(shape).chain((axis) => {
        const whole = shape.at(axis) ?? 1;
        const first = fc.integer({ min: 1, max: whole }).map((n) => (n === whole ? [n] : [n, -1]));
        return fc.tuple(fc.constant(axis), fc.oneof(fc.constant(whole), first));
      }),
    ),
    ([x], [axis, parts]) => tf.split(x as tf.Tensor, parts, axis),
  ),
  PadV2: kernelCase(
    shaped((shape) => fc.tuple(fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(2)))), fc.constantFrom(0, 3)), {
      dtypes: NUMBERS,
    }),
    ([x], [paddings, fill]) => tf.pad(x as tf.Tensor, paddings, fill),
  ),
  Tile: kernelCase(
    shaped((shape) => fc.tuple(...shape.map(() => fc.integer({ min: 1, max: 3 })))),
    ([x], reps) => [
      tf.tile(x as tf.Tensor, reps),
      tf.broadcastTo(tf.expandDims(x as tf.Tensor), [3, ...(x?.shape ?? [])]),
    ],
  ),
  Fill: kernelCase(
    fc.tuple(shapes(), fc.integer({ min: 0, max: 3 }), types(...ALL)).map((a) => [[], a] as const),
    (_, [shape, value, dtype]) => tf.fill(shape, dtype === 'bool' ? Math.min(1, value) : value, dtype),
  ),
  Reverse: kernelCase(
    shaped((shape) => fc.oneof(noneOf(), axisOf(shape), fc.subarray([...shape.keys()], { minLength: 1 }))),
    ([x], axes) => tf.reverse(x as tf.Tensor, axes),
  ),
  ResizeNearestNeighbor: kernelCase(
    shaped(
      () =>
        fc.tuple(
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
          fc.constantFrom('plain', 'corners', 'centers'),
        ),
      { ranks: [4, 4], dtypes: ['float32'] },
    ),
    ([x], [height, width, mode]) =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [height, width], mode === 'corners', mode === 'centers'),
  ),
  ResizeBilinear: kernelCase(
    shaped(
      () =>
        fc.tuple(
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
          fc.boolean(),
          fc.constantFrom('plain', 'corners', 'centers'),
        ),
      { ranks: [4, 4], dtypes: ['float32'] },
    ),
    ([x], [height, width, twice, mode]) => {
      const images = x as tf.Tensor4D;
      const [, h, w] = images.shape;
      const to: [number, number] = twice ? [2 * h, 2 * w] : [height, width];
      return tf.image.resizeBilinear(images, to, mode === 'corners', mode === 'centers');
    },
    1e-5,
  ),
  Softmax: kernelCase(shaped(noneOf, { dtypes: ['float32'] }), ([x]) => tf.softmax(x as tf.Tensor)),
  BatchMatMul: kernelCase(matrices, ([a, b], { transposeA, transposeB }) =>
    tf.matMul(a as tf.Tensor, b as tf.Tensor, transposeA, transposeB),
  ),
  ArgMax: kernelCase(shaped(axisOf, { dtypes: NUMBERS, domain: 'whole' }), ([x], axis) =>
    tf.argMax(x as tf.Tensor, axis),
  ),
  DepthToSpace: kernelCase(
    fc
      .tuple(size, size, size, size, fc.constantFrom(2, 3))
      .chain(([n, h, w, c, block]) => fc.tuple(operand([n, h, w, c * block * block]), fc.constant(block)))
      .map(([x, block]) => [[x], block] as const),
    ([x], block) => tf.depthToSpace(x as tf.Tensor4D, block, 'NHWC'),
  ),
  Sum: reduction(tf.sum, NUMBERS),
  Mean: reduction(tf.mean, NUMBERS),
  Max: reduction(tf.max, NUMBERS),
  Min: reduction(tf.min, NUMBERS),
};
