// One test for each kernel of trace/kernels/indexing.ts and layout.ts, and the gradients of resize.ts.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type KernelCase, kernelCase, types } from './kernel-case.ts';
import { type Operand, type OperandType, operand, shapes, size, sizeOf } from './operands.ts';

const ALL: readonly OperandType[] = ['float32', 'int32', 'bool'];
const NUMBERS: readonly OperandType[] = ['float32', 'int32'];

/** Whole numbers from `min` below `below`, as an input or a constant. */
export const integers = (shape: readonly number[], below: number, min = 0): fc.Arbitrary<Operand> => {
  const count = sizeOf(shape);
  return fc
    .tuple(
      fc.constantFrom<Operand['kind']>('input', 'constant'),
      fc.array(fc.integer({ min, max: below - 1 }), { minLength: count, maxLength: count }),
    )
    .map(([kind, list]) => ({
      kind,
      dtype: 'int32',
      shape,
      perm: [...shape.keys()],
      values: Float32Array.from(list),
    }));
};

/** Different places of a shape's first dimensions: [count, dimensions]. */
const differentPlaces = (sizes: readonly number[]): fc.Arbitrary<Operand> =>
  fc
    .uniqueArray(fc.nat(sizeOf(sizes) - 1), { minLength: 1, maxLength: Math.min(4, sizeOf(sizes)) })
    .map((flat): Operand => {
      const rows = flat.map((n) => sizes.map((d, i) => Math.floor(n / sizeOf(sizes.slice(i + 1))) % d));
      const shape = [rows.length, sizes.length];
      return { kind: 'input', dtype: 'int32', shape, perm: [0, 1], values: Float32Array.from(rows.flat()) };
    });

/** A tensor, places in it that are all different or may repeat, and what is written there. */
const written = (unique: boolean, dtypes: readonly OperandType[]) =>
  fc
    .tuple(shapes(1, 3), fc.nat(2), size, types(...dtypes))
    .chain(([shape, named, count, dtype]) => {
      const sizes = shape.slice(0, 1 + (named % shape.length));
      const places = unique ? differentPlaces(sizes) : integers([count, sizes.length], Math.min(...sizes));
      return fc.tuple(places, fc.constant({ shape, named: sizes.length, dtype }));
    })
    .chain(([places, { shape, named, dtype }]) =>
      fc.tuple(
        fc.tuple(
          operand(shape, { dtype }),
          fc.constant(places),
          operand([places.shape[0] ?? 1, ...shape.slice(named)], { dtype }),
        ),
        fc.constant(shape),
      ),
    );

const blocks = fc.record({ n: size, h: size, w: size, c: size, block: fc.tuple(side(), side()) });
function side(): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: 3 });
}

