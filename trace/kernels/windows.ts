// Sliding windows over one, two or three spatial dimensions, channels last: what pooling, depthwise and 3-D convolutions and
// their gradients have in common. `unfold` gathers what each window sees, `fold` adds it back where it came from.
import type { backend_util } from '@tensorflow/tfjs';
import { type GraphBuilder, sizeOf, type Value } from '../graph.ts';
import { gather, pad, reduce, reshape, transpose } from '../ops.ts';

export interface Windows {
  readonly batch: number;
  readonly channels: number;
  /** Per spatial dimension: the map, the window's places on it, the window and how it moves. */
  readonly size: readonly number[];
  readonly out: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Rows of padding in front of and behind the map. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Windows of tfjs's own computation, in two or three dimensions. */
export function windowsOf(op: string, info: backend_util.Conv2DInfo | backend_util.Conv3DInfo): Windows {
  const { padInfo, batchSize: batch, inChannels: channels } = info;
  const deep = 'inDepth' in info;
  const axes = (d: number, h: number, w: number): number[] => (deep ? [d, h, w] : [h, w]);
  const ofDepth = deep
    ? {
        in: info.inDepth,
        out: info.outDepth,
        kernel: info.filterDepth,
        by: info.strideDepth,
        apart: info.dilationDepth,
      }
    : { in: 1, out: 1, kernel: 1, by: 1, apart: 1 };
  const size = axes(ofDepth.in, info.inHeight, info.inWidth);
  const out = axes(ofDepth.out, info.outHeight, info.outWidth);
  const kernel = axes(ofDepth.kernel, info.filterHeight, info.filterWidth);
  const strides = axes(ofDepth.by, info.strideHeight, info.strideWidth);
  const dilations = axes(ofDepth.apart, info.dilationHeight, info.dilationWidth);
  const before = axes('front' in padInfo ? padInfo.front : 0, padInfo.top, padInfo.left);
  const given = axes('back' in padInfo ? padInfo.back : 0, padInfo.bottom, padInfo.right);
  const needed = size.map((n, i) => reach({ out, strides, kernel, dilations }, i) - (before[i] ?? 0) - n);
  // A last window that starts a whole stride too early: not the windows of this padding.
  if (given.some((n, i) => n - (needed[i] ?? 0) >= (strides[i] ?? 1))) {
    throw new Error(
      `${op}: expected windows and strides with equal sides for padding given as a number, because tfjs computes the ` +
        `output's width from its height; got window [${kernel}], strides [${strides}]`,
    );
  }
  return { batch, channels, size, out, kernel, strides, dilations, before, after: needed.map((n) => Math.max(0, n)) };
}

const effective = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;

/** Rows from the first of the first window to the last of the last, along dimension i. */
function reach(w: Pick<Windows, 'out' | 'strides' | 'kernel' | 'dilations'>, i: number): number {
  return ((w.out[i] ?? 1) - 1) * (w.strides[i] ?? 1) + effective(w.kernel[i] ?? 1, w.dilations[i] ?? 1);
}

/** Rows of the map that no window reaches: its gradient there is zero. */
export const unreached = (w: Windows): number[] =>
  w.size.map((n, i) => n + (w.before[i] ?? 0) + (w.after[i] ?? 0) - reach(w, i));

/** ONNX's attributes of these windows. */
export const windowAttributes = ({ kernel, strides, dilations, before, after }: Windows) => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads: [...before, ...after],
});

/** Every index of a shape in row-major order. */
const places = (sizes: readonly number[]): number[][] =>
  sizes.reduce<number[][]>((all, n) => all.flatMap((at) => Array.from({ length: n }, (_, i) => [...at, i])), [[]]);

/** For each window and each of its places, the place of the map it looks at, as one number; beyond the map: `outside`. */
export function lookedAt(w: Windows, outside: number): Int32Array {
  const taps = places(w.kernel);
  return Int32Array.from(
    places(w.out).flatMap((window) =>
      taps.map((tap) =>
        w.size.reduce((flat, n, i) => {
          const at =
            (window[i] ?? 0) * (w.strides[i] ?? 1) + (tap[i] ?? 0) * (w.dilations[i] ?? 1) - (w.before[i] ?? 0);
          return flat < 0 || at < 0 || at >= n ? -1 : flat * n + at;
        }, 0),
      ),
    ),
    (at) => (at < 0 ? outside : at),
  );
}

export const windowCount = (w: Windows): number => sizeOf(w.out);
export const tapCount = (w: Windows): number => sizeOf(w.kernel);

/** Rows of x by index; the index after the last one is a row of `fill`. */
function gatherRows(g: GraphBuilder, x: Value, indices: Int32Array, fill: number): Value {
  const rows = x.shape[1] ?? 0;
  const source = indices.includes(rows)
    ? pad(
        g,
        x,
        [
          [0, 0],
          [0, 1],
          [0, 0],
        ],
        fill,
      )
    : x;
  return gather(g, source, g.constant(indices, 'int32', [indices.length]), 1);
}

/** x [batch, …size, channels] → [batch, windows, taps, channels], `fill` beyond the map. */
export function unfold(g: GraphBuilder, x: Value, w: Windows, fill: number): Value {
  const area = sizeOf(w.size);
  const flat = reshape(g, x, [w.batch, area, w.channels]);
  return reshape(g, gatherRows(g, flat, lookedAt(w, area), fill), [w.batch, windowCount(w), tapCount(w), w.channels]);
}

/**
 * Adds what windows hold to the places they look at: y [batch, windows, taps, channels], or [batch, windows, channels] where
 * all places of a window hold the same → [batch, …size, channels].
 */
export function fold(g: GraphBuilder, y: Value, w: Windows): Value {
  const perTap = y.shape.length === 4;
  const taps = tapCount(w);
  const to = [w.batch, ...w.size, w.channels];
  const rows = windowCount(w) * (perTap ? taps : 1);
  const lists = Array.from({ length: sizeOf(w.size) }, (): number[] => []);
  for (const [i, place] of lookedAt(w, -1).entries()) lists[place]?.push(perTap ? i : Math.floor(i / taps));
  const most = lists.reduce((n, list) => Math.max(n, list.length), 0);
  if (most === 0) return g.splat(0, y.dtype, to);
  const indices = Int32Array.from(lists.flatMap((list) => Array.from({ length: most }, (_, i) => list[i] ?? rows)));
  const gathered = gatherRows(g, reshape(g, y, [w.batch, rows, w.channels]), indices, 0);
  return reshape(g, reduce(g, 'Sum', reshape(g, gathered, [w.batch, lists.length, most, w.channels]), [2]), to);
}

/** Storage with channels second, for n spatial dimensions: dimension i of the tensor is dimension perm[i] of the value. */
export const storedChannelsSecond = (w: Windows): number[] => [0, ...w.size.map((_, i) => i + 2), 1];

/** A filter [...kernel, in, out] as ONNX has it: [out, in, ...kernel]. */
export function channelsFirst(g: GraphBuilder, filter: Value): Value {
  const rank = filter.shape.length;
  return transpose(g, filter, [rank - 1, rank - 2, ...Array(rank - 2).keys()]);
}
