// tfjs kernels that cut, mirror or rearrange tensors, beyond the everyday ones of shape.ts, and those that make one of nothing.
import { backend_util, slice_util, util } from '@tensorflow/tfjs';
import { type GraphBuilder, sizeOf, type Value } from '../graph.ts';
import { gather, materialise, pad, reshape, slice, transpose, where } from '../ops.ts';
import { plain, type Traced } from '../traced.ts';
import { reversed } from './reduce.ts';
import { sliceSizes } from './shape.ts';
import { axisOf, dtypeOf, type KernelCall, type KernelTable, numbers } from './table.ts';

/** One tensor for each index along an axis, without that axis. */
function unpack({ g, input, attrs }: KernelCall): Traced[] {
  const value = plain(g, input('value'));
  const axis = axisOf(attrs.axis, value.shape.length);
  const size = value.shape.map((d, i) => (i === axis ? 1 : d));
  const to = value.shape.filter((_, i) => i !== axis);
  return Array.from({ length: value.shape[axis] ?? 0 }, (_, at) => {
    const begin = value.shape.map((_, i) => (i === axis ? at : 0));
    return { value: reshape(g, slice(g, value, begin, size), to) };
  });
}

function stridedSlice({ g, input, attrs }: KernelCall): Traced {
  const value = plain(g, input('x'));
  const mask = (name: string): number => Number(attrs[name] ?? 0);
  const info = slice_util.sliceInfo(
    [...value.shape],
    numbers(attrs.begin),
    numbers(attrs.end),
    numbers(attrs.strides),
    mask('beginMask'),
    mask('endMask'),
    mask('ellipsisMask'),
    mask('newAxisMask'),
    mask('shrinkAxisMask'),
  );
  if (sizeOf(info.finalShape) === 0) {
    throw new Error(`StridedSlice: expected a slice that holds something, got shape [${info.finalShape}]`);
  }
  const axes = [...value.shape.keys()];
  // Backwards to the very first place, ONNX wants an end before it: counted from the end, as −1 would be the last place.
  const ends = info.end.map((end, i) => (end < 0 ? -1 - (value.shape[i] ?? 0) : end));
  const inputs = [materialise(g, value), g.ints(info.begin), g.ints(ends), g.ints(axes), g.ints(info.strides)];
  const sparse = slice_util.computeOutShape(info.begin, info.end, info.strides);
  const cut = info.isIdentity ? value : g.node('Slice', inputs, {}, value.dtype, sparse);
  return { value: reshape(g, cut, info.finalShape) };
}

/** Padding with what lies at the edge, mirrored: `reflect` without the edge itself, `symmetric` with it. */
function mirrorPad({ g, input, attrs }: KernelCall): Traced {
  const edge = attrs.mode === 'reflect' ? 0 : 1;
  const value = (attrs.paddings as [number, number][]).reduce(
    (v, [before, after], axis) => {
      if (before === 0 && after === 0) return v;
      const n = v.shape[axis] ?? 1;
      const indices = Int32Array.from({ length: before + n + after }, (_, i) => {
        const at = i - before;
        if (at < 0) return -at - edge;
        return at < n ? at : 2 * (n - 1) - at + edge;
      });
      return gather(g, v, g.constant(indices, 'int32', [indices.length]), axis);
    },
    plain(g, input('x')),
  );
  return { value };
}

function spaceToBatch({ g, input, attrs }: KernelCall): Traced {
  const value = plain(g, input('x'));
  const block = numbers(attrs.blockShape);
  const count = sizeOf(block);
  const given = attrs.paddings as [number, number][];
  const paddings = value.shape.map((_, i): [number, number] => (i === 0 ? [0, 0] : (given[i - 1] ?? [0, 0])));
  const padded = pad(g, value, paddings);
  const split = backend_util.getReshaped([...padded.shape], block, count, false);
  const turned = transpose(g, reshape(g, padded, split), backend_util.getPermuted(split.length, block.length, false));
  return { value: reshape(g, turned, backend_util.getReshapedPermuted([...padded.shape], block, count, false)) };
}

function batchToSpace({ g, input, attrs }: KernelCall): Traced {
  const value = plain(g, input('x'));
  const block = numbers(attrs.blockShape);
  const count = sizeOf(block);
  const crops = attrs.crops as number[][];
  const split = backend_util.getReshaped([...value.shape], block, count);
  const turned = transpose(g, reshape(g, value, split), backend_util.getPermuted(split.length, block.length));
  const whole = backend_util.getReshapedPermuted([...value.shape], block, count);
  const begin = backend_util.getSliceBeginCoords(crops, block.length);
  const size = sliceSizes(whole, begin, backend_util.getSliceSize(whole, crops, block.length));
  return { value: slice(g, reshape(g, turned, whole), begin, size) };
}

/** x on the diagonal of [...x.shape, ...x.shape], zero elsewhere. */
function diagonal({ g, input }: KernelCall): Traced {
  const value = plain(g, input('x'));
  const n = sizeOf(value.shape);
  const on = g.constant(
    Uint8Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    'bool',
    [n, n],
  );
  const spread = where(g, on, reshape(g, value, [n]), g.splat(0, value.dtype, []));
  return { value: reshape(g, spread, [...value.shape, ...value.shape]) };
}

/** Adds up in float32, as tfjs does. */
function steps(g: GraphBuilder, start: number, step: number, count: number): Value {
  const values = new Float32Array(count).fill(start);
  for (let i = 1; i < count; i++) values[i] = (values[i - 1] ?? 0) + step;
  return g.constant(values, 'float32', [count]);
}

export const layout: KernelTable = {
  Unpack: unpack,
  StridedSlice: stridedSlice,
  MirrorPad: mirrorPad,
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
  Diag: diagonal,
  FlipLeftRight: ({ g, input }) => ({ value: reversed(g, plain(g, input('image')), 2) }),
  LinSpace: ({ g, attrs }) => {
    const [start, stop, num] = [Number(attrs.start), Number(attrs.stop), Number(attrs.num)];
    return { value: steps(g, start, (stop - start) / (num - 1), num) };
  },
  Range: ({ g, attrs }) => {
    const [start, stop, step] = [Number(attrs.start), Number(attrs.stop), Number(attrs.step)];
    const dtype = dtypeOf(attrs.dtype);
    const by = stop < start && step === 1 ? -1 : step;
    const values = util.makeZerosTypedArray(Math.abs(Math.ceil((stop - start) / by)), dtype as 'float32');
    for (let i = 0; i < values.length; i++) values[i] = i === 0 ? start : (values[i - 1] ?? 0) + by;
    return { value: g.constant(values, dtype, [values.length]) };
  },
};