export const indexCases: Readonly<Record<string, KernelCase>> = {
  OneHot: kernelCase(
    fc
      .tuple(shapes(0, 3), fc.integer({ min: 2, max: 5 }), fc.constantFrom([1, 0], [2, -1]), types('float32', 'int32'))
      .chain(([shape, depth, values, dtype]) =>
        fc.tuple(fc.tuple(integers(shape, depth + 2, -2)), fc.constant({ depth, values, dtype })),
      ),
    ([x], { depth, values: [on, off], dtype }) =>
      tf.oneHot(x as tf.Tensor, depth, on, off, dtype as 'float32') as tf.Tensor,
  ),
  GatherV2: kernelCase(
    fc
      .tuple(shapes(1, 4), shapes(0, 2), types(...ALL), fc.nat(3), fc.boolean())
      .chain(([shape, places, dtype, at, batched]) => {
        const axis = batched ? Math.min(1, shape.length - 1) : at % shape.length;
        const leading = batched ? shape.slice(0, axis) : [];
        const batchDims = leading.length;
        return fc.tuple(
          fc.tuple(operand(shape, { dtype }), integers([...leading, ...places], shape[axis] ?? 1)),
          fc.constant({ axis, batchDims }),
        );
      }),
    ([x, at], { axis, batchDims }) => tf.gather(x as tf.Tensor, at as tf.Tensor1D, axis, batchDims),
  ),
  GatherNd: kernelCase(
    fc
      .tuple(shapes(1, 4), shapes(0, 2), fc.nat(3), types('float32', 'int32'))
      .chain(([shape, places, named, dtype]) => {
        const dimensions = 1 + (named % shape.length);
        const below = Math.min(...shape.slice(0, dimensions));
        return fc.tuple(
          fc.tuple(operand(shape, { dtype }), integers([...places, dimensions], below)),
          fc.constant(undefined),
        );
      }),
    ([x, at]) => tf.gatherND(x as tf.Tensor, at as tf.Tensor),
  ),
  ScatterNd: kernelCase(written(false, NUMBERS), ([, at, updates], shape) =>
    tf.scatterND(at as tf.Tensor, updates as tf.Tensor, shape),
  ),
  TensorScatterUpdate: kernelCase(written(true, NUMBERS), ([x, at, updates]) =>
    tf.tensorScatterUpdate(x as tf.Tensor, at as tf.Tensor, updates as tf.Tensor),
  ),
  SparseToDense: kernelCase(
    fc
      .tuple(shapes(1, 3), fc.boolean(), types('float32', 'int32'))
      .chain(([shape, single, dtype]) =>
        differentPlaces(shape).chain((places) =>
          fc.tuple(
            fc.tuple(
              fc.constant(places),
              operand(single ? [] : [places.shape[0] ?? 1], { dtype }),
              operand([], { dtype }),
            ),
            fc.constant({ shape, flat: shape.length === 1 }),
          ),
        ),
      ),
    ([at, values, otherwise], { shape, flat }) => {
      const places = flat ? tf.reshape(at as tf.Tensor, [-1]) : (at as tf.Tensor);
      return tf.sparseToDense(places, values as tf.Tensor, shape as [number], otherwise as tf.Scalar);
    },
  ),
  UnsortedSegmentSum: kernelCase(
    fc
      .tuple(shapes(1, 3), fc.integer({ min: 1, max: 5 }))
      .chain(([shape, segments]) =>
        fc.tuple(fc.tuple(operand(shape), integers([shape[0] ?? 1], segments + 2, -2)), fc.constant(segments)),
      ),
    ([x, ids], segments) => tf.unsortedSegmentSum(x as tf.Tensor, ids as tf.Tensor1D, segments),
  ),
  TopK: kernelCase(
    fc
      .tuple(shapes(1, 3), types(...NUMBERS), fc.nat(5))
      .chain(([shape, dtype, k]) =>
        fc.tuple(fc.tuple(operand(shape, { dtype, domain: 'whole' })), fc.constant(1 + (k % (shape.at(-1) ?? 1)))),
      ),
    ([x], k) => {
      const { values, indices } = tf.topk(x as tf.Tensor, k);
      return [values, indices];
    },
  ),
  SearchSorted: kernelCase(
    fc
      .tuple(shapes(1, 3), size, fc.constantFrom<'left' | 'right'>('left', 'right'), types(...NUMBERS))
      .chain(([shape, many, where, dtype]) =>
        fc.tuple(
          fc.tuple(
            operand(shape, { dtype, domain: 'positive' }),
            operand([...shape.slice(0, -1), many], { dtype, domain: 'positive' }),
          ),
          fc.constant(where),
        ),
      ),
    ([steps, values], where) =>
      tf.searchSorted(tf.cumsum(steps as tf.Tensor, (steps?.rank ?? 1) - 1), values as tf.Tensor, where),
  ),
  Bincount: kernelCase(
    fc
      .tuple(size, fc.integer({ min: 1, max: 5 }), fc.boolean(), types(...NUMBERS))
      .chain(([n, bins, weighted, dtype]) =>
        fc.tuple(fc.tuple(integers([n], bins + 2), operand([n], { dtype })), fc.constant({ bins, weighted })),
      ),
    ([x, weights], { bins, weighted }) =>
      tf.bincount(x as tf.Tensor1D, weighted ? (weights as tf.Tensor1D) : tf.tensor1d([], weights?.dtype), bins),
  ),
  DenseBincount: kernelCase(
    fc
      .tuple(shapes(1, 2), fc.integer({ min: 1, max: 5 }), fc.constantFrom('plain', 'weighted', 'binary'))
      .chain(([shape, bins, style]) =>
        fc.tuple(
          fc.tuple(integers(shape, bins + 2), operand(shape)),
          // tfjs gives binary counts of matrices only.
          fc.constant({ bins, style: style === 'binary' && shape.length === 1 ? 'plain' : style }),
        ),
      ),
    ([x, weights], { bins, style }) =>
      tf.denseBincount(
        x as tf.Tensor1D,
        style === 'weighted' ? (weights as tf.Tensor1D) : tf.tensor1d([], 'float32'),
        bins,
        style === 'binary',
      ),
  ),
};

