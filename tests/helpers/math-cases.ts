// One test for each kernel of trace/kernels/math.ts.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { binaryCase, type KernelCase, kernelCase, unaryCase } from './kernel-case.ts';
import { type OperandType, operand, shapes } from './operands.ts';

const ALL: readonly OperandType[] = ['float32', 'int32', 'bool'];
const NUMBERS: readonly OperandType[] = ['float32', 'int32'];

/** Operands inside −1 … 1, where arcs are defined. */
const unit = (op: (x: tf.Tensor) => tf.Tensor): KernelCase =>
  unaryCase((x) => op(tf.mul(tf.tanh(x), 0.95)), {}, ['float32'], 1e-5);

/** Numbers, infinities and what is no number. */
const special = (op: (x: tf.Tensor) => tf.Tensor): KernelCase =>
  unaryCase(
    (x) => op(tf.cast(x, 'float32').div(tf.sub(1, tf.abs(tf.cast(x, 'float32'))))),
    { domain: 'whole' },
    NUMBERS,
  );

export const mathCases: Readonly<Record<string, KernelCase>> = {
  Acos: unit(tf.acos),
  Acosh: unaryCase((x) => tf.acosh(tf.add(x, 1)), { domain: 'positive' }, ['float32'], 1e-5),
  Asin: unit(tf.asin),
  Asinh: unaryCase(tf.asinh, {}, ['float32'], 1e-5),
  Atan: unaryCase(tf.atan),
  Atanh: unit(tf.atanh),
  Cosh: unaryCase(tf.cosh),
  Sinh: unaryCase(tf.sinh),
  Tan: unit(tf.tan),
  // Halves too.
  Round: unaryCase((x) => tf.round(tf.div(x, 2)), { domain: 'whole' }),
  Selu: unaryCase(tf.selu),
  Relu6: unaryCase((x) => tf.relu6(tf.mul(x, 3)), { domain: 'whole' }),
  EluGrad: unaryCase((x) => tf.grad((y: tf.Tensor) => tf.square(tf.elu(y)))(x), { domain: 'whole' }),
  IsNan: special(tf.isNaN),
  IsInf: special(tf.isInf),
  IsFinite: special(tf.isFinite),
  Mod: kernelCase(
    fc
      .tuple(shapes(), fc.constantFrom<OperandType>('float32', 'int32'))
      .chain(([s, dtype]) => fc.tuple(operand(s, { dtype }), operand(s, { dtype, domain: 'positive' }), fc.boolean()))
      .map(([a, b, negative]) => [[a, b], negative] as const),
    ([a, b], negative) => tf.mod(a as tf.Tensor, negative ? tf.neg(b as tf.Tensor) : (b as tf.Tensor)),
  ),
  FloorDiv: binaryCase((a, b) => tf.floorDiv(a, b), { b: { domain: 'positive' }, dtypes: NUMBERS }),
  Atan2: binaryCase(tf.atan2, { a: { domain: 'whole' }, b: { domain: 'whole' } }),
};

/** Reductions and running ones, with the options they share. */
const along = (
  op: (x: tf.Tensor, axis: number, exclusive: boolean, reverse: boolean) => tf.Tensor,
  dtypes: readonly OperandType[],
  domain: 'whole' | 'normal' = 'normal',
): KernelCase =>
  kernelCase(
    fc
      .tuple(shapes(1, 4), fc.constantFrom(...dtypes), fc.nat(3), fc.boolean(), fc.boolean())
      .chain(([s, dtype, axis, exclusive, reverse]) =>
        operand(s, { dtype, domain }).map((x) => [[x], { axis: axis % s.length, exclusive, reverse }] as const),
      ),
    ([x], { axis, exclusive, reverse }) => op(x as tf.Tensor, axis, exclusive, reverse),
    1e-5,
  );

const over = (
  op: (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor,
  dtypes: readonly OperandType[],
): KernelCase =>
  kernelCase(
    fc
      .tuple(shapes(1, 4), fc.constantFrom(...dtypes))
      .chain(([s, dtype]) =>
        fc.tuple(
          operand(s, { dtype }),
          fc.option(fc.subarray([...s.keys()], { minLength: 1 }), { nil: undefined }),
          fc.boolean(),
        ),
      )
      .map(([x, axes, keepDims]) => [[x], { axes, keepDims }] as const),
    ([x], { axes, keepDims }) => op(x as tf.Tensor, axes, keepDims),
    1e-5,
  );

export const reduceCases: Readonly<Record<string, KernelCase>> = {
  // Of int32 signs only: beyond its range the two differ.
  Prod: over((x, axes, keepDims) => tf.prod(x.dtype === 'int32' ? tf.clipByValue(x, -1, 1) : x, axes, keepDims), ALL),
  All: over(tf.all, ['bool']),
  Any: over(tf.any, ['bool']),
  ArgMin: along((x, axis) => tf.argMin(x, axis), NUMBERS, 'whole'),
  Cumsum: along((x, axis, exclusive, reverse) => tf.cumsum(x, axis, exclusive, reverse), NUMBERS),
  Cumprod: along((x, axis, exclusive, reverse) => tf.cumprod(x, axis, exclusive, reverse), NUMBERS),
};
