// What convolutions look at, gathered by index: in NHWC the channels of a place lie side by side, and Gather copies them at once, on
// all threads.
import type { GraphBuilder, Value } from '../graph.ts';
import { binary, gather, pad, reshape } from '../ops.ts';
import type { ConvGeometry } from './conv-geometry.ts';

/** A place of a map; outside it: zeros. */
export interface Tap {
  readonly row: number;
  readonly column: number;
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Places of a map, or of a kernel, in row-major order. */
export const places = ([rows, columns]: readonly [number, number]): [number, number][] =>
  range(rows).flatMap((i) => range(columns).map((j): [number, number] => [i, j]));

/** How far each place of the kernel looks from an output's place, along an axis, where the stride is 1. */
export const reaches = ({ kernel, dilations, pads }: ConvGeometry, axis: 0 | 1): number[] =>
  range(kernel[axis]).map((k) => k * dilations[axis] - pads[axis]);

/**
 * A large unfold is written to memory and read back from there, nine times the map. In tiles of a few pictures it stays in a core's
 * second cache: [32, 32, 32, 32] 3x3 took 12.6 ms in place of 21.1, the step of 64 px 10 % less. Numbers: an unfold that is worth it and a tile.
 */
const [LARGE, TILE] = [4_000_000, 800_000];
/** More parts are more nodes than they save. */
const MOST_TILES = 256;

/** Pictures of a tile when each has so many numbers unfolded; a divisor of the batch. */
export function tileOf(batch: number, numbers: number): number {
  if (batch * numbers < LARGE) return batch;
  const tile = range(batch).reduce((most, i) => (batch % (i + 1) === 0 && (i + 1) * numbers <= TILE ? i + 1 : most), 1);
  // A prime batch, such as one that stands for an open size, would come apart into single pictures.
  return batch / tile > MOST_TILES ? batch : tile;
}

/**
 * Taps of every picture of x [batch, rows, columns, channels], so many pictures at a time: [pictures · taps, channels] each. All
 * tiles gather from one map, padded once; a tile of its own would be copied twice before that.
 */
export function gatherTaps(g: GraphBuilder, x: Value, taps: readonly Tap[], pictures: number): Value[] {
  const [batch = 1, rows = 1, columns = 1, channels = 1] = x.shape;
  const isInside = ({ row, column }: Tap): boolean => row >= 0 && row < rows && column >= 0 && column < columns;
  const area = rows * columns;
  const zeros = taps.every(isInside) ? 0 : 1;
  const paddings = [[0, 0] as const, [0, zeros] as const, [0, 0] as const];
  const map = pad(g, reshape(g, x, [batch, area, channels]), paddings);
  const indices = taps.map((tap) => (isInside(tap) ? tap.row * columns + tap.column : area));
  const count = pictures * taps.length;
  if (pictures === batch) {
    const all = gather(g, map, g.constant(Int32Array.from(indices), 'int32', [taps.length]), 1);
    return [reshape(g, all, [count, channels])];
  }
  const flat = reshape(g, map, [batch * (area + zeros), channels]);
  const first = Int32Array.from(range(pictures).flatMap((i) => indices.map((at) => at + i * (area + zeros))));
  const ofFirst = g.constant(first, 'int32', [count]);
  return range(batch / pictures).map((tile) => {
    const before = g.constant(Int32Array.of(tile * pictures * (area + zeros)), 'int32', [1]);
    return gather(g, flat, tile === 0 ? ofFirst : binary(g, 'Add', ofFirst, before), 0);
  });
}
