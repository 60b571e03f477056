// tfjs kernels that move values, reduce dimensions or multiply matrices.
import { backend_util, util } from '@tensorflow/tfjs';
import { sizeOf, type Value } from '../graph.ts';
import {
  cast,
  concat,
  gather,
  materialise,
  matMul,
  pad,
  reduce,
  reshape,
  sameShape,
  slice,
  transpose,
} from '../ops.ts';
import { permuted, plain, STORED_NCHW, shapeOf, stored, type Traced, withPerm } from '../traced.ts';
import { dtypeOf, type Kernel, type KernelCall, type KernelTable } from './table.ts';

const numbers = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : [Number(value)]);

const x = (call: KernelCall): Value => plain(call.g, call.input('x'));

const axisOf = (value: unknown, rank: number): number => (Number(value ?? 0) + rank) % rank;

/** tfjs's axis argument: one, several, negative or absent (all). */
const axesOf = ({ shape }: Value, given: unknown): number[] =>
  util.parseAxisParam((given as number | number[] | null | undefined) ?? [...shape.keys()], [...shape]);

const reduction =
  (op: 'Sum' | 'Mean' | 'Max' | 'Min', axisName: string): Kernel =>
  (call) => {
    // A mean of integers is a fraction.
    const value = op === 'Mean' ? cast(call.g, x(call), 'float32') : x(call);
    const axes = axesOf(value, call.attrs[axisName]);
    const reduced = reduce(
      call.g,
      op,
      value,
      [...axes].sort((a, b) => a - b),
    );
    const kept = value.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    return { value: call.attrs.keepDims ? reshape(call.g, reduced, kept) : reduced };
  };

/** Sizes with tfjs's -1 ("whatever is left") made explicit. */
function sliceSizes(shape: readonly number[], begin: readonly number[], given: unknown): number[] {
  const size = given === undefined ? [] : numbers(given);
  return shape.map((d, i) => (size[i] === undefined || size[i] === -1 ? d - (begin[i] ?? 0) : size[i]));
}

function split(call: KernelCall): Traced[] {
  const value = x(call);
  const axis = axisOf(call.attrs.axis, value.shape.length);
  const info = { dataId: value, shape: [...value.shape], dtype: 'float32' as const };
  const sizes = backend_util.prepareSplitSize(info, call.attrs.numOrSizeSplits as number | number[], axis);
  let start = 0;
  return sizes.map((n) => {
    const begin = value.shape.map((_, i) => (i === axis ? start : 0));
    start += n;
    return {
      value: slice(
        call.g,
        value,
        begin,
        value.shape.map((d, i) => (i === axis ? n : d)),
      ),
    };
  });
}

/** Weights of one axis of tf.image.resizeBilinear: [to, from]. */
function interpolation(from: number, to: number, alignCorners: boolean, halfPixelCenters: boolean): Float32Array {
  const weights = new Float32Array(to * from);
  const scale = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, halfPixelCenters ? scale * (i + 0.5) - 0.5 : scale * i);
    const low = Math.min(from - 1, Math.floor(at));
    const high = Math.min(from - 1, low + 1);
    weights[i * from + low] = (weights[i * from + low] ?? 0) + 1 - (at - low);
    weights[i * from + high] = (weights[i * from + high] ?? 0) + at - low;
  }
  return weights;
}

