// The test of trace/kernels/batch-norm.ts: rows of channels and maps, statistics with and without scale and shift.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type KernelCase, kernelCase } from './kernel-case.ts';
import { operand, shapes } from './operands.ts';

const draw = shapes(1, 4).chain((shape) => {
  const perChannel = [shape.at(-1) ?? 1];
  return fc.tuple(
    fc.tuple(
      operand(shape),
      operand(perChannel),
      operand(perChannel, { domain: 'positive' }),
      operand(perChannel),
      operand(perChannel),
    ),
    fc.record({ epsilon: fc.constantFrom(1e-3, 1e-5), affine: fc.boolean() }),
  );
});

export const normCases: Readonly<Record<string, KernelCase>> = {
  FusedBatchNorm: kernelCase(
    draw,
    ([x, mean, variance, shift, scale], { epsilon, affine }) =>
      tf.batchNorm(
        x as tf.Tensor,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        affine ? (shift as tf.Tensor1D) : undefined,
        affine ? (scale as tf.Tensor1D) : undefined,
        epsilon,
      ),
    5e-6,
  ),
};
