// Elementwise tfjs kernels that are less common, or take several ONNX operators.
import type { GraphBuilder, Value } from '../graph.ts';
import { binary, cast, materialise, unary, where } from '../ops.ts';
import { align, mapUnary, withPerm } from '../traced.ts';
import { throughFractions } from './elementwise.ts';
import type { Kernel, KernelTable } from './table.ts';

const unaryOp = (op: string): Kernel => throughFractions((g, x) => unary(g, op, x));

/** IsNaN and IsInf know fractions only; of integers neither is ever true. */
const test = (g: GraphBuilder, op: 'IsNaN' | 'IsInf', x: Value): Value =>
  g.node(op, [materialise(g, cast(g, x, 'float32'))], {}, 'bool', x.shape);

const fill = (g: GraphBuilder, x: Value, n: number): Value => g.splat(n, x.dtype, []);

/** Two operands in one storage order. */
const both =
  (f: (g: GraphBuilder, a: Value, b: Value) => Value): Kernel =>
  ({ g, input }) => {
    const { values, perm } = align(g, [input('a'), input('b')]);
    const [a, b] = values;
    if (!a || !b) throw new Error('elementwise kernel: expected two operands');
    return withPerm(f(g, a, b), perm);
  };

/** The remainder with the divisor's sign, as Python's and tfjs's, exact (a − ⌊a / b⌋ · b is not). */
function modulo(g: GraphBuilder, a: Value, b: Value): Value {
  if (a.dtype === 'int32') return binary(g, 'Mod', a, b);
  const rest = binary(g, 'Mod', a, b, { fmod: 1 }); // of the dividend's sign
  const zero = fill(g, a, 0);
  const opposite = binary(g, 'Xor', binary(g, 'Less', rest, zero), binary(g, 'Less', b, zero));
  const wrong = binary(g, 'And', unary(g, 'Not', binary(g, 'Equal', rest, zero)), opposite);
  return where(g, wrong, binary(g, 'Add', rest, b), rest);
}

/** The quotient rounded down, an int32 as in tfjs. */
function floorDivision(g: GraphBuilder, a: Value, b: Value): Value {
  if (a.dtype === 'int32') return binary(g, 'Div', binary(g, 'Sub', a, modulo(g, a, b)), b);
  return cast(g, unary(g, 'Floor', binary(g, 'Div', a, b)), 'int32');
}

/** The angle of (x, y) with the first axis, −π … π. */
function angle(g: GraphBuilder, y: Value, x: Value): Value {
  const zero = fill(g, x, 0);
  const half = unary(g, 'Atan', binary(g, 'Div', y, x)); // right where x > 0; of −0 it has the other sign
  const turn = where(g, binary(g, 'Less', y, zero), fill(g, x, -Math.PI), fill(g, x, Math.PI));
  const left = where(g, binary(g, 'Less', x, zero), binary(g, 'Add', half, turn), half);
  const up = binary(g, 'Mul', unary(g, 'Sign', y), fill(g, x, Math.PI / 2));
  const whole = where(g, binary(g, 'Equal', x, zero), up, left);
  const origin = binary(g, 'And', binary(g, 'Equal', x, zero), binary(g, 'Equal', y, zero));
  return where(g, origin, zero, whole);
}

export const math: KernelTable = {
  Acos: unaryOp('Acos'),
  Acosh: unaryOp('Acosh'),
  Asin: unaryOp('Asin'),
  Asinh: unaryOp('Asinh'),
  Atan: unaryOp('Atan'),
  Atanh: unaryOp('Atanh'),
  Cosh: unaryOp('Cosh'),
  Sinh: unaryOp('Sinh'),
  Tan: unaryOp('Tan'),
  /** Halves to the even neighbour, in both. */
  Round: unaryOp('Round'),
  /** α and γ of Klambauer et al. 2017, in both. */
  Selu: unaryOp('Selu'),
  /** Clip, which run-times fuse with the convolution in front of it. */
  Relu6: ({ g, input }) =>
    mapUnary(input('x'), (x) => {
      const bounds = [0, 6].map((n) => materialise(g, fill(g, x, n)));
      return g.node('Clip', [materialise(g, x), ...bounds], {}, x.dtype, x.shape);
    }),
  /** From the output: 1 above zero, y + 1 (which is α · eˣ) below. */
  EluGrad: ({ g, input }) => {
    const { values, perm } = align(g, [input('dy'), input('y')]);
    const [dy, y] = values;
    if (!dy || !y) throw new Error('EluGrad: expected two operands');
    const below = binary(g, 'Min', y, fill(g, y, 0));
    return withPerm(binary(g, 'Mul', dy, binary(g, 'Add', below, fill(g, y, 1))), perm);
  },
  IsNan: ({ g, input }) => mapUnary(input('x'), (x) => test(g, 'IsNaN', x)),
  IsInf: ({ g, input }) => mapUnary(input('x'), (x) => test(g, 'IsInf', x)),
  IsFinite: ({ g, input }) =>
    mapUnary(input('x'), (x) => unary(g, 'Not', binary(g, 'Or', test(g, 'IsNaN', x), test(g, 'IsInf', x)))),
  Mod: both(modulo),
  FloorDiv: both(floorDivision),
  Atan2: both((g, y, x) => cast(g, angle(g, cast(g, y, 'float32'), cast(g, x, 'float32')), y.dtype)),
};
