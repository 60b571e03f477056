// One test for each kernel of trace/kernels/conv.ts: any kernel, stride, dilation and padding that tfjs allows.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type KernelCase, kernelCase } from './kernel-case.ts';
import { type Operand, operand, size } from './operands.ts';

type Pair = [number, number];
type Rounding = 'floor' | 'ceil' | 'round' | undefined;
type Padding = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

interface Geometry {
  readonly input: [number, number, number, number];
  readonly filter: [number, number, number, number];
  readonly output: [number, number, number, number];
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pad: Padding;
  readonly rounding: Rounding;
}

const pair = (min: number, max: number): fc.Arbitrary<Pair> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

const paddings: fc.Arbitrary<{ pad: Padding; rounding: Rounding }> = fc.oneof(
  fc.constantFrom<'same' | 'valid'>('same', 'valid').map((pad) => ({ pad, rounding: undefined })),
  fc.record({ pad: fc.nat(2), rounding: fc.constantFrom<Rounding>('floor', 'ceil', 'round') }),
  fc
    .tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2), fc.constantFrom<Rounding>('floor', 'ceil'))
    .map(([t, b, l, r, rounding]) => ({
      pad: [
        [0, 0],
        [t, b],
        [l, r],
        [0, 0],
      ] satisfies tf.backend_util.ExplicitPadding,
      rounding,
    })),
);

/** From 17 on both ways a training graph has one of its own; below, and where one count is four times the other, it is ONNX's operators. */
const channels = fc.constantFrom(1, 3, 17, 20);

/**
 * @param dilated tfjs differentiates only undilated convolutions, and allows dilation only at stride 1
 * @param rounded tfjs's filter gradient forgets the rounding mode of its convolution
 */
const geometries = (dilated: boolean, rounded: boolean): fc.Arbitrary<Geometry> =>
  fc
    .record({
      batch: size,
      map: pair(1, 9),
      kernel: pair(1, 5),
      strides: pair(1, 3),
      dilations: pair(1, 3),
      dilate: fc.boolean(),
      from: channels,
      to: channels,
      padding: paddings,
    })
    .map(({ batch, map, kernel, strides, dilations, dilate, from, to, padding }) => {
      const apart = dilated && dilate;
      const { pad } = padding;
      // For padding given as a number tfjs computes the output's width from its height, so sides must be equal.
      const sides = ([first, second]: Pair): Pair => (typeof pad === 'number' ? [first, first] : [first, second]);
      const chosen: Pair = apart ? [1, 1] : sides(strides);
      const spread: Pair = apart ? sides(dilations) : [1, 1];
      const input: Geometry['input'] = [batch, ...map, from];
      const filter: Geometry['filter'] = [...sides(kernel), from, to];
      const rounding = rounded ? padding.rounding : undefined;
      const info = tf.backend_util.computeConv2DInfo(input, filter, chosen, spread, pad, rounding);
      return { input, filter, output: info.outShape, strides: chosen, dilations: spread, pad, rounding };
    })
    .filter(({ output }) => output.every((d) => d >= 1));

const drawn = (
  dilated: boolean,
  rounded: boolean,
  operandShapes: (g: Geometry) => [number[], number[]],
): fc.Arbitrary<readonly [readonly Operand[], Geometry]> =>
  geometries(dilated, rounded).chain((g) => {
    const [a, b] = operandShapes(g);
    return fc.tuple(fc.tuple(operand(a), operand(b)), fc.constant(g));
  });

const gradients = (x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, { strides, pad, rounding }: Geometry): tf.Tensor[] =>
  tf.grads((a: tf.Tensor, b: tf.Tensor) =>
    tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad, 'NHWC', [1, 1], rounding),
  )([x, filter], dy);

/** float32 sums of up to 5·5·20 products. */
const TOLERANCE = 3e-5;

export const convCases: Readonly<Record<string, KernelCase>> = {
  Conv2D: kernelCase(
    drawn(true, true, (g) => [g.input, g.filter]),
    ([x, filter], { strides, pad, dilations, rounding }) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad, 'NHWC', dilations, rounding),
    TOLERANCE,
  ),
  Conv2DBackpropInput: kernelCase(
    drawn(false, true, (g) => [g.output, g.filter]),
    ([dy, filter], { input, strides, pad, rounding }) =>
      tf.conv2dTranspose(dy as tf.Tensor4D, filter as tf.Tensor4D, input, strides, pad, rounding),
    TOLERANCE,
  ),
  Conv2DBackpropFilter: kernelCase(
    drawn(false, false, (g) => [g.input, g.output]),
    ([x, dy], g) => gradients(x as tf.Tensor, tf.zeros(g.filter), dy as tf.Tensor, g)[1] as tf.Tensor,
    TOLERANCE,
  ),
};
