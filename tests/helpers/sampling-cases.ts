// One test for each kernel of trace/kernels/sampling.ts.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { type KernelCase, kernelCase } from './kernel-case.ts';
import { operand, size } from './operands.ts';
import { integers } from './place-cases.ts';

const side = fc.integer({ min: 1, max: 6 });
const method = fc.constantFrom<'bilinear' | 'nearest'>('bilinear', 'nearest');

export const samplingCases: Readonly<Record<string, KernelCase>> = {
  CropAndResize: kernelCase(
    fc
      .tuple(fc.tuple(size, side, side, size), size, fc.tuple(side, side), method, fc.boolean())
      .chain(([shape, boxes, crop, method, whole]) =>
        fc.tuple(
          fc.tuple(operand(shape), operand([boxes, 4]), integers([boxes], shape[0])),
          fc.constant({ crop, method, whole }),
        ),
      ),
    ([image, boxes, boxInd], { crop, method, whole }) =>
      // Boxes somewhat beyond the picture, or all of it.
      tf.image.cropAndResize(
        image as tf.Tensor4D,
        (whole
          ? tf.add(tf.mul(boxes as tf.Tensor, 0), [0, 0, 1, 1])
          : tf.add(0.5, tf.mul(boxes as tf.Tensor, 0.27))) as tf.Tensor2D,
        boxInd as tf.Tensor1D,
        crop,
        method,
        7,
      ),
    2e-5,
  ),
  Transform: kernelCase(
    fc
      .tuple(
        // tfjs's cpu backend transforms the first picture of a batch and returns.
        fc.tuple(fc.constant(1), side, side, size),
        fc.option(fc.tuple(side, side), { nil: undefined }),
        method,
        fc.constantFrom<'constant' | 'reflect' | 'wrap' | 'nearest'>('constant', 'reflect', 'wrap', 'nearest'),
      )
      .chain(([shape, to, interpolation, mode]) =>
        fc.tuple(fc.tuple(operand(shape), operand([1, 8])), fc.constant({ to, interpolation, mode })),
      ),
    ([image, drawn], { to, interpolation, mode }) => {
      const near = tf.mul(drawn as tf.Tensor, [0.3, 0.3, 2, 0.3, 0.3, 2, 0.01, 0.01]);
      const transforms = tf.add(near, [1, 0, 0, 0, 1, 0, 0, 0]) as tf.Tensor2D;
      return tf.image.transform(image as tf.Tensor4D, transforms, interpolation, mode, 7, to);
    },
    2e-4,
  ),
  RotateWithOffset: kernelCase(
    fc
      .tuple(
        fc.tuple(size, side, side, fc.constantFrom(1, 3, 4)),
        fc.integer({ min: -30, max: 30 }),
        fc.boolean(),
        fc.constantFrom<number | [number, number]>(0.5, [0.3, 0.8]),
      )
      .chain(([shape, turn, coloured, center]) =>
        operand(shape).map((x) => [[x], { radians: turn / 5, coloured, center }] as const),
      ),
    ([x], { radians, coloured, center }) =>
      tf.image.rotateWithOffset(x as tf.Tensor4D, radians, coloured ? [1, 2, 3] : 9, center),
  ),
};
