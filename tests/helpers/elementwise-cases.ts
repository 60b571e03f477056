// One test for each kernel of trace/kernels/elementwise.ts.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { binaryCase, type KernelCase, kernelCase, types, unaryCase } from './kernel-case.ts';
import { broadcasting, type OperandType, operand, shapes } from './operands.ts';

const ALL: readonly OperandType[] = ['float32', 'int32', 'bool'];
const NUMBERS: readonly OperandType[] = ['float32', 'int32'];

/** Comparisons see many equal values. */
const comparison = (op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): KernelCase =>
  binaryCase(op, { a: { domain: 'whole' }, b: { domain: 'whole' }, dtypes: NUMBERS });

export const elementwiseCases: Readonly<Record<string, KernelCase>> = {
  Abs: unaryCase(tf.abs, {}, NUMBERS),
  Ceil: unaryCase(tf.ceil),
  Cos: unaryCase(tf.cos),
  // tfjs uses a formula of Abramowitz and Stegun that is good to 1.5e-7.
  Erf: unaryCase(tf.erf),
  Exp: unaryCase(tf.exp),
  Floor: unaryCase(tf.floor),
  Log: unaryCase(tf.log, { domain: 'positive' }),
  LogicalNot: unaryCase(tf.logicalNot, {}, ['bool']),
  Neg: unaryCase(tf.neg, {}, NUMBERS),
  Reciprocal: unaryCase(tf.reciprocal, { domain: 'positive' }),
  Relu: unaryCase(tf.relu, { domain: 'whole' }),
  Sigmoid: unaryCase(tf.sigmoid),
  Sign: unaryCase(tf.sign, { domain: 'whole' }),
  Sin: unaryCase(tf.sin),
  Softplus: unaryCase(tf.softplus),
  Sqrt: unaryCase(tf.sqrt, { domain: 'positive' }),
  Tanh: unaryCase(tf.tanh),
  Square: unaryCase(tf.square, {}, NUMBERS),
  Rsqrt: unaryCase(tf.rsqrt, { domain: 'positive' }),
  Log1p: unaryCase(tf.log1p, { domain: 'positive' }),
  Expm1: unaryCase(tf.expm1),
  LeakyRelu: kernelCase(
    fc
      .tuple(
        shapes().chain((s) => operand(s, { domain: 'whole' })),
        fc.constantFrom(0.2, 0, 0.01, 1.5),
      )
      .map(([x, alpha]) => [[x], alpha] as const),
    ([x], alpha) => tf.leakyRelu(x as tf.Tensor, alpha),
  ),
  Elu: unaryCase(tf.elu),
  Step: kernelCase(
    fc
      .tuple(
        fc.tuple(shapes(), types(...NUMBERS)).chain(([s, dtype]) => operand(s, { domain: 'whole', dtype })),
        fc.constantFrom(undefined, 0.2, 0, 1, -0.5, 2),
      )
      .map(([x, alpha]) => [[x], alpha] as const),
    ([x], alpha) => tf.step(x as tf.Tensor, alpha),
  ),
  ClipByValue: kernelCase(
    fc
      .tuple(
        fc.tuple(shapes(), types(...NUMBERS)).chain(([s, dtype]) => operand(s, { domain: 'whole', dtype })),
        fc.integer({ min: -2, max: 0 }),
        fc.integer({ min: 0, max: 2 }),
      )
      .map(([x, low, high]) => [[x], { low, high }] as const),
    ([x], { low, high }) => tf.clipByValue(x as tf.Tensor, low, high),
  ),
  Cast: kernelCase(
    fc
      .tuple(shapes(), types(...ALL), types(...ALL), types(...ALL))
      .chain(([s, from, to, then]) => operand(s, { dtype: from }).map((x) => [[x], { to, then }] as const)),
    // Twice, because a bool must have become 0 or 1 by the time it is a number again.
    ([x], { to, then }) => [tf.cast(x as tf.Tensor, to), tf.cast(tf.cast(x as tf.Tensor, to), then)],
  ),
  Identity: unaryCase(tf.clone, {}, ALL),
  OnesLike: unaryCase(tf.onesLike, {}, ALL),
  ZerosLike: unaryCase(tf.zerosLike, {}, ALL),

  Add: binaryCase(tf.add, { dtypes: NUMBERS }),
  Sub: binaryCase(tf.sub, { dtypes: NUMBERS }),
  Multiply: binaryCase(tf.mul, { dtypes: NUMBERS }),
  RealDiv: binaryCase(tf.div, { b: { domain: 'positive' } }),
  Maximum: binaryCase(tf.maximum, { a: { domain: 'whole' }, dtypes: NUMBERS }),
  Minimum: binaryCase(tf.minimum, { a: { domain: 'whole' }, dtypes: NUMBERS }),
  Pow: binaryCase(tf.pow, { a: { domain: 'positive' } }, 5e-6),
  Prelu: binaryCase(tf.prelu, { a: { domain: 'whole' } }),
  SquaredDifference: binaryCase(tf.squaredDifference, { dtypes: NUMBERS }),
  AddN: kernelCase(
    fc
      .tuple(shapes(), fc.integer({ min: 1, max: 4 }), types(...NUMBERS))
      .chain(([s, n, dtype]) => fc.array(operand(s, { dtype }), { minLength: n, maxLength: n }))
      .map((operands) => [operands, undefined] as const),
    (tensors) => tf.addN(tensors),
  ),

  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  Equal: comparison(tf.equal),
  NotEqual: comparison(tf.notEqual),
  LogicalAnd: binaryCase(tf.logicalAnd, { dtypes: ['bool'] }),
  LogicalOr: binaryCase(tf.logicalOr, { dtypes: ['bool'] }),
  Select: kernelCase(
    fc
      .tuple(broadcasting(3), types(...ALL))
      .chain(([[c = [], t = [], e = []], dtype]) =>
        fc.tuple(operand(c, { dtype: 'bool' }), operand(t, { dtype }), operand(e, { dtype })),
      )
      .map((operands) => [operands, undefined] as const),
    ([c, t, e]) => tf.where(c as tf.Tensor, t as tf.Tensor, e as tf.Tensor),
  ),
};
