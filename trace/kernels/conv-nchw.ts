// Convolutions for serving: ONNX's own Conv and ConvTranspose, in NCHW, filters re-laid as constants.
import type { GraphBuilder, Value } from '../graph.ts';
import { gather, materialise, reshape, transpose } from '../ops.ts';
import { STORED_NCHW, stored, type Traced, withPerm } from '../traced.ts';
import type { ConvGeometry } from './conv-geometry.ts';

const nchw = (g: GraphBuilder, x: Traced): Value => materialise(g, stored(g, x, STORED_NCHW));

/** x [batch, height, width, in], filter [kh, kw, in, out] → [batch, outHeight, outWidth, out]. */
export function conv2d(g: GraphBuilder, geo: ConvGeometry, x: Traced, filter: Value): Traced {
  const weights = materialise(g, transpose(g, filter, [3, 2, 0, 1])); // [out, in, kh, kw]
  const { kernel, strides, dilations, pads } = geo;
  const attributes = { kernel_shape: kernel, strides, dilations, pads };
  const to = [geo.batch, geo.outChannels, geo.outHeight, geo.outWidth];
  return withPerm(g.node('Conv', [nchw(g, x), weights], attributes, 'float32', to), STORED_NCHW);
}

/** dy [batch, outHeight, outWidth, out] → gradient of the input, [batch, height, width, in]; tf.conv2dTranspose's forward. */
export function conv2dInputGradient(g: GraphBuilder, geo: ConvGeometry, dy: Traced, filter: Value): Traced {
  // ConvTranspose wants [its in = our out, its out = our in, kh, kw]
  const weights = materialise(g, transpose(g, filter, [3, 2, 0, 1]));
  const { kernel, strides, dilations, pads } = geo;
  const reach = (axis: 0 | 1, out: number): number =>
    (out - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 - pads[axis] - pads[axis === 0 ? 2 : 3];
  // Input rows that no window reaches (stride does not divide the size) get their zeros from output_padding.
  const output_padding = [geo.height - reach(0, geo.outHeight), geo.width - reach(1, geo.outWidth)];
  const attributes = { kernel_shape: kernel, strides, dilations, pads, output_padding };
  const to = [geo.batch, geo.inChannels, geo.height, geo.width];
  return withPerm(g.node('ConvTranspose', [nchw(g, dy), weights], attributes, 'float32', to), STORED_NCHW);
}

/**
 * The same by Conv, with the kernel turned round: ONNX Runtime's ConvTranspose computes on one thread, and [32, 64, 64, 16] 3x3 takes
 * 14.5 ms where Conv takes 10.7 on one and 5.6 on two. Only where `turns`.
 */
export function turnedConv2d(g: GraphBuilder, geo: ConvGeometry, dy: Traced, filter: Value): Traced {
  const { kernel, inChannels, outChannels } = geo;
  const area = kernel[0] * kernel[1];
  const backwards = g.constant(
    Int32Array.from({ length: area }, (_, i) => area - 1 - i),
    'int32',
    [area],
  );
  const turned = gather(g, reshape(g, filter, [area, inChannels, outChannels]), backwards, 0);
  const weights = transpose(g, reshape(g, turned, [...kernel, inChannels, outChannels]), [0, 1, 3, 2]);
  return conv2d(g, opposite(geo), dy, weights);
}

/** From the output's places back to the input's, at stride 1. */
function opposite(geo: ConvGeometry): ConvGeometry {
  const { dilations, kernel, pads } = geo;
  const [tall, wide] = [dilations[0] * (kernel[0] - 1), dilations[1] * (kernel[1] - 1)];
  return {
    ...geo,
    height: geo.outHeight,
    width: geo.outWidth,
    inChannels: geo.outChannels,
    outHeight: geo.height,
    outWidth: geo.width,
    outChannels: geo.inChannels,
    pads: [tall - pads[0], wide - pads[1], tall - pads[2], wide - pads[3]],
  };
}

/** Whether an input gradient is a convolution: no input between two of the kernel's places, and no padding beyond the kernel. */
export const turns = (geo: ConvGeometry): boolean =>
  geo.strides.every((n) => n === 1) && opposite(geo).pads.every((n) => n >= 0);
