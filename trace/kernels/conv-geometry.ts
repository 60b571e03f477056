// The sizes of a convolution, read from the attributes of tfjs's kernels.
import { backend_util } from '@tensorflow/tfjs';
import type { KernelCall } from './table.ts';

/** Sizes of a 2-D convolution from [batch, height, width, inChannels] to [batch, outHeight, outWidth, outChannels]. */
export interface ConvGeometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Rows above, columns left, rows below, columns right. */
  readonly pads: readonly [number, number, number, number];
}

/** Every place by itself: a product of channels. */
export const isPointwise = ({ kernel, strides, pads }: ConvGeometry): boolean =>
  [...kernel, ...strides].every((n) => n === 1) && pads.every((p) => p === 0);

export function geometry(
  call: KernelCall,
  inputShape: readonly number[],
  filterShape: readonly number[],
): ConvGeometry {
  const { strides, pad, dataFormat, dilations, dimRoundingMode } = call.attrs;
  const format = backend_util.convertConv2DDataFormat((dataFormat ?? 'NHWC') as 'NHWC' | 'NCHW');
  if (format !== 'channelsLast') throw new Error(`convolution: expected data format NHWC, got ${String(dataFormat)}`);
  const info = backend_util.computeConv2DInfo(
    inputShape as [number, number, number, number],
    filterShape as [number, number, number, number],
    strides as [number, number],
    (dilations ?? 1) as number,
    pad as number,
    dimRoundingMode as 'floor',
    false,
    format,
  );
  if (info.inChannels !== filterShape[2]) {
    throw new Error(`convolution: expected ${info.inChannels} input channels in the filter, got ${filterShape[2]}`);
  }
  const { top, left, bottom, right } = info.padInfo;
  // Rounding the output size up lets the last window reach beyond the padding: more zeros there.
  const reach = (out: number, stride: number, window: number): number => (out - 1) * stride + window;
  const below = reach(info.outHeight, info.strideHeight, info.effectiveFilterHeight) - top - info.inHeight;
  const beyond = reach(info.outWidth, info.strideWidth, info.effectiveFilterWidth) - left - info.inWidth;
  if (bottom - below >= info.strideHeight || right - beyond >= info.strideWidth) {
    throw new Error(
      `convolution: expected kernels and strides with equal sides for padding ${String(pad)}, because tfjs computes the ` +
        `output's width from its height; got kernel ${info.filterHeight}x${info.filterWidth}, strides [${strides}]`,
    );
  }
  return {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    inChannels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [top, left, Math.max(bottom, below), Math.max(right, beyond)],
  };
}
