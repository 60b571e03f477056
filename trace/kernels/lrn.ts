// Local response normalisation over neighbouring channels (Krizhevsky et al. 2012) and its gradient. A sum over a window of
// channels is a matrix product with a band of ones, which the gradient needs too.
import type { Value } from '../graph.ts';
import { binary, matMul } from '../ops.ts';
import { plain } from '../traced.ts';
import type { KernelCall, KernelTable } from './table.ts';

/** norm = bias + α Σ x², factor = norm^−β, and the sum over the window of channels around each. */
function response({ g, input, attrs }: KernelCall) {
  const x = plain(g, input('x'));
  const [radius, channels] = [Number(attrs.depthRadius), x.shape.at(-1) ?? 1];
  const near = Float32Array.from({ length: channels * channels }, (_, i) =>
    Math.abs(Math.floor(i / channels) - (i % channels)) <= radius ? 1 : 0,
  );
  const band = g.constant(near, 'float32', [channels, channels]);
  const number = (value: unknown): Value => g.splat(Math.fround(Number(value)), 'float32', []);
  const overChannels = (v: Value): Value => matMul(g, v, band);
  const squares = overChannels(binary(g, 'Mul', x, x));
  const norm = binary(g, 'Add', binary(g, 'Mul', squares, number(attrs.alpha)), number(attrs.bias));
  return { x, norm, overChannels, factor: binary(g, 'Pow', norm, number(-Number(attrs.beta))), number };
}

export const responseNormalisation: KernelTable = {
  LRN: (call) => {
    const { x, factor } = response(call);
    return { value: binary(call.g, 'Mul', x, factor) };
  },
  /** dx = dy · norm^−β − 2αβ · x · Σ dy · y / norm. */
  LRNGrad: (call) => {
    const { g, input, attrs } = call;
    const [y, dy] = [plain(g, input('y')), plain(g, input('dy'))];
    const { x, norm, factor, overChannels, number } = response(call);
    const others = overChannels(binary(g, 'Div', binary(g, 'Mul', dy, y), norm));
    const scaled = binary(g, 'Mul', x, number(2 * Number(attrs.alpha) * Number(attrs.beta)));
    return { value: binary(g, 'Sub', binary(g, 'Mul', dy, factor), binary(g, 'Mul', scaled, others)) };
  },
};
