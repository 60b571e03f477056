// Depthwise and 3-D convolutions: ONNX's Conv and ConvTranspose, channels second, in both lowerings. The gradient of a filter
// is a matrix product over unfolded windows, as in conv-gemm.ts.
import { backend_util } from '@tensorflow/tfjs';
import { type GraphBuilder, sizeOf, type Value } from '../graph.ts';
import { materialise, matMul, pad, reshape, slice, transpose } from '../ops.ts';
import { plain, shapeOf, stored, type Traced, withPerm } from '../traced.ts';
import type { KernelCall, KernelTable } from './table.ts';
import {
  channelsFirst,
  storedChannelsSecond,
  tapCount,
  unfold,
  unreached,
  type Windows,
  windowAttributes,
  windowCount,
  windowsOf,
} from './windows.ts';

type Four = [number, number, number, number];
type Five = [number, number, number, number, number];

function depthwiseWindows({ attrs }: KernelCall, shape: readonly number[], filter: readonly number[]): Windows {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  return windowsOf(
    'depthwise convolution',
    backend_util.computeConv2DInfo(
      shape as Four,
      filter as Four,
      strides as [number, number],
      (dilations ?? 1) as number,
      pad as number,
      dimRoundingMode as 'floor',
      true,
    ),
  );
}

function deepWindows({ attrs }: KernelCall, shape: readonly number[], filter: readonly number[]): Windows {
  const { strides, dilations, pad } = attrs;
  return windowsOf(
    '3-D convolution',
    backend_util.computeConv3DInfo(
      shape as Five,
      filter as Five,
      strides as [number, number, number],
      (dilations ?? 1) as number,
      pad as 'same',
    ),
  );
}

/** Only an NCHW graph gains from leaving the transposition pending. */
const settled = ({ g, lowering }: KernelCall, x: Traced): Traced => (lowering === 'conv' ? x : { value: plain(g, x) });

/**
 * With stride above the window, tfjs's 3-D padding `same` is negative: the first window starts inside the map. ONNX has no such
 * padding, so what lies before that window is left out.
 */
function withoutFront(w: Windows): { readonly w: Windows; readonly front: readonly number[] } {
  const front = w.before.map((n) => Math.max(0, -n));
  const size = w.size.map((n, i) => n - (front[i] ?? 0));
  return { w: { ...w, size, before: w.before.map((n) => Math.max(0, n)) }, front };
}

/** x [batch, …size, in], weights [out, in / group, …kernel] → [batch, …out, out]. */
function convolve(call: KernelCall, given: Windows, x: Traced, weights: Value, group: number): Traced {
  const { g } = call;
  const { w, front } = withoutFront(given);
  const perm = storedChannelsSecond(w);
  const attributes = { ...windowAttributes(w), ...(group > 1 ? { group } : {}) };
  const to = [w.batch, weights.shape[0] ?? 1, ...w.out];
  const seen = slice(g, stored(g, x, perm), [0, 0, ...front], [w.batch, w.channels, ...w.size]);
  const inputs = [materialise(g, seen), materialise(g, weights)];
  return settled(call, withPerm(g.node('Conv', inputs, attributes, 'float32', to), perm));
}

/** dy [batch, …out, out], weights as above → gradient of the input, [batch, …size, in]. */
function convolveBack(call: KernelCall, given: Windows, dy: Traced, weights: Value, group: number): Traced {
  const { g } = call;
  const { w, front } = withoutFront(given);
  const perm = storedChannelsSecond(w);
  const attributes = { ...windowAttributes(w), output_padding: unreached(w), ...(group > 1 ? { group } : {}) };
  const to = [w.batch, w.channels, ...w.size];
  const inputs = [materialise(g, stored(g, dy, perm)), materialise(g, weights)];
  const seen = g.node('ConvTranspose', inputs, attributes, 'float32', to);
  const paddings = [0, 0, ...front].map((n): [number, number] => [n, 0]);
  return settled(call, withPerm(pad(g, seen, paddings), perm));
}

/** A filter [kh, kw, channels, multiplier] → [channels · multiplier, 1, kh, kw]. */
function perChannel(g: GraphBuilder, filter: Value): Value {
  const [kh = 1, kw = 1, channels = 1, multiplier = 1] = filter.shape;
  return reshape(g, transpose(g, filter, [2, 3, 0, 1]), [channels * multiplier, 1, kh, kw]);
}

const shapeAttr = (value: unknown): number[] => (value as number[]).map(Number);

export const groupedConv: KernelTable = {
  DepthwiseConv2dNative: (call) => {
    const [x, filter] = [call.input('x'), plain(call.g, call.input('filter'))];
    const w = depthwiseWindows(call, shapeOf(x), filter.shape);
    return convolve(call, w, x, perChannel(call.g, filter), w.channels);
  },
  DepthwiseConv2dNativeBackpropInput: (call) => {
    const [dy, filter] = [call.input('dy'), plain(call.g, call.input('filter'))];
    const w = depthwiseWindows(call, shapeAttr(call.attrs.inputShape), filter.shape);
    return convolveBack(call, w, dy, perChannel(call.g, filter), w.channels);
  },
  DepthwiseConv2dNativeBackpropFilter: (call) => {
    const { g } = call;
    const [x, dy] = [plain(g, call.input('x')), plain(g, call.input('dy'))];
    const filterShape = shapeAttr(call.attrs.filterShape);
    const w = depthwiseWindows(call, x.shape, filterShape);
    const [rows, taps, multiplier] = [w.batch * windowCount(w), tapCount(w), filterShape[3] ?? 1];
    const seen = transpose(g, reshape(g, unfold(g, x, w, 0), [rows, taps, w.channels]), [2, 1, 0]);
    const sent = transpose(g, reshape(g, dy, [rows, w.channels, multiplier]), [1, 0, 2]);
    return { value: reshape(g, transpose(g, matMul(g, seen, sent), [1, 0, 2]), filterShape) };
  },
  Conv3D: (call) => {
    const [x, filter] = [call.input('x'), plain(call.g, call.input('filter'))];
    return convolve(call, deepWindows(call, shapeOf(x), filter.shape), x, channelsFirst(call.g, filter), 1);
  },
  Conv3DBackpropInputV2: (call) => {
    const [dy, filter] = [call.input('dy'), plain(call.g, call.input('filter'))];
    const w = deepWindows(call, shapeAttr(call.attrs.inputShape), filter.shape);
    return convolveBack(call, w, dy, channelsFirst(call.g, filter), 1);
  },
  Conv3DBackpropFilterV2: (call) => {
    const { g } = call;
    const [x, dy] = [plain(g, call.input('x')), plain(g, call.input('dy'))];
    const filterShape = shapeAttr(call.attrs.filterShape);
    const w = deepWindows(call, x.shape, filterShape);
    const rows = w.batch * windowCount(w);
    const seen = reshape(g, unfold(g, x, w, 0), [rows, tapCount(w) * w.channels]);
    const sent = reshape(g, dy, [rows, sizeOf(dy.shape) / rows]);
    return { value: reshape(g, matMul(g, seen, sent, true), filterShape) };
  },
};
