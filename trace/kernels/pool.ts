// tfjs's pooling kernels in two and three dimensions, and their gradients. To serve: ONNX's MaxPool and AveragePool, channels
// second. To train: windows unfolded in tfjs's own layout, because the gradient needs them unfolded anyway.
import { backend_util } from '@tensorflow/tfjs';
import { type GraphBuilder, sizeOf, type Value } from '../graph.ts';
import { argExtreme, binary, cast, materialise, reduce, reshape, sameShape } from '../ops.ts';
import { plain, shapeOf, stored, type Traced, withPerm } from '../traced.ts';
import type { Kernel, KernelCall, KernelTable } from './table.ts';
import {
  fold,
  lookedAt,
  storedChannelsSecond,
  tapCount,
  unfold,
  type Windows,
  windowAttributes,
  windowCount,
  windowsOf,
} from './windows.ts';

type Map4 = [number, number, number, number];
type Map5 = [number, number, number, number, number];

/** The windows over a map of this shape; dilated only where tfjs allows it, which is no gradient. */
function poolWindows(op: string, { attrs }: KernelCall, shape: readonly number[]): Windows {
  const { filterSize, strides, dilations, pad, dimRoundingMode, dataFormat } = attrs;
  if (dataFormat === 'NCDHW') throw new Error(`${op}: expected data format NDHWC, got NCDHW`);
  const rest = [
    filterSize as [number, number],
    strides as [number, number],
    (dilations ?? 1) as number,
    pad as number,
    dimRoundingMode as 'floor',
  ] as const;
  return windowsOf(
    op,
    shape.length === 5
      ? backend_util.computePool3DInfo(shape as Map5, ...(rest as unknown as [number, number, number, number, 'floor']))
      : backend_util.computePool2DInfo(shape as Map4, ...rest),
  );
}

/** Those of a gradient: tfjs forgets how the pooling rounded the size of its output, and then dy does not fit. */
function gradientWindows(op: string, call: KernelCall): { readonly w: Windows; readonly dy: Value } {
  const w = poolWindows(op, call, shapeOf(call.input('input')));
  const dy = plain(call.g, call.input('dy'));
  if (!sameShape(dy.shape, outShape(w))) {
    throw new Error(`${op}: expected dy of shape [${outShape(w)}], got [${dy.shape}]; round the pooling's size down`);
  }
  return { w, dy: reshape(call.g, dy, [w.batch, windowCount(w), w.channels]) };
}

const outShape = (w: Windows): number[] => [w.batch, ...w.out, w.channels];

/** What is less than any value of the type. */
const lowest = ({ dtype }: Value): number => (dtype === 'float32' ? Number.NEGATIVE_INFINITY : -(2 ** 31));

/** How many places of the map each window sees, [windows, 1]. */
function counts(g: GraphBuilder, w: Windows): Value {
  const taps = tapCount(w);
  const seen = new Float32Array(windowCount(w));
  for (const [i, place] of lookedAt(w, -1).entries()) {
    if (place >= 0) seen[Math.floor(i / taps)] = (seen[Math.floor(i / taps)] ?? 0) + 1;
  }
  return seen.every((n) => n === seen[0])
    ? g.splat(seen[0] ?? 1, 'float32', [])
    : g.constant(seen, 'float32', [seen.length, 1]);
}

const pool =
  (op: string, kind: 'MaxPool' | 'AveragePool'): Kernel =>
  (call) => {
    const { g, lowering } = call;
    const given = call.input('x');
    const { dtype } = given.value;
    const w = poolWindows(op, call, shapeOf(given));
    if (lowering === 'conv' && dtype === 'float32' && hasOperator(kind, w)) {
      const perm = storedChannelsSecond(w);
      const { dilations, ...attributes } = windowAttributes(w);
      const x = materialise(g, stored(g, given, perm));
      const to = [w.batch, w.channels, ...w.out];
      const apart = kind === 'MaxPool' ? { dilations } : {};
      return withPerm(g.node(kind, [x], { ...attributes, ...apart }, dtype, to), perm);
    }
    const x = plain(g, given);
    if (kind === 'MaxPool') {
      return { value: reshape(g, reduce(g, 'Max', materialise(g, unfold(g, x, w, lowest(x))), [2]), outShape(w)) };
    }
    const sum = reduce(g, 'Sum', unfold(g, cast(g, x, 'float32'), w, 0), [2]);
    return { value: cast(g, reshape(g, binary(g, 'Div', sum, counts(g, w)), outShape(w)), dtype) };
  };

