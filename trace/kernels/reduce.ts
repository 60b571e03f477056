// tfjs kernels that reduce dimensions to one value, or to running ones.
import type { DType, GraphBuilder, Value } from '../graph.ts';
import { argExtreme, binary, cast, gather, materialise, pad, type Reduction, reduce, slice } from '../ops.ts';
import { plain } from '../traced.ts';
import { axesOf, axisOf, type Kernel, type KernelCall, type KernelTable } from './table.ts';

/** Reduces over tfjs's axes; `as` says what element type the sum is made in and what it becomes. */
const reduction =
  (
    op: Reduction,
    axisName = 'axis',
    as: (given: DType) => { made: DType; result: DType } = (t) => ({ made: t, result: t }),
  ): Kernel =>
  (call) => {
    const given = plain(call.g, call.input('x'));
    const { made, result } = as(given.dtype);
    const value = cast(call.g, given, made);
    const axes = axesOf(value.shape, call.attrs[axisName]);
    const reduced = reduce(
      call.g,
      op,
      value,
      [...axes].sort((a, b) => a - b),
      !!call.attrs.keepDims,
    );
    return { value: cast(call.g, reduced, result) };
  };

const extreme =
  (op: 'ArgMax' | 'ArgMin'): Kernel =>
  ({ g, input, attrs }) => {
    const given = plain(g, input('x'));
    const value = cast(g, given, asNumbers(given.dtype).made);
    return { value: argExtreme(g, op, materialise(g, value), axisOf(attrs.axis, value.shape.length)) };
  };

/** ONNX reduces no bool. */
const asNumbers = (given: DType): { made: DType; result: DType } => ({
  made: given === 'bool' ? 'int32' : given,
  result: given === 'bool' ? 'int32' : given,
});
/** The largest of truths is one. */
const asGiven = (given: DType): { made: DType; result: DType } => ({ made: asNumbers(given).made, result: given });
const asTruth = (): { made: DType; result: DType } => ({ made: 'int32', result: 'bool' });
/** A mean of integers is a fraction. */
const asFraction = (): { made: DType; result: DType } => ({ made: 'float32', result: 'float32' });

function cumulativeSum({ g, input, attrs }: KernelCall): { value: Value } {
  const given = plain(g, input('x'));
  const x = cast(g, given, given.dtype === 'bool' ? 'int32' : given.dtype);
  const axis = g.constant(Int32Array.of(axisOf(attrs.axis, x.shape.length)), 'int32', []);
  const attributes = { ...(attrs.exclusive ? { exclusive: 1 } : {}), ...(attrs.reverse ? { reverse: 1 } : {}) };
  return { value: g.node('CumSum', [materialise(g, x), axis], attributes, x.dtype, x.shape) };
}

/** The values along an axis in reverse. */
export function reversed(g: GraphBuilder, x: Value, axis: number): Value {
  const n = x.shape[axis] ?? 0;
  const indices = g.constant(
    Int32Array.from({ length: n }, (_, i) => n - 1 - i),
    'int32',
    [n],
  );
  return gather(g, x, indices, axis);
}

/** Moves the values `by` places along an axis, ones in front. */
function shifted(g: GraphBuilder, x: Value, axis: number, by: number): Value {
  const paddings = x.shape.map((_, i): [number, number] => (i === axis ? [by, 0] : [0, 0]));
  return slice(
    g,
    pad(g, x, paddings, 1),
    x.shape.map(() => 0),
    x.shape,
  );
}

/** ONNX has no running product: after step k each place holds the product of 2ᵏ values (Hillis and Steele 1986). */
function cumulativeProduct({ g, input, attrs }: KernelCall): { value: Value } {
  const given = plain(g, input('x'));
  const axis = axisOf(attrs.axis, given.shape.length);
  const turn = (v: Value): Value => (attrs.reverse ? reversed(g, v, axis) : v);
  let x = turn(materialise(g, cast(g, given, given.dtype === 'bool' ? 'int32' : given.dtype)));
  for (let by = 1; by < (x.shape[axis] ?? 1); by *= 2) x = binary(g, 'Mul', x, shifted(g, x, axis, by));
  return { value: turn(attrs.exclusive ? shifted(g, x, axis, 1) : x) };
}

export const reductions: KernelTable = {
  Sum: reduction('Sum', 'axis', asNumbers),
  Mean: reduction('Mean', 'axis', asFraction),
  Max: reduction('Max', 'reductionIndices', asGiven),
  Min: reduction('Min', 'axis', asGiven),
  Prod: reduction('Prod', 'axis', asNumbers),
  All: reduction('Min', 'axis', asTruth),
  Any: reduction('Max', 'axis', asTruth),
  ArgMax: extreme('ArgMax'),
  ArgMin: extreme('ArgMin'),
  Cumsum: cumulativeSum,
  Cumprod: cumulativeProduct,
};
