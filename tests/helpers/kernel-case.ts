// A kernel's test: random operands and attributes, and the tfjs op that reaches the kernel.
import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { broadcasting, type Operand, type OperandOptions, type OperandType, operand, shapes } from './operands.ts';
import type { Run } from './traced.ts';

export interface Sample {
  /** Attributes, for the report of a failure. */
  readonly attributes: unknown;
  readonly operands: readonly Operand[];
  readonly run: Run;
}

export interface KernelCase {
  readonly samples: fc.Arbitrary<Sample>;
  /** Allowed |a − b| / (1 + |b|). */
  readonly tolerance: number;
}

/** `draw` gives operands with attributes; `op` computes from both. */
export function kernelCase<A>(
  draw: fc.Arbitrary<readonly [operands: readonly Operand[], attributes: A]>,
  op: (tensors: tf.Tensor[], attributes: A) => tf.Tensor | tf.Tensor[],
  tolerance = 2e-6,
): KernelCase {
  return {
    tolerance,
    samples: draw.map(([operands, attributes]) => ({
      attributes,
      operands,
      run: (tensors) => op(tensors, attributes),
    })),
  };
}

/** The element types a kernel is used with. */
export const types = (...list: OperandType[]): fc.Arbitrary<OperandType> => fc.constantFrom(...list);

/** One operand of any shape. */
export function unaryCase(
  op: (x: tf.Tensor) => tf.Tensor,
  options: OperandOptions = {},
  dtypes: readonly OperandType[] = ['float32'],
  tolerance?: number,
): KernelCase {
  const draw = fc
    .tuple(shapes(), types(...dtypes))
    .chain(([shape, dtype]) => operand(shape, { ...options, dtype }))
    .map((x) => [[x], undefined] as const);
  return kernelCase(draw, ([x]) => op(x as tf.Tensor), tolerance);
}

/** Two operands that broadcast. */
export function binaryCase(
  op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  options: { readonly a?: OperandOptions; readonly b?: OperandOptions; readonly dtypes?: readonly OperandType[] } = {},
  tolerance?: number,
): KernelCase {
  const draw = fc
    .tuple(broadcasting(2), types(...(options.dtypes ?? ['float32'])))
    .chain(([[a = [], b = []], dtype]) =>
      fc.tuple(operand(a, { ...options.a, dtype }), operand(b, { ...options.b, dtype })),
    )
    .map((operands) => [operands, undefined] as const);
  return kernelCase(draw, ([a, b]) => op(a as tf.Tensor, b as tf.Tensor), tolerance);
}
