// tf.batchNorm with given statistics, as a generator is served: ONNX's BatchNormalization, whose channels come second.
import { sizeOf } from '../graph.ts';
import { materialise, reshape } from '../ops.ts';
import { plain, STORED_NCHW, shapeOf, stored, withPerm } from '../traced.ts';
import type { KernelTable } from './table.ts';

export const batchNorm: KernelTable = {
  // tfjs lifts every x to four dimensions first, the channels last.
  FusedBatchNorm: ({ g, input, has, attrs }) => {
    const x = input('x');
    const shape = shapeOf(x);
    const channels = shape.at(-1) ?? 1;
    const perChannel = (['scale', 'offset', 'mean', 'variance'] as const).map((name) => {
      const value = has(name) ? plain(g, input(name)) : g.splat(name === 'scale' ? 1 : 0, 'float32', [channels]);
      if (sizeOf(value.shape) !== channels) {
        throw new Error(`FusedBatchNorm: expected ${name} of shape [${channels}], got [${value.shape}]`);
      }
      return materialise(g, reshape(g, value, [channels]));
    });
    const node = (y: typeof x.value) =>
      g.node(
        'BatchNormalization',
        [materialise(g, y), ...perChannel],
        { epsilon: { float: Number(attrs.varianceEpsilon) } },
        'float32',
        y.shape,
      );
    // Maps come from convolutions, stored as [batch, channels, height, width]; all else is rows of channels.
    if (x.perm) return withPerm(node(stored(g, x, STORED_NCHW)), STORED_NCHW);
    return { value: reshape(g, node(reshape(g, x.value, [sizeOf(shape) / channels, channels])), shape) };
  },
};