export const layoutCases: Readonly<Record<string, KernelCase>> = {
  Unpack: kernelCase(
    fc
      .tuple(shapes(1, 4), types(...ALL), fc.integer({ min: -4, max: 3 }))
      .chain(([shape, dtype, at]) => operand(shape, { dtype }).map((x) => [[x], at % shape.length] as const)),
    ([x], axis) => tf.unstack(x as tf.Tensor, axis),
  ),
  StridedSlice: kernelCase(
    fc
      .tuple(shapes(1, 4), types(...NUMBERS), fc.array(fc.nat(), { minLength: 16, maxLength: 16 }))
      .chain(([shape, dtype, drawn]) => {
        const at = (i: number): number => drawn[i % drawn.length] ?? 0;
        // Forwards or backwards from a place that is there to one that is beyond it.
        const strides = shape.map((_, i) => (1 + (at(i) % 2)) * (at(i + 4) % 3 === 0 ? -1 : 1));
        const begin = shape.map((d, i) => ((strides[i] ?? 1) > 0 ? at(i + 8) % d : d - 1));
        const end = shape.map((d, i) => ((strides[i] ?? 1) > 0 ? d : at(i + 12) % Math.max(1, d - 1)));
        const kept = shape.map((d, i) => ((strides[i] ?? 1) < 0 && (d < 2 || at(i) % 4 === 0) ? 1 << i : 0));
        const endMask = kept.reduce((a, b) => a | b, at(1) % 2);
        return operand(shape, { dtype }).map(
          (x) => [[x], { begin, end, strides, endMask, shrink: at(2) % 3 }] as const,
        );
      }),
    ([x], { begin, end, strides, endMask, shrink }) =>
      // tfjs's cpu backend shrinks an axis of whole slices only.
      tf.stridedSlice(
        x as tf.Tensor,
        begin,
        end,
        strides,
        0,
        endMask,
        0,
        shrink === 1 ? 1 << begin.length : 0,
        shrink === 2 && strides.every((by) => by === 1) ? 1 : 0,
      ),
  ),
  MirrorPad: kernelCase(
    fc
      .tuple(shapes(1, 4), types(...ALL), fc.constantFrom<'reflect' | 'symmetric'>('reflect', 'symmetric'), fc.nat())
      .chain(([shape, dtype, mode, n]) => {
        const most = (d: number): number => (mode === 'reflect' ? d - 1 : d);
        const paddings = shape.map((d, i): [number, number] => [
          (n >> (2 * i)) % (most(d) + 1),
          (n >> (2 * i + 1)) % (most(d) + 1),
        ]);
        return operand(shape, { dtype }).map((x) => [[x], { paddings, mode }] as const);
      }),
    ([x], { paddings, mode }) => tf.mirrorPad(x as tf.Tensor, paddings, mode),
  ),
  SpaceToBatchND: kernelCase(
    blocks.chain(({ n, h, w, c, block }) => {
      const pad = ([size, by]: [number, number]): [number, number] => [by - 1, (by - ((size + by - 1) % by)) % by];
      const paddings = [pad([h, block[0]]), pad([w, block[1]])];
      return operand([n, h, w, c]).map((x) => [[x], { block, paddings }] as const);
    }),
    ([x], { block, paddings }) => tf.spaceToBatchND(x as tf.Tensor, block, paddings),
  ),
  BatchToSpaceND: kernelCase(
    blocks.chain(({ n, h, w, c, block }) => {
      const crops = block.map((b, i) => [b - 1, (i === 0 ? h : w) > 1 ? 1 : 0].map((k) => Math.min(k, 1)));
      const whole = [h * block[0], w * block[1]];
      const fitting = crops.map((crop, i) => (sizeOf(whole) > 0 && (whole[i] ?? 1) > 2 ? crop : [0, 0]));
      return operand([n * block[0] * block[1], h, w, c]).map((x) => [[x], { block, crops: fitting }] as const);
    }),
    ([x], { block, crops }) => tf.batchToSpaceND(x as tf.Tensor, block, crops),
  ),
  Diag: kernelCase(
    fc
      .tuple(shapes(1, 2), types(...NUMBERS))
      .chain(([shape, dtype]) => operand(shape, { dtype }).map((x) => [[x], undefined] as const)),
    ([x]) => tf.diag(x as tf.Tensor),
  ),
  FlipLeftRight: kernelCase(
    fc.tuple(size, size, size, size).chain((shape) => operand(shape).map((x) => [[x], undefined] as const)),
    ([x]) => tf.image.flipLeftRight(x as tf.Tensor4D),
  ),
  LinSpace: kernelCase(
    fc.tuple(fc.integer(), fc.integer(), fc.integer({ min: 2, max: 9 })).map((a) => [[], a] as const),
    (_, [start, stop, num]) => tf.linspace(start / 1e6, stop / 1e6, num),
  ),
  Range: kernelCase(
    fc
      .tuple(
        fc.integer({ min: -9, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(1, 0.3, 2),
        types(...NUMBERS),
      )
      .map((a) => [[], a] as const),
    (_, [start, count, step, dtype]) =>
      tf.range(start, start + count, dtype === 'int32' ? Math.ceil(step) : step, dtype as 'int32'),
  ),
};

const resizeGradient = (f: typeof tf.image.resizeBilinear): KernelCase =>
  kernelCase(
    fc
      // tfjs's cpu backend is wrong about maps that are not square (bilinear) and about a batch of several (nearest neighbour).
      // With aligned corners it never returns for a map of one pixel.
      .tuple(
        fc.constant(1),
        fc.integer({ min: 2, max: 4 }),
        size,
        fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
        fc.boolean(),
      )
      .chain(([n, side, c, to, corners]) => operand([n, side, side, c]).map((x) => [[x], { to, corners }] as const)),
    ([x], { to, corners }) => tf.grad((y: tf.Tensor) => tf.square(f(y as tf.Tensor4D, to, corners)))(x as tf.Tensor),
    2e-5,
  );

export const otherCases: Readonly<Record<string, KernelCase>> = {
  ResizeBilinearGrad: resizeGradient(tf.image.resizeBilinear),
  ResizeNearestNeighborGrad: resizeGradient(tf.image.resizeNearestNeighbor),
  Einsum: kernelCase(
    fc
      .tuple(size, size, size, size, fc.constantFrom('bij,bjk->bik', 'bij, bkj -> bik', 'bij,bjk->kib'))
      .chain(([b, i, j, k, equation]) => {
        const sizes: Record<string, number> = { b, i, j, k };
        const [first = '', second = ''] = equation.replace(/ /g, '').split('->')[0]?.split(',') ?? [];
        const shape = (term: string): number[] => [...term].map((letter) => sizes[letter] ?? 1);
        return fc.tuple(fc.tuple(operand(shape(first)), operand(shape(second))), fc.constant(equation));
      }),
    ([a, b], equation) => tf.einsum(equation, a as tf.Tensor, b as tf.Tensor),
    1e-5,
  ),
  LRN: kernelCase(responses(), ([x], { radius, bias, alpha, beta }) =>
    tf.localResponseNormalization(x as tf.Tensor4D, radius, bias, alpha, beta),
  ),
  LRNGrad: kernelCase(
    responses(),
    ([x], { radius, bias, alpha, beta }) =>
      tf.grad((y: tf.Tensor) => tf.square(tf.localResponseNormalization(y as tf.Tensor4D, radius, bias, alpha, beta)))(
        x as tf.Tensor,
      ),
    1e-5,
  ),
};

function responses() {
  return fc
    .record({
      shape: fc.tuple(size, size, size, fc.integer({ min: 1, max: 6 })),
      radius: fc.nat(3),
      bias: fc.constantFrom(1, 2),
      alpha: fc.constantFrom(1, 0.3),
      beta: fc.constantFrom(0.5, 0.75),
    })
    .chain(({ shape, ...options }) => operand(shape).map((x) => [[x], options] as const));
}
