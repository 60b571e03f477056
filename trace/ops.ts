// ONNX operators as functions on values: shapes are inferred, constants folded where that is a change of layout only,
// and the identities that autodiff produces by the hundred (x·1, x+0, reshape of reshape) are removed as they appear.
import { UserError } from '../contract/errors.ts';
import { type Attributes, type ConstantData, type DType, type GraphBuilder, sizeOf, type Value } from './graph.ts';

export function broadcastShape(op: string, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`${op}: expected shapes that broadcast, got [${a}] and [${b}]`);
    return x === 1 ? y : x;
  });
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

const isFill = (v: Value, fill: number): boolean => v.source.kind === 'splat' && v.source.fill === fill;

/** The value as a real tensor: a splat becomes a node that fills its shape. */
export function materialise(g: GraphBuilder, v: Value): Value {
  if (v.source.kind !== 'splat') return v;
  const { fill } = v.source;
  if (sizeOf(v.shape) <= 16) return fillConstant(g, fill, v.dtype, v.shape);
  return g.node('Expand', [fillConstant(g, fill, v.dtype, []), g.ints(v.shape)], {}, v.dtype, v.shape);
}

function fillConstant(g: GraphBuilder, fill: number, dtype: DType, shape: readonly number[]): Value {
  const n = sizeOf(shape);
  const data: Record<DType, () => ConstantData> = {
    float32: () => new Float32Array(n).fill(fill),
    int32: () => new Int32Array(n).fill(fill),
    int64: () => new BigInt64Array(n).fill(BigInt(fill)),
    bool: () => new Uint8Array(n).fill(fill),
  };
  return g.constant(data[dtype](), dtype, shape);
}

/** A splat as an operand of an elementwise operator: a scalar that broadcasts. */
const operand = (g: GraphBuilder, v: Value): Value =>
  v.source.kind === 'splat' ? fillConstant(g, v.source.fill, v.dtype, []) : v;

/** Gives `v` the wanted shape where an identity was removed but the other operand was the larger one. */
function expandTo(g: GraphBuilder, v: Value, shape: readonly number[]): Value {
  if (sameShape(v.shape, shape)) return v;
  if (v.source.kind === 'splat') return g.splat(v.source.fill, v.dtype, shape);
  return g.node('Expand', [v, g.ints(shape)], {}, v.dtype, shape);
}

const FOLD: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

