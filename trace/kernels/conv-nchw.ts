// Convolutions for serving: ONNX's own Conv and ConvTranspose, in NCHW, filters re-laid as constants.
import type { GraphBuilder, Value } from '../graph.ts';
import { materialise, transpose } from '../ops.ts';
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