function resizeBilinear({ g, input, attrs, lowering }: KernelCall): Traced {
  const images = input('images');
  const [n = 1, h = 1, w = 1, c = 1] = shapeOf(images);
  const [height = 1, width = 1] = numbers(attrs.size);
  const [alignCorners, halfPixelCenters] = [attrs.alignCorners === true, attrs.halfPixelCenters === true];
  if (images.value.source.kind === 'splat') {
    return { value: g.splat(images.value.source.fill, 'float32', [n, height, width, c]) };
  }
  // Resize is told ratios, because sizes would fix the batch, and only whole ones give these sizes for certain.
  const whole = height % h === 0 && width % w === 0;
  if (lowering === 'conv' && halfPixelCenters && !alignCorners && whole) {
    const scales = g.constant(Float32Array.of(1, 1, height / h, width / w), 'float32', [4]);
    const roi = g.constant(new Float32Array(), 'float32', [0]);
    const nchw = stored(g, images, STORED_NCHW);
    const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
    return withPerm(g.node('Resize', [nchw, roi, scales], attributes, 'float32', [n, c, height, width]), STORED_NCHW);
  }
  // Interpolation is linear in each axis: two matrix products with constant weights, whatever the ratio.
  const weights = (from: number, to: number): Value =>
    g.constant(interpolation(from, to, alignCorners, halfPixelCenters), 'float32', [to, from]);
  const rows = matMul(g, weights(h, height), reshape(g, plain(g, images), [n, h, w * c]));
  const columns = matMul(g, weights(w, width), reshape(g, rows, [n * height, w, c]));
  return { value: reshape(g, columns, [n, height, width, c]) };
}

