// Grey-scale dilation (tf.dilation2d): the largest of map + filter in each window, and its gradients.
import { backend_util } from '@tensorflow/tfjs';
import type { Value } from '../graph.ts';
import { argExtreme, binary, materialise, reduce, reshape } from '../ops.ts';
import { plain } from '../traced.ts';
import { toWinners } from './pool.ts';
import type { KernelCall, KernelTable } from './table.ts';
import { fold, tapCount, unfold, type Windows, windowCount, windowsOf } from './windows.ts';

/** Map + filter at every place of every window, [batch, windows, taps, channels]; beyond the map: minus infinity. */
function sums({ g, input, attrs }: KernelCall): { readonly w: Windows; readonly sum: Value; readonly filter: Value } {
  const [x, filter] = [plain(g, input('x')), plain(g, input('filter'))];
  const info = backend_util.computeDilation2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number],
    attrs.strides as [number, number],
    attrs.pad as number,
    'NHWC',
    attrs.dilations as [number, number],
  );
  const w = windowsOf('Dilation2D', info);
  const seen = unfold(g, x, w, Number.NEGATIVE_INFINITY);
  return { w, filter, sum: materialise(g, binary(g, 'Add', seen, reshape(g, filter, [tapCount(w), w.channels]))) };
}

/** dy at the winning place of each window, [batch, windows, taps, channels]. */
function sent(call: KernelCall): { readonly w: Windows; readonly filter: Value; readonly value: Value } {
  const { w, sum, filter } = sums(call);
  const dy = reshape(call.g, plain(call.g, call.input('dy')), [w.batch, windowCount(w), w.channels]);
  return { w, filter, value: toWinners(call.g, argExtreme(call.g, 'ArgMax', sum, 2), dy, w) };
}

export const dilation: KernelTable = {
  Dilation2D: (call) => {
    const { w, sum } = sums(call);
    return { value: reshape(call.g, reduce(call.g, 'Max', sum, [2]), [w.batch, ...w.out, w.channels]) };
  },
  Dilation2DBackpropInput: (call) => {
    const { w, value } = sent(call);
    return { value: fold(call.g, value, w) };
  },
  Dilation2DBackpropFilter: (call) => {
    const { filter, value } = sent(call);
    return { value: reshape(call.g, reduce(call.g, 'Sum', value, [0, 1]), filter.shape) };
  },
};
