// Elementwise tfjs kernels. They keep whatever storage order their inputs have.
import type { DType, GraphBuilder, Value } from '../graph.ts';
import { binary, cast, materialise, together, unary, where } from '../ops.ts';
import { align, mapBinary, mapUnary, shapeOf, type Traced, withPerm } from '../traced.ts';
import { dtypeOf, type Kernel, type KernelCall, type KernelTable } from './table.ts';

const unaryOp =
  (op: string): Kernel =>
  ({ g, input }) =>
    mapUnary(input('x'), (x) => unary(g, op, x));

/** Of ONNX for fractions only; of whole numbers tfjs gives whole ones. */
export const throughFractions =
  (make: (g: GraphBuilder, x: Value) => Value): Kernel =>
  ({ g, input }) =>
    mapUnary(input('x'), (x) => cast(g, make(g, cast(g, x, 'float32')), x.dtype));

/** A fraction of whatever is given. */
const fraction = (g: GraphBuilder, x: Traced): Traced => mapUnary(x, (value) => cast(g, value, 'float32'));

/** |x| from which a sum with 1 loses nothing that counts. */
const FAR = 0.5;

/** `near` where x is close to 0, `far` elsewhere. */
function nearZero(g: GraphBuilder, x: Value, near: Value, far: Value): Value {
  return where(g, binary(g, 'Less', unary(g, 'Abs', x), g.splat(FAR, 'float32', [])), near, far);
}

/** ln(1 + x), which near 0 is 2 · artanh(x / (2 + x)): 1 + x would drop what x has below the last bit of 1. */
function log1p(g: GraphBuilder, x: Value): Value {
  const number = (n: number) => g.splat(n, 'float32', []);
  const half = unary(g, 'Atanh', binary(g, 'Div', x, binary(g, 'Add', x, number(2))));
  return nearZero(g, x, binary(g, 'Mul', half, number(2)), unary(g, 'Log', binary(g, 'Add', x, number(1))));
}

/** eˣ − 1, which near 0 is 2t / (1 − t) with t = tanh(x / 2). */
function expm1(g: GraphBuilder, x: Value): Value {
  const number = (n: number) => g.splat(n, 'float32', []);
  const t = unary(g, 'Tanh', binary(g, 'Mul', x, number(0.5)));
  const near = binary(g, 'Div', binary(g, 'Mul', t, number(2)), binary(g, 'Sub', number(1), t));
  return nearZero(g, x, near, binary(g, 'Sub', unary(g, 'Exp', x), number(1)));
}

const binaryOp =
  (op: string): Kernel =>
  ({ g, input }) =>
    mapBinary(g, op, input('a'), input('b'));

const scalar = ({ g }: KernelCall, fill: number, dtype: DType = 'float32') => g.splat(fill, dtype, []);

function fillLike(call: KernelCall, fill: number) {
  return mapUnary(call.input('x'), (x) => call.g.splat(fill, x.dtype, x.shape));
}

