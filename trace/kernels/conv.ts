// tfjs's convolution kernels: the geometry is read once, then one of two lowerings writes the nodes.
import { plain, type Traced } from '../traced.ts';
import * as gemm from './conv-gemm.ts';
import { geometry } from './conv-geometry.ts';
import * as nchw from './conv-nchw.ts';
import type { KernelTable } from './table.ts';

const shapeAttr = (value: unknown): number[] => (value as number[]).map(Number);

export const conv: KernelTable = {
  Conv2D: (call): Traced => {
    const { g, lowering } = call;
    const [x, filter] = [call.input('x'), plain(g, call.input('filter'))];
    const shape = x.perm ? x.perm.map((p) => x.value.shape[p] ?? 1) : x.value.shape;
    const geo = geometry(call, shape, filter.shape);
    return lowering === 'conv' ? nchw.conv2d(g, geo, x, filter) : { value: gemm.conv2d(g, geo, plain(g, x), filter) };
  },
  Conv2DBackpropInput: (call): Traced => {
    const { g, lowering } = call;
    const [dy, filter] = [call.input('dy'), plain(g, call.input('filter'))];
    const geo = geometry(call, shapeAttr(call.attrs.inputShape), filter.shape);
    return lowering === 'conv'
      ? nchw.conv2dInputGradient(g, geo, dy, filter)
      : { value: gemm.conv2dInputGradient(g, geo, plain(g, dy), filter) };
  },
  Conv2DBackpropFilter: (call): Traced => {
    const { g } = call;
    const [x, dy] = [plain(g, call.input('x')), plain(g, call.input('dy'))];
    const geo = geometry(call, x.shape, shapeAttr(call.attrs.filterShape));
    // A filter gradient is training's business: there is one way to write it, whatever the rest is lowered to.
    return { value: gemm.conv2dFilterGradient(g, geo, x, dy) };
  },
};