/** ONNX pools no window that lies in the padding altogether, and opset 17 averages no dilated ones. */
const hasOperator = (kind: 'MaxPool' | 'AveragePool', { kernel, dilations, before, after }: Windows): boolean =>
  kernel.every((k, i) => Math.max(before[i] ?? 0, after[i] ?? 0) < k) &&
  before.every((n) => n >= 0) &&
  (kind === 'MaxPool' || dilations.every((d) => d === 1));

/** Which place of each window holds its largest value: [batch, windows, channels], int32. Of equals tfjs takes the first in two
 * dimensions and the last in three. */
const winners = (g: GraphBuilder, x: Value, w: Windows): Value =>
  argExtreme(g, 'ArgMax', materialise(g, unfold(g, x, w, lowest(x))), 2, w.size.length === 2 ? 'first' : 'last');

/** Sends dy [batch, windows, channels] to the winning place of each window: [batch, windows, taps, channels]. */
export function toWinners(g: GraphBuilder, winner: Value, dy: Value, w: Windows): Value {
  const taps = tapCount(w);
  const place = g.constant(
    Int32Array.from({ length: taps }, (_, i) => i),
    'int32',
    [taps, 1],
  );
  const perTap = (v: Value): Value => reshape(g, v, [w.batch, windowCount(w), 1, w.channels]);
  return binary(g, 'Mul', cast(g, binary(g, 'Equal', perTap(winner), place), 'float32'), perTap(dy));
}

const maxGradient =
  (op: string): Kernel =>
  (call) => {
    const { w, dy } = gradientWindows(op, call);
    const x = plain(call.g, call.input('input'));
    return { value: fold(call.g, toWinners(call.g, winners(call.g, x, w), dy, w), w) };
  };

/** As tfjs has it: each value of dy is shared by the whole window, by those of its places that lie beyond the map too. */
const averageGradient =
  (op: string): Kernel =>
  (call) => {
    const { w, dy } = gradientWindows(op, call);
    return { value: fold(call.g, binary(call.g, 'Div', dy, call.g.splat(tapCount(w), 'float32', [])), w) };
  };

/** The largest values, and where they are: (row · width + column) · channels + channel, in the batch if asked. */
function withArgmax(call: KernelCall): Traced[] {
  const { g, attrs } = call;
  const x = plain(g, call.input('x'));
  const w = poolWindows('MaxPoolWithArgmax', call, x.shape);
  const values = reduce(g, 'Max', materialise(g, unfold(g, x, w, lowest(x))), [2]);
  const seen = lookedAt(w, 0);
  const first = g.constant(
    Int32Array.from({ length: windowCount(w) }, (_, i) => i * tapCount(w)),
    'int32',
    [windowCount(w), 1],
  );
  const place = g.node(
    'Gather',
    [g.constant(seen, 'int32', [seen.length]), binary(g, 'Add', winners(g, x, w), first)],
    { axis: 0 },
    'int32',
    values.shape,
  );
  const scaled = binary(g, 'Mul', place, g.splat(w.channels, 'int32', []));
  const channel = g.constant(
    Int32Array.from({ length: w.channels }, (_, i) => i),
    'int32',
    [w.channels],
  );
  const inPicture = binary(g, 'Add', scaled, channel);
  const picture = Int32Array.from({ length: w.batch }, (_, i) => i * sizeOf(w.size) * w.channels);
  const position = attrs.includeBatchInIndex
    ? binary(g, 'Add', inPicture, g.constant(picture, 'int32', [w.batch, 1, 1]))
    : inPicture;
  return [values, position].map((value) => ({ value: reshape(g, value, outShape(w)) }));
}

export const pooling: KernelTable = {
  MaxPool: pool('MaxPool', 'MaxPool'),
  MaxPool3D: pool('MaxPool3D', 'MaxPool'),
  AvgPool: pool('AvgPool', 'AveragePool'),
  AvgPool3D: pool('AvgPool3D', 'AveragePool'),
  MaxPoolGrad: maxGradient('MaxPoolGrad'),
  MaxPool3DGrad: maxGradient('MaxPool3DGrad'),
  AvgPoolGrad: averageGradient('AvgPoolGrad'),
  AvgPool3DGrad: averageGradient('AvgPool3DGrad'),
  MaxPoolWithArgmax: withArgmax,
};
