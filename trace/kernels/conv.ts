// tfjs's convolution kernels: the geometry is read once, then one of two lowerings writes the nodes.
import { plain, type Traced } from '../traced.ts';
import * as gemm from './conv-gemm.ts';
import { type ConvGeometry, geometry, isPointwise } from './conv-geometry.ts';
import * as nchw from './conv-nchw.ts';
import type { KernelTable } from './table.ts';

const shapeAttr = (value: unknown): number[] => (value as number[]).map(Number);

/**
 * Few channels are better left to ONNX's own operators in a training graph too: they unfold a tile at a time, where Gather copies a
 * few numbers for each place and writes nine times the picture. Milliseconds on one thread, batch 32, 3x3, Conv and unfold +
 * product: 64x64, 16 → 16 19 and 36, 4 → 16 7 and 13; 32x32, 32 → 32 15.6 and 16.7; 14x14, 64 → 64 6.8 and 6.0.
 */
const FEW = 16;
function isNarrow(geo: ConvGeometry): boolean {
  const [fewer, more] = [geo.inChannels, geo.outChannels].sort((a, b) => a - b) as [number, number];
  return !isPointwise(geo) && (fewer <= FEW || 4 * fewer <= more);
}

export const conv: KernelTable = {
  Conv2D: (call): Traced => {
    const { g, lowering } = call;
    const [x, filter] = [call.input('x'), plain(g, call.input('filter'))];
    const shape = x.perm ? x.perm.map((p) => x.value.shape[p] ?? 1) : x.value.shape;
    const geo = geometry(call, shape, filter.shape);
    return lowering === 'conv' || isNarrow(geo)
      ? nchw.conv2d(g, geo, x, filter)
      : { value: gemm.conv2d(g, geo, plain(g, x), filter) };
  },
  Conv2DBackpropInput: (call): Traced => {
    const { g, lowering } = call;
    const [dy, filter] = [call.input('dy'), plain(g, call.input('filter'))];
    const geo = geometry(call, shapeAttr(call.attrs.inputShape), filter.shape);
    if (lowering === 'conv') return nchw.conv2dInputGradient(g, geo, dy, filter);
    // To many channels from few: dy is unfolded for the filter's gradient as well, so that a product is all there is to do.
    if (!isNarrow(geo) || geo.inChannels > geo.outChannels)
      return { value: gemm.conv2dInputGradient(g, geo, plain(g, dy), filter) };
    return nchw.turns(geo) ? nchw.turnedConv2d(g, geo, dy, filter) : nchw.conv2dInputGradient(g, geo, dy, filter);
  },
  Conv2DBackpropFilter: (call): Traced => {
    const { g } = call;
    const [x, dy] = [plain(g, call.input('x')), plain(g, call.input('dy'))];
    const geo = geometry(call, x.shape, shapeAttr(call.attrs.filterShape));
    // A filter gradient is training's business: there is one way to write it, whatever the rest is lowered to.
    return { value: gemm.conv2dFilterGradient(g, geo, x, dy) };
  },
};
