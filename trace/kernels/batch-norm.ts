// tf.batchNorm with given statistics. One number for each channel, as a generator is served: ONNX's BatchNormalization, whose
// channels come second. Statistics of any other shape, as tfjs's layer normalisation has them: written out.
import { sizeOf, type Value } from '../graph.ts';
import { binary, materialise, reshape, unary } from '../ops.ts';
import { plain, STORED_NCHW, shapeOf, stored, type Traced, withPerm } from '../traced.ts';
import type { KernelCall, KernelTable } from './table.ts';

const NAMES = ['scale', 'offset', 'mean', 'variance'] as const;

/** (x − mean) / √(variance + ε) · scale + offset, all of which broadcast. */
function writtenOut({ g, input, has, attrs }: KernelCall): Traced {
  const value = (name: string): Value => plain(g, input(name));
  const epsilon = g.splat(Math.fround(Number(attrs.varianceEpsilon)), 'float32', []);
  const deviation = unary(g, 'Sqrt', binary(g, 'Add', value('variance'), epsilon));
  const normal = binary(g, 'Div', binary(g, 'Sub', value('x'), value('mean')), deviation);
  const scaled = has('scale') ? binary(g, 'Mul', normal, value('scale')) : normal;
  return { value: has('offset') ? binary(g, 'Add', scaled, value('offset')) : scaled };
}

export const batchNorm: KernelTable = {
  // tfjs lifts every x to four dimensions first, the channels last.
  FusedBatchNorm: (call) => {
    const { g, input, has, attrs } = call;
    const x = input('x');
    const shape = shapeOf(x);
    const channels = shape.at(-1) ?? 1;
    if (NAMES.some((name) => has(name) && sizeOf(input(name).value.shape) !== channels)) return writtenOut(call);
    const perChannel = NAMES.map((name) => {
      const value = has(name) ? plain(g, input(name)) : g.splat(name === 'scale' ? 1 : 0, 'float32', [channels]);
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