const ORDERS = new Set(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual']);
const TRUTHS = new Set(['Equal', 'And', 'Or', 'Xor']);

/** ONNX counts no truths. Throws UserError where what tfjs makes of them is no truth either, such as 2. */
function ofTruths(g: GraphBuilder, op: string, a: Value, b: Value): Value {
  if (op === 'Mul') return binary(g, 'And', a, b);
  if (ORDERS.has(op)) return binary(g, op, cast(g, a, 'int32'), cast(g, b, 'int32'));
  throw noNumbers(op);
}

/** Values of one type: float32 where one of them is, as in tfjs. */
export function together(g: GraphBuilder, values: readonly Value[]): Value[] {
  const dtype = (['float32', 'int32'] as const).find((one) => values.some((v) => v.dtype === one)) ?? 'bool';
  return values.map((v) => cast(g, v, dtype));
}

/** Elementwise binary operator with numpy broadcasting. */
export function binary(g: GraphBuilder, op: string, a: Value, b: Value, attributes: Attributes = {}): Value {
  if (a.dtype === 'bool' && b.dtype === 'bool' && !TRUTHS.has(op)) return ofTruths(g, op, a, b);
  const shape = broadcastShape(op, a.shape, b.shape);
  const fold = FOLD[op];
  if (fold && a.dtype === 'float32') {
    if (a.source.kind === 'splat' && b.source.kind === 'splat') {
      return g.splat(Math.fround(fold(a.source.fill, b.source.fill)), a.dtype, shape);
    }
    if ((op === 'Mul' || op === 'Div') && isFill(b, 1)) return expandTo(g, a, shape);
    if (op === 'Mul' && isFill(a, 1)) return expandTo(g, b, shape);
    if ((op === 'Add' || op === 'Sub') && isFill(b, 0)) return expandTo(g, a, shape);
    if (op === 'Add' && isFill(a, 0)) return expandTo(g, b, shape);
    // 0·x is taken as 0: autodiff writes it for paths that are not taken, and keeping NaN alive through them helps nobody.
    if (op === 'Mul' && (isFill(a, 0) || isFill(b, 0))) return g.splat(0, a.dtype, shape);
    if (op === 'Div' && isFill(a, 0)) return g.splat(0, a.dtype, shape);
    if (op === 'Sub' && isFill(a, 0)) return expandTo(g, unary(g, 'Neg', b), shape);
  }
  // PRelu's slope may broadcast, its input may not.
  const [x, y] = [op === 'PRelu' ? materialise(g, expandTo(g, a, shape)) : operand(g, a), operand(g, b)];
  const dtype = ORDERS.has(op) || TRUTHS.has(op) ? 'bool' : a.dtype;
  const inferred = broadcastShape(op, x.shape, y.shape);
  return expandTo(g, g.node(op, [x, y], attributes, dtype, inferred), shape);
}

const noNumbers = (op: string): UserError =>
  new UserError(`${op}: expected numbers, got booleans; cast them to int32 or float32`);

export function unary(g: GraphBuilder, op: string, x: Value, attributes: Attributes = {}): Value {
  if (x.dtype === 'bool' && op !== 'Not') throw noNumbers(op);
  if (op === 'Neg' && x.source.kind === 'splat') return g.splat(-x.source.fill, x.dtype, x.shape);
  return g.node(op, [materialise(g, x)], attributes, x.dtype, x.shape);
}

export function where(g: GraphBuilder, condition: Value, a: Value, b: Value): Value {
  if (a.dtype === 'bool') {
    // onnxruntime's Where takes no bool.
    const otherwise = binary(g, 'And', unary(g, 'Not', condition), b);
    return binary(g, 'Or', binary(g, 'And', condition, a), otherwise);
  }
  const shape = broadcastShape('Where', condition.shape, broadcastShape('Where', a.shape, b.shape));
  const inputs = [materialise(g, condition), operand(g, a), operand(g, b)];
  return expandTo(
    g,
    g.node(
      'Where',
      inputs,
      {},
      a.dtype,
      inputs.reduce<number[]>((s, v) => broadcastShape('Where', s, v.shape), []),
    ),
    shape,
  );
}

const ONNX_TYPE: Record<DType, number> = { float32: 1, int32: 6, int64: 7, bool: 9 };

function castNumber(x: number, dtype: DType): number {
  if (dtype === 'bool') return x === 0 ? 0 : 1;
  return dtype === 'float32' ? Math.fround(x) : Math.trunc(x);
}

export function cast(g: GraphBuilder, x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  if (x.source.kind === 'splat') return g.splat(castNumber(x.source.fill, dtype), dtype, x.shape);
  return g.node('Cast', [x], { to: ONNX_TYPE[dtype] }, dtype, x.shape);
}

export function reshape(g: GraphBuilder, x: Value, shape: readonly number[]): Value {
  if (sizeOf(x.shape) !== sizeOf(shape)) throw new Error(`Reshape: expected the size of [${x.shape}], got [${shape}]`);
  if (sameShape(x.shape, shape)) return x;
  const { source } = x;
  if (source.kind === 'splat') return g.splat(source.fill, x.dtype, shape);
  if (source.kind === 'constant') return g.constant(source.data, x.dtype, shape);
  if (source.kind === 'node' && source.node.op === 'Reshape' && source.node.inputs[0]) {
    return reshape(g, source.node.inputs[0], shape);
  }
  return g.node('Reshape', [x, g.ints(shape)], {}, x.dtype, shape);
}

/** Output dimension i is input dimension perm[i]. */
export function transpose(g: GraphBuilder, x: Value, perm: readonly number[]): Value {
  const shape = perm.map((p) => x.shape[p] ?? 1);
  if (perm.every((p, i) => p === i)) return x;
  const { source } = x;
  if (source.kind === 'splat') return g.splat(source.fill, x.dtype, shape);
  if (source.kind === 'constant') return g.constant(transposeData(source.data, x.shape, perm), x.dtype, shape);
  // Moving only dimensions of size 1 leaves the order of the values as it is.
  const moved = perm.filter((p) => (x.shape[p] ?? 1) !== 1);
  if (moved.every((p, i) => i === 0 || p > (moved[i - 1] ?? 0))) return reshape(g, x, shape);
  if (source.kind === 'node' && source.node.op === 'Transpose') {
    const [inner] = source.node.inputs;
    const first = source.node.attributes.perm;
    if (inner && Array.isArray(first)) {
      return transpose(
        g,
        inner,
        perm.map((p) => Number(first[p])),
      );
    }
  }
  return g.node('Transpose', [x], { perm }, x.dtype, shape);
}

function transposeData(data: ConstantData, shape: readonly number[], perm: readonly number[]): ConstantData {
  const out = data.slice();
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const outShape = perm.map((p) => shape[p] ?? 1);
  const outStrides = perm.map((p) => strides[p] ?? 0);
  const index = new Array<number>(perm.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    out[to] = data[from] as never;
    for (let d = perm.length - 1; d >= 0; d--) {
      const next = (index[d] ?? 0) + 1;
      from += outStrides[d] ?? 0;
      if (next < (outShape[d] ?? 1)) {
        index[d] = next;
        break;
      }
      from -= (outStrides[d] ?? 0) * next;
      index[d] = 0;
    }
  }
  return out;
}

export function concat(g: GraphBuilder, parts: readonly Value[], axis: number): Value {
  const real = parts.filter((p) => sizeOf(p.shape) > 0).map((p) => materialise(g, p));
  const [first] = real;
  if (!first) throw new Error('Concat: expected at least one tensor that is not empty, got none');
  if (real.length === 1) return first;
  const total = real.reduce((n, p) => n + (p.shape[axis] ?? 0), 0);
  const shape = first.shape.map((d, i) => (i === axis ? total : d));
  return g.node('Concat', real, { axis }, first.dtype, shape);
}

export function slice(g: GraphBuilder, x: Value, begin: readonly number[], size: readonly number[]): Value {
  if (sameShape(x.shape, size)) return x;
  if (x.source.kind === 'splat') return g.splat(x.source.fill, x.dtype, size);
  const axes = size.flatMap((s, i) => (s === x.shape[i] ? [] : [i]));
  const starts = axes.map((i) => begin[i] ?? 0);
  const ends = axes.map((i) => (begin[i] ?? 0) + (size[i] ?? 0));
  return g.node('Slice', [x, g.ints(starts), g.ints(ends), g.ints(axes)], {}, x.dtype, size);
}

/** Adds `before` and `after` rows of `fill` along each dimension. */
export function pad(g: GraphBuilder, x: Value, paddings: readonly (readonly [number, number])[], fill = 0): Value {
  if (paddings.every(([a, b]) => a === 0 && b === 0)) return x;
  const shape = x.shape.map((d, i) => d + (paddings[i]?.[0] ?? 0) + (paddings[i]?.[1] ?? 0));
  const pads = [...paddings.map((p) => p[0]), ...paddings.map((p) => p[1])];
  const inputs = [materialise(g, x), g.ints(pads)];
  if (fill !== 0) inputs.push(fillConstant(g, fill, x.dtype, []));
  return g.node('Pad', inputs, {}, x.dtype, shape);
}

/** `indices` replaces dimension `axis`. */
export function gather(g: GraphBuilder, x: Value, indices: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return g.node('Gather', [materialise(g, x), materialise(g, indices)], { axis }, x.dtype, shape);
}

export type Reduction = 'Sum' | 'Mean' | 'Max' | 'Min' | 'Prod';

/** `keep`: reduced dimensions stay, of size 1. */
export function reduce(g: GraphBuilder, op: Reduction, x: Value, axes: readonly number[], keep = false): Value {
  const shape = keep ? x.shape.map((d, i) => (axes.includes(i) ? 1 : d)) : x.shape.filter((_, i) => !axes.includes(i));
  const keepdims = keep ? 1 : 0;
  if (axes.every((a) => x.shape[a] === 1)) return reshape(g, x, shape);
  if (x.source.kind === 'splat' && op !== 'Prod') {
    const count = axes.reduce((n, a) => n * (x.shape[a] ?? 1), 1);
    const sum = x.source.fill * count;
    const filled = op !== 'Sum' ? x.source.fill : x.dtype === 'float32' ? Math.fround(sum) : sum | 0;
    return g.splat(filled, x.dtype, shape);
  }
  // Opset 17 takes ReduceSum's axes as an input, the other reductions' as an attribute.
  if (op === 'Sum') return g.node('ReduceSum', [x, g.ints(axes)], { keepdims }, x.dtype, shape);
  return g.node(`Reduce${op}`, [materialise(g, x)], { axes, keepdims }, x.dtype, shape);
}

/** Where the largest or smallest value along `axis` is, the first (or last) of equals, as int32. */
export function argExtreme(
  g: GraphBuilder,
  op: 'ArgMax' | 'ArgMin',
  x: Value,
  axis: number,
  ofEquals: 'first' | 'last' = 'first',
): Value {
  const to = x.shape.filter((_, i) => i !== axis);
  const attributes = { axis, keepdims: 0, ...(ofEquals === 'last' ? { select_last_index: 1 } : {}) };
  return cast(g, g.node(op, [x], attributes, 'int64', to), 'int32');
}

/** Matrix product of the last two dimensions; for plain matrices a transposition costs nothing (Gemm). */
export function matMul(g: GraphBuilder, a: Value, b: Value, transposeA = false, transposeB = false): Value {
  const swap = (v: Value, yes: boolean): readonly number[] =>
    yes ? [...v.shape.slice(0, -2), v.shape.at(-1) ?? 1, v.shape.at(-2) ?? 1] : v.shape;
  const [x, y] = [swap(a, transposeA), swap(b, transposeB)];
  if (x.at(-1) !== y.at(-2)) throw new Error(`MatMul: expected inner sizes to agree, got [${x}] and [${y}]`);
  const batch = broadcastShape('MatMul', x.slice(0, -2), y.slice(0, -2));
  const shape = [...batch, x.at(-2) ?? 1, y.at(-1) ?? 1];
  const [left, right] = [materialise(g, a), materialise(g, b)];
  const swapLast = (v: Value): Value => {
    const rank = v.shape.length;
    return transpose(g, v, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
  };
  const isConstant = (v: Value): boolean => v.source.kind === 'constant';
  // Gemm knows fractions only.
  if (
    a.dtype !== 'float32' ||
    a.shape.length > 2 ||
    b.shape.length > 2 ||
    (!transposeA && (!transposeB || isConstant(right)))
  ) {
    const inputs = [transposeA ? swapLast(left) : left, transposeB ? swapLast(right) : right];
    return g.node('MatMul', inputs, {}, a.dtype, shape);
  }
  const attributes = { ...(transposeA ? { transA: 1 } : {}), ...(transposeB ? { transB: 1 } : {}) };
  return g.node('Gemm', [left, right], attributes, a.dtype, shape);
}
