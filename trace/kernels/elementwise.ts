// Elementwise tfjs kernels. They keep whatever storage order their inputs have.
import type { DType, Value } from '../graph.ts';
import { binary, cast, materialise, unary, where } from '../ops.ts';
import { align, mapBinary, mapUnary, shapeOf, withPerm } from '../traced.ts';
import { dtypeOf, type Kernel, type KernelCall, type KernelTable } from './table.ts';

const unaryOp =
  (op: string): Kernel =>
  ({ g, input }) =>
    mapUnary(input('x'), (x) => unary(g, op, x));

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
  Exp: unaryOp('Exp'),
  Floor: unaryOp('Floor'),
  Log: unaryOp('Log'),
  LogicalNot: unaryOp('Not'),
  Neg: unaryOp('Neg'),
  Reciprocal: unaryOp('Reciprocal'),
  Relu: unaryOp('Relu'),
  Sigmoid: unaryOp('Sigmoid'),
  Sign: unaryOp('Sign'),
  Sin: unaryOp('Sin'),
  Softplus: unaryOp('Softplus'),
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
  Log1p: (call) => mapUnary(call.input('x'), (x) => unary(call.g, 'Log', binary(call.g, 'Add', x, scalar(call, 1)))),
  Expm1: (call) => mapUnary(call.input('x'), (x) => binary(call.g, 'Sub', unary(call.g, 'Exp', x), scalar(call, 1))),
  LeakyRelu: ({ g, input, attrs }) =>
    mapUnary(input('x'), (x) => unary(g, 'LeakyRelu', x, { alpha: { float: Number(attrs.alpha) } })),
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
  Prelu: ({ g, input }) => mapBinary(g, 'PRelu', input('x'), input('alpha')),
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
    return withPerm(where(g, condition, t, e), perm);
  },
};
