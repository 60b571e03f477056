// tfjs kernels that read and write places named by a tensor, count, sort and search.
import { type GraphBuilder, sizeOf, type Value } from '../graph.ts';
import { binary, cast, gather, materialise, reduce, reshape, slice, where } from '../ops.ts';
import { plain, type Traced } from '../traced.ts';
import { axisOf, dtypeOf, type Kernel, type KernelCall, type KernelTable, numbers } from './table.ts';

const range = (g: GraphBuilder, n: number): Value =>
  g.constant(
    Int32Array.from({ length: n }, (_, i) => i),
    'int32',
    [n],
  );

const last = (shape: readonly number[]): number => shape.at(-1) ?? 1;

/** [...indices, depth]: whether the index is the place. An index beyond them is none of them, as in tfjs. */
function isPlace(g: GraphBuilder, indices: Value, depth: number): Value {
  return binary(g, 'Equal', reshape(g, cast(g, indices, 'int32'), [...indices.shape, 1]), range(g, depth));
}

function oneHot({ g, input, attrs }: KernelCall): Traced {
  const hot = isPlace(g, plain(g, input('indices')), Number(attrs.depth));
  const [on, off] = [Number(attrs.onValue ?? 1), Number(attrs.offValue ?? 0)];
  const dtype = dtypeOf(attrs.dtype ?? 'float32');
  if (on === 1 && off === 0) return { value: cast(g, hot, dtype) };
  const values = where(g, hot, g.splat(on, 'float32', []), g.splat(off, 'float32', []));
  return { value: cast(g, values, dtype) };
}

/** Gathers along `axis`; the first `batchDims` dimensions of both are gone through together. */
function gatherV2({ g, input, attrs }: KernelCall): Traced {
  const [x, indices] = [plain(g, input('x')), plain(g, input('indices'))];
  const axis = axisOf(attrs.axis, x.shape.length);
  const batchDims = Number(attrs.batchDims ?? 0);
  if (batchDims === 0) return { value: gather(g, x, indices, axis) };
  if (axis !== batchDims)
    throw new Error(`GatherV2: expected axis ${batchDims} for batchDims ${batchDims}, got ${axis}`);
  const at = materialise(g, cast(g, reshape(g, indices, [...indices.shape, 1]), 'int64'));
  const to = [...indices.shape, ...x.shape.slice(axis + 1)];
  return { value: g.node('GatherND', [materialise(g, x), at], { batch_dims: batchDims }, x.dtype, to) };
}

/** The last dimension of `indices` names a place, or a slice where it names fewer dimensions than there are. */
function gatherNd({ g, input }: KernelCall): Traced {
  const [params, indices] = [plain(g, input('params')), plain(g, input('indices'))];
  const to = [...indices.shape.slice(0, -1), ...params.shape.slice(last(indices.shape))];
  const at = materialise(g, cast(g, indices, 'int64'));
  return { value: g.node('GatherND', [materialise(g, params), at], {}, params.dtype, to) };
}

/** Writes `updates` over `data`, at indices that name a place each. */
function overwrite(g: GraphBuilder, data: Value, indices: Value, updates: Value): Value {
  const at = materialise(g, cast(g, indices, 'int64'));
  return g.node('ScatterND', [materialise(g, data), at, materialise(g, updates)], {}, data.dtype, data.shape);
}

/**
 * Adds each row of `updates` to row `at` of zeros [rows, width]. ScatterElements, not ScatterND: onnxruntime adds the former's
 * one after the other, the latter's on several threads at once, and equal rows then lose some.
 */
function addRows(g: GraphBuilder, rows: number, at: Value, updates: Value): Value {
  const [count = 1, width = 1] = updates.shape;
  const wide = g.node('Expand', [materialise(g, reshape(g, at, [count, 1])), g.ints([count, width])], {}, at.dtype, [
    count,
    width,
  ]);
  const zeros = materialise(g, g.splat(0, updates.dtype, [rows, width]));
  const inputs = [zeros, wide, materialise(g, updates)];
  return g.node('ScatterElements', inputs, { axis: 0, reduction: 'add' }, updates.dtype, [rows, width]);
}

/** A list of numbers is one of places in the first dimension. */
const placesOf = (g: GraphBuilder, indices: Value): Value =>
  indices.shape.length === 1 ? reshape(g, indices, [...indices.shape, 1]) : indices;

