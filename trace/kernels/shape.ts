// tfjs kernels that move values or multiply matrices.
import { backend_util, util } from '@tensorflow/tfjs';
import { sizeOf, type Value } from '../graph.ts';
import { cast, concat, materialise, matMul, pad, reshape, sameShape, slice, together, transpose } from '../ops.ts';
import { permuted, plain, STORED_NCHW, shapeOf, stored, type Traced, withPerm } from '../traced.ts';
import { reversed } from './reduce.ts';
import { axesOf, axisOf, dtypeOf, type KernelCall, type KernelTable, numbers } from './table.ts';

const x = (call: KernelCall): Value => plain(call.g, call.input('x'));

/** Sizes with tfjs's -1 ("whatever is left") made explicit. */
export function sliceSizes(shape: readonly number[], begin: readonly number[], given: unknown): number[] {
  const size = given === undefined ? [] : numbers(given);
  return shape.map((d, i) => (size[i] === undefined || size[i] === -1 ? d - (begin[i] ?? 0) : size[i]));
}

function split(call: KernelCall): Traced[] {
  const value = x(call);
  const axis = axisOf(call.attrs.axis, value.shape.length);
  const info = { dataId: value, shape: [...value.shape], dtype: 'float32' as const };
  const sizes = backend_util.prepareSplitSize(info, call.attrs.numOrSizeSplits as number | number[], axis);
  // Parts of one size are one node. It is told the size, or onnxruntime takes it for any other equal split of the same tensor.
  const [size = 0] = sizes;
  if (sizes.length > 1 && sizes.every((n) => n === size) && value.source.kind !== 'splat') {
    const shape = value.shape.map((d, i) => (i === axis ? size : d));
    return sizes.map((_, at) => ({
      value: call.g.node('Split', [value, call.g.ints(sizes)], { axis }, value.dtype, shape, { at, of: sizes.length }),
    }));
  }
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

/** tf.einsum's equation names every dimension with one letter, and the output's after an arrow: ONNX's own notation. */
function einsum({ g, list, attrs }: KernelCall): Traced {
  const equation = String(attrs.equation).replace(/\s/g, '');
  const values = list.map((t) => materialise(g, plain(g, t)));
  const [terms = '', to = ''] = equation.split('->');
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.split(',').entries()) {
    for (const [axis, letter] of [...term].entries()) sizes.set(letter, values[i]?.shape[axis] ?? 1);
  }
  const shape = [...to].map((letter) => sizes.get(letter) ?? 1);
  return { value: g.node('Einsum', values, { equation }, values[0]?.dtype ?? 'float32', shape) };
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
    const values = together(
      g,
      list.map((t) => plain(g, t)),
    );
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
  Reverse: (call) => {
    const value = x(call);
    return { value: axesOf(value.shape, call.attrs.dims).reduce((v, axis) => reversed(call.g, v, axis), value) };
  },
  Softmax: ({ g, input }) => {
    const value = plain(g, input('logits'));
    return { value: g.node('Softmax', [materialise(g, value)], { axis: -1 }, value.dtype, value.shape) };
  },
  Einsum: einsum,
  BatchMatMul: ({ g, input, attrs }) => ({
    value: matMul(g, plain(g, input('a')), plain(g, input('b')), !!attrs.transposeA, !!attrs.transposeB),
  }),
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
};