export const shape: KernelTable = {
  Reshape: (call) => {
    const given = call.input('x');
    const wanted = util.inferFromImplicitShape(numbers(call.attrs.shape), sizeOf(given.value.shape));
    // tfjs's ops reshape back to where they started from as a matter of course: nothing pending need be written down.
    if (sameShape(shapeOf(given), wanted)) return given;
    return { value: reshape(call.g, x(call), wanted) };
  },
  ExpandDims: (call) => {
    const value = plain(call.g, call.input('input'));
    const axis = axisOf(call.attrs.dim, value.shape.length + 1);
    return { value: reshape(call.g, value, [...value.shape.slice(0, axis), 1, ...value.shape.slice(axis)]) };
  },
  Transpose: ({ g, input, attrs, lowering }) => {
    const turned = permuted(input('x'), numbers(attrs.perm));
    // Only an NCHW graph gains from leaving it pending; in NHWC it would turn everything that follows.
    return lowering === 'conv' ? turned : { value: plain(g, turned) };
  },
  Concat: ({ g, list, attrs }) => {
    const values = list.map((t) => plain(g, t));
    return { value: concat(g, values, axisOf(attrs.axis, values[0]?.shape.length ?? 1)) };
  },
  Pack: ({ g, list, attrs }) => {
    const axis = axisOf(attrs.axis, (list[0]?.value.shape.length ?? 0) + 1);
    const parts = list.map((t) => {
      const s = shapeOf(t);
      return reshape(g, plain(g, t), [...s.slice(0, axis), 1, ...s.slice(axis)]);
    });
    return { value: concat(g, parts, axis) };
  },
  Slice: (call) => {
    const value = x(call);
    const begin = numbers(call.attrs.begin);
    return { value: slice(call.g, value, begin, sliceSizes(value.shape, begin, call.attrs.size)) };
  },
  SplitV: split,
  PadV2: (call) => {
    const paddings = (call.attrs.paddings as number[][]).map(([a, b]): [number, number] => [a ?? 0, b ?? 0]);
    return { value: pad(call.g, x(call), paddings, Number(call.attrs.constantValue ?? 0)) };
  },
  Tile: (call) => {
    const value = x(call);
    const reps = numbers(call.attrs.reps);
    if (reps.every((r) => r === 1)) return { value };
    const to = value.shape.map((d, i) => d * (reps[i] ?? 1));
    if (value.source.kind === 'splat') return { value: call.g.splat(value.source.fill, value.dtype, to) };
    return { value: call.g.node('Tile', [value, call.g.ints(reps)], {}, value.dtype, to) };
  },
  Fill: ({ g, attrs }) => ({
    value: cast(g, g.splat(Number(attrs.value), 'float32', numbers(attrs.shape)), dtypeOf(attrs.dtype ?? 'float32')),
  }),
  GatherV2: ({ g, input, attrs }) => {
    if (Number(attrs.batchDims ?? 0) !== 0) throw new Error('GatherV2: expected batchDims 0, got more');
    const value = plain(g, input('x'));
    return { value: gather(g, value, plain(g, input('indices')), axisOf(attrs.axis, value.shape.length)) };
  },
  Reverse: (call) => {
    const value = x(call);
    const axes = axesOf(value, call.attrs.dims);
    return {
      value: axes.reduce((v, axis) => {
        const n = v.shape[axis] ?? 0;
        const indices = call.g.constant(
          Int32Array.from({ length: n }, (_, i) => n - 1 - i),
          'int32',
          [n],
        );
        return gather(call.g, v, indices, axis);
      }, value),
    };
  },
  ResizeNearestNeighbor: ({ g, input, attrs }) => {
    // As two gathers: exact for any ratio, and the same code path on every provider.
    const value = plain(g, input('images'));
    const pick = (v: Value, axis: number, to: number): Value => {
      const from = v.shape[axis] ?? 1;
      const align = attrs.alignCorners === true && to > 1;
      const scale = align ? (from - 1) / (to - 1) : from / to;
      const at = (i: number): number => {
        const position = attrs.halfPixelCenters === true ? scale * (i + 0.5) : scale * i;
        return Math.min(from - 1, align ? Math.round(position) : Math.floor(position));
      };
      return gather(
        g,
        v,
        g.constant(
          Int32Array.from({ length: to }, (_, i) => at(i)),
          'int32',
          [to],
        ),
        axis,
      );
    };
    const [height = 1, width = 1] = numbers(attrs.size);
    return { value: pick(pick(value, 1, height), 2, width) };
  },
  ResizeBilinear: resizeBilinear,
  Softmax: ({ g, input }) => {
    const value = plain(g, input('logits'));
    return { value: g.node('Softmax', [materialise(g, value)], { axis: -1 }, value.dtype, value.shape) };
  },
  BatchMatMul: ({ g, input, attrs }) => ({
    value: matMul(g, plain(g, input('a')), plain(g, input('b')), !!attrs.transposeA, !!attrs.transposeB),
  }),
  ArgMax: (call) => {
    const value = x(call);
    const axis = axisOf(call.attrs.axis, value.shape.length);
    const to = value.shape.filter((_, i) => i !== axis);
    const found = call.g.node('ArgMax', [materialise(call.g, value)], { axis, keepdims: 0 }, 'int64', to);
    return { value: call.g.node('Cast', [found], { to: 6 }, 'int32', to) };
  },
  DepthToSpace: ({ g, input, attrs, lowering }) => {
    const b = Number(attrs.blockSize);
    if (attrs.dataFormat !== 'NHWC') throw new Error(`DepthToSpace: expected NHWC, got ${attrs.dataFormat}`);
    if (lowering === 'conv') {
      // tfjs orders depth as (block row, block column, channel): ONNX's DCR.
      const nchw = materialise(g, stored(g, input('x'), STORED_NCHW));
      const [n = 1, c = 1, h = 1, w = 1] = nchw.shape;
      const to = [n, c / (b * b), h * b, w * b];
      return withPerm(g.node('DepthToSpace', [nchw], { blocksize: b, mode: 'DCR' }, nchw.dtype, to), STORED_NCHW);
    }
    const value = plain(g, input('x'));
    const [n = 1, h = 1, w = 1, c = 1] = value.shape;
    const blocks = reshape(g, value, [n, h, w, b, b, c / (b * b)]);
    return { value: reshape(g, transpose(g, blocks, [0, 1, 3, 2, 4, 5]), [n, h * b, w * b, c / (b * b)]) };
  },
  Sum: reduction('Sum', 'axis'),
  Mean: reduction('Mean', 'axis'),
  Max: reduction('Max', 'reductionIndices'),
  Min: reduction('Min', 'axis'),
};