/** tf.scatterND: zeros with updates added at the places named. */
function scatterNd({ g, input, attrs }: KernelCall): Traced {
  const [indices, updates] = [placesOf(g, plain(g, input('indices'))), plain(g, input('updates'))];
  const shape = numbers(attrs.shape);
  const named = last(indices.shape);
  const strides = shape.slice(0, named).map((_, i) => sizeOf(shape.slice(i + 1, named)));
  const count = sizeOf(indices.shape) / named;
  const flat = binary(
    g,
    'Mul',
    reshape(g, indices, [count, named]),
    g.constant(Int32Array.from(strides), 'int32', [named]),
  );
  const width = sizeOf(shape.slice(named));
  const rows = addRows(
    g,
    sizeOf(shape.slice(0, named)),
    reduce(g, 'Sum', flat, [1]),
    reshape(g, updates, [count, width]),
  );
  return { value: reshape(g, rows, shape) };
}

function sparseToDense({ g, input, attrs }: KernelCall): Traced {
  const [indices, values] = [plain(g, input('sparseIndices')), plain(g, input('sparseValues'))];
  const shape = numbers(attrs.outputShape);
  const count = indices.shape.length === 2 ? (indices.shape[0] ?? 1) : sizeOf(indices.shape);
  const spread = (v: Value, to: readonly number[]): Value =>
    g.node('Expand', [materialise(g, v), g.ints(to)], {}, v.dtype, to);
  const updates = values.shape.length === 0 ? spread(values, [count]) : values;
  const data = spread(reshape(g, plain(g, input('defaultValue')), []), shape);
  return { value: overwrite(g, data, reshape(g, indices, [count, shape.length]), updates) };
}

/** Sums the rows of x that carry the same id; ids beyond the segments belong to none, as in tfjs. */
function unsortedSegmentSum({ g, input, attrs }: KernelCall): Traced {
  const [x, ids] = [plain(g, input('x')), plain(g, input('segmentIds'))];
  const segments = Number(attrs.numSegments);
  const count = sizeOf(ids.shape);
  const rest = x.shape.slice(ids.shape.length);
  // One row more than there are segments takes what belongs to none.
  const most = g.splat(segments, 'int32', []);
  const known = binary(g, 'GreaterOrEqual', ids, g.splat(0, 'int32', []));
  const at = binary(g, 'Min', where(g, known, ids, most), most);
  const width = sizeOf(rest);
  const rows = addRows(g, segments + 1, at, reshape(g, cast(g, x, 'float32'), [count, width]));
  return { value: reshape(g, slice(g, rows, [0, 0], [segments, width]), [segments, ...rest]) };
}

/** The k largest along the last dimension, and where they are; equal ones in their order, in both. */
function topK({ g, input, attrs }: KernelCall): Traced[] {
  const given = plain(g, input('x'));
  const x = materialise(g, cast(g, given, given.dtype === 'bool' ? 'int32' : given.dtype));
  const axis = x.shape.length - 1;
  const to = [...x.shape.slice(0, -1), Number(attrs.k)];
  const places = g.node('TopK', [x, g.ints([Number(attrs.k)])], { axis }, 'int64', to, { at: 1, of: 2 });
  const values = g.node('GatherElements', [x, places], { axis }, x.dtype, to);
  return [cast(g, values, given.dtype), cast(g, places, 'int32')].map((value) => ({ value }));
}

/** For each value, how many of its row of the sorted sequence come before it. */
function searchSorted({ g, input, attrs }: KernelCall): Traced {
  const [sequence, values] = [plain(g, input('sortedSequence')), plain(g, input('values'))];
  const op = attrs.side === 'left' ? 'Less' : 'LessOrEqual';
  const [rows = 1, n = 1] = sequence.shape;
  const before = binary(g, op, reshape(g, sequence, [rows, 1, n]), reshape(g, values, [rows, last(values.shape), 1]));
  return { value: reduce(g, 'Sum', materialise(g, cast(g, before, 'int32')), [2]) };
}

/** How often each number occurs in the last dimension of x, or the weights of its places summed. */
const bincount: Kernel = ({ g, input, attrs }) => {
  const [x, weights] = [plain(g, input('x')), plain(g, input('weights'))];
  const axis = x.shape.length - 1;
  const found = cast(g, isPlace(g, x, Number(attrs.size)), weights.dtype); // [..., n, size]
  if (attrs.binaryOutput) return { value: reduce(g, 'Max', found, [axis]) };
  const weighted = sizeOf(weights.shape) === 0 ? found : binary(g, 'Mul', found, reshape(g, weights, [...x.shape, 1]));
  return { value: reduce(g, 'Sum', weighted, [axis]) };
};

export const indexing: KernelTable = {
  OneHot: oneHot,
  GatherV2: gatherV2,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: ({ g, input }) => ({
    value: overwrite(g, plain(g, input('tensor')), placesOf(g, plain(g, input('indices'))), plain(g, input('updates'))),
  }),
  SparseToDense: sparseToDense,
  UnsortedSegmentSum: unsortedSegmentSum,
  TopK: topK,
  SearchSorted: searchSorted,
  Bincount: bincount,
  DenseBincount: bincount,
};