export const elementwise: KernelTable = {
  Abs: unaryOp('Abs'),
  Ceil: unaryOp('Ceil'),
  Cos: unaryOp('Cos'),
  Erf: unaryOp('Erf'),
  Exp: ({ g, input }) => mapUnary(fraction(g, input('x')), (x) => unary(g, 'Exp', x)),
  Floor: unaryOp('Floor'),
  Log: unaryOp('Log'),
  LogicalNot: unaryOp('Not'),
  Neg: unaryOp('Neg'),
  Reciprocal: throughFractions((g, x) => unary(g, 'Reciprocal', x)),
  Relu: unaryOp('Relu'),
  Sigmoid: unaryOp('Sigmoid'),
  Sign: unaryOp('Sign'),
  Sin: unaryOp('Sin'),
  Softplus: throughFractions((g, x) => unary(g, 'Softplus', x)),
  Sqrt: unaryOp('Sqrt'),
  Tanh: unaryOp('Tanh'),
  // To serve, a power: ONNX Runtime knows RMS norm by it, and makes one operator of six.
  Square: ({ g, input, lowering }) =>
    mapUnary(input('x'), (x) =>
      lowering === 'conv' && x.dtype === 'float32'
        ? binary(g, 'Pow', x, g.splat(2, 'float32', []))
        : binary(g, 'Mul', x, x),
    ),
  Rsqrt: ({ g, input }) => mapUnary(input('x'), (x) => unary(g, 'Reciprocal', unary(g, 'Sqrt', x))),
  Log1p: throughFractions(log1p),
  Expm1: throughFractions(expm1),
  LeakyRelu: ({ g, input, attrs }) =>
    mapUnary(fraction(g, input('x')), (x) => unary(g, 'LeakyRelu', x, { alpha: { float: Number(attrs.alpha) } })),
  Elu: ({ g, input }) => mapUnary(input('x'), (x) => unary(g, 'Elu', x, { alpha: { float: 1 } })),
  Step: (call) => {
    const { g, input, attrs } = call;
    const alpha = Number(attrs.alpha ?? 0);
    // tf.step: 1 above zero, alpha at and below it. onnxruntime's Where runs on one thread and took 10 ms on
    // [128,14,14,48] where Cast and Max together take under 2.
    return mapUnary(input('x'), (x) => {
      const above = binary(g, 'Greater', x, scalar(call, 0, x.dtype));
      const step = (): Value => {
        if (alpha < 0 || alpha > 1) return where(g, above, scalar(call, 1), scalar(call, alpha));
        const ones = cast(g, above, 'float32');
        return alpha === 0 ? ones : binary(g, 'Max', ones, scalar(call, alpha));
      };
      return cast(g, step(), x.dtype);
    });
  },
  ClipByValue: (call) => {
    const { g, input, attrs } = call;
    const bound = (x: Value, name: string) => scalar(call, Number(attrs[name]), x.dtype);
    return mapUnary(input('x'), (x) =>
      binary(g, 'Min', binary(g, 'Max', x, bound(x, 'clipValueMin')), bound(x, 'clipValueMax')),
    );
  },
  Cast: ({ g, input, attrs }) => mapUnary(input('x'), (x) => cast(g, x, dtypeOf(attrs.dtype))),
  Identity: ({ input }) => input('x'),
  OnesLike: (call) => fillLike(call, 1),
  ZerosLike: (call) => fillLike(call, 0),

  Add: binaryOp('Add'),
  Sub: binaryOp('Sub'),
  Multiply: binaryOp('Mul'),
  RealDiv: binaryOp('Div'),
  Maximum: binaryOp('Max'),
  Minimum: binaryOp('Min'),
  Pow: binaryOp('Pow'),
  Prelu: ({ g, input }) => mapBinary(g, 'PRelu', fraction(g, input('x')), fraction(g, input('alpha'))),
  SquaredDifference: ({ g, input }) =>
    mapUnary(mapBinary(g, 'Sub', input('a'), input('b')), (d) => binary(g, 'Mul', d, d)),
  AddN: ({ g, list }) => list.reduce((a, b) => mapBinary(g, 'Add', a, b)),

  Greater: binaryOp('Greater'),
  GreaterEqual: binaryOp('GreaterOrEqual'),
  Less: binaryOp('Less'),
  LessEqual: binaryOp('LessOrEqual'),
  Equal: binaryOp('Equal'),
  LogicalAnd: binaryOp('And'),
  LogicalOr: binaryOp('Or'),
  NotEqual: ({ g, input }) =>
    mapUnary(mapBinary(g, 'Equal', input('a'), input('b')), (x) => unary(g, 'Not', materialise(g, x))),
  Select: ({ g, input }) => {
    const { values, perm } = align(g, [input('condition'), input('t'), input('e')]);
    const [condition, t, e] = values;
    if (!condition || !t || !e) throw new Error(`Select: expected three tensors, got shape ${shapeOf(input('t'))}`);
    const [yes, no] = together(g, [t, e]) as [Value, Value];
    return withPerm(where(g, condition, yes, no), perm);
  },
};
