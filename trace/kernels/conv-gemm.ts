// Wide convolutions for training: NHWC, as a Gather that unfolds (im2col) and one matrix product over the whole batch.
// Measured with onnxruntime's CPU provider, weights as inputs, [64,14,14,64] 3x3: Conv 10.4 ms, unfold by slices 12.8 ms,
// by Gather 8.2 ms; the unfold alone 5.5 ms by slices, 1.3 ms by Gather, which runs on all threads. The unfold of an input
// is shared by its convolution and its filter gradient, because equal nodes are one node.
import type { GraphBuilder, Value } from '../graph.ts';
import { binary, concat, gather, matMul, pad, reduce, reshape, slice, transpose } from '../ops.ts';
import { type ConvGeometry, isPointwise } from './conv-geometry.ts';

interface Tap {
  /** Row and column in the source map; outside it: a zero. */
  readonly row: number;
  readonly column: number;
}

/** Gathers taps of a map: x [batch, rows·columns, channels] → [batch, taps.length, channels], zero for taps outside. */
function gatherTaps(g: GraphBuilder, x: Value, rows: number, columns: number, taps: readonly Tap[]): Value {
  const zero = rows * columns;
  const indices = Int32Array.from(taps, ({ row, column }) =>
    row >= 0 && row < rows && column >= 0 && column < columns ? row * columns + column : zero,
  );
  const source = indices.includes(zero)
    ? pad(g, x, [
        [0, 0],
        [0, 1],
        [0, 0],
      ])
    : x;
  return gather(g, source, g.constant(indices, 'int32', [indices.length]), 1);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Kernel places in row-major order. */
const places = ([kh, kw]: readonly [number, number]): [number, number][] =>
  range(kh).flatMap((i) => range(kw).map((j): [number, number] => [i, j]));

const positions = (rows: number, columns: number): [number, number][] => places([rows, columns]);

/** x [batch, height, width, in] → [batch·outHeight·outWidth, kh·kw·in]. */
function unfold(g: GraphBuilder, geo: ConvGeometry, x: Value): Value {
  const { batch, height, width, inChannels, outHeight, outWidth, kernel, strides, dilations, pads } = geo;
  const rows = batch * outHeight * outWidth;
  if (isPointwise(geo)) return reshape(g, x, [rows, inChannels]);
  const taps = positions(outHeight, outWidth).flatMap(([oh, ow]) =>
    places(kernel).map(([kh, kw]) => ({
      row: oh * strides[0] + kh * dilations[0] - pads[0],
      column: ow * strides[1] + kw * dilations[1] - pads[1],
    })),
  );
  const flat = reshape(g, x, [batch, height * width, inChannels]);
  return reshape(g, gatherTaps(g, flat, height, width, taps), [rows, kernel[0] * kernel[1] * inChannels]);
}

/** For each input place, the output places and kernel places that touch it. */
function touching(geo: ConvGeometry, row: number, column: number): { oh: number; ow: number; k: number }[] {
  const { kernel, strides, dilations, pads } = geo;
  return places(kernel).flatMap(([kh, kw]) => {
    const [h, w] = [row + pads[0] - kh * dilations[0], column + pads[1] - kw * dilations[1]];
    if (h % strides[0] !== 0 || w % strides[1] !== 0) return [];
    return [{ oh: h / strides[0], ow: w / strides[1], k: kh * kernel[1] + kw }];
  });
}

/**
 * A large unfold is written to memory and read back from there, nine times the map. In tiles of a few pictures it stays in a core's
 * second cache: [32, 32, 32, 32] 3x3 took 12.6 ms in place of 21.1, the step of 64 px 10 % less. Numbers: an unfold that is worth it and a tile.
 */
const [LARGE, TILE] = [4_000_000, 300_000];
/** More parts are more nodes than they save. */
const MOST_TILES = 256;

/** Pictures of a tile when each has so many numbers unfolded; a divisor of the batch. */
function tileOf(batch: number, numbers: number): number {
  if (batch * numbers < LARGE) return batch;
  const tile = range(batch).reduce((most, i) => (batch % (i + 1) === 0 && (i + 1) * numbers <= TILE ? i + 1 : most), 1);
  // A prime batch, such as one that stands for an open size, would come apart into single pictures.
  return batch / tile > MOST_TILES ? batch : tile;
}

/** A batch in parts of so many pictures. */
function inTiles(g: GraphBuilder, x: Value, pictures: number): Value[] {
  const [batch = 1, ...rest] = x.shape;
  return range(batch / pictures).map((i) => slice(g, x, [i * pictures, ...rest.map(() => 0)], [pictures, ...rest]));
}

/** x [batch, height, width, in], filter [kh, kw, in, out] → [batch, outHeight, outWidth, out]. */
export function conv2d(g: GraphBuilder, geo: ConvGeometry, x: Value, filter: Value): Value {
  const { batch, inChannels, outHeight, outWidth, outChannels, kernel } = geo;
  const area = kernel[0] * kernel[1];
  const to = [batch, outHeight, outWidth, outChannels];
  const tile = isPointwise(geo) ? batch : tileOf(batch, outHeight * outWidth * area * inChannels);
  if (tile < batch) {
    const parts = inTiles(g, x, tile).map((part) => conv2d(g, { ...geo, batch: tile }, part, filter));
    return concat(g, parts, 0);
  }
  return reshape(g, matMul(g, unfold(g, geo, x), reshape(g, filter, [area * inChannels, outChannels])), to);
}

/** dy [batch, outHeight, outWidth, out], filter [kh, kw, in, out] → gradient of the input, [batch, height, width, in]. */
export function conv2dInputGradient(g: GraphBuilder, geo: ConvGeometry, dy: Value, filter: Value): Value {
  const { batch, height, width, inChannels, outHeight, outWidth, outChannels, kernel, strides, dilations } = geo;
  const area = kernel[0] * kernel[1];
  const to = [batch, height, width, inChannels];
  if (isPointwise(geo)) {
    const rows = reshape(g, dy, [batch * outHeight * outWidth, outChannels]);
    return reshape(g, matMul(g, rows, reshape(g, filter, [inChannels, outChannels]), false, true), to);
  }
  const tile = tileOf(batch, height * width * area * outChannels);
  if (tile < batch && strides.every((s) => s === 1)) {
    const parts = inTiles(g, dy, tile).map((part) => conv2dInputGradient(g, { ...geo, batch: tile }, part, filter));
    return concat(g, parts, 0);
  }
  if (dilations.some((d) => d !== 1) && strides.some((s) => s !== 1)) {
    throw new Error(`convolution: expected stride 1 or dilation 1, got strides [${strides}], dilations [${dilations}]`);
  }
  // Input places with the same remainder modulo the stride are touched by the same kernel places: one product each.
  const flat = reshape(g, dy, [batch, outHeight * outWidth, outChannels]);
  const byPlace = reshape(g, transpose(g, filter, [0, 1, 3, 2]), [area, outChannels, inChannels]);
  const phases = places(strides).map(([a, b]) => {
    const members = positions(height, width).filter(([h, w]) => h % strides[0] === a && w % strides[1] === b);
    const [first] = members;
    const used = first ? touching(geo, ...first).map((t) => t.k) : [];
    const taps = members.flatMap(([h, w]) => touching(geo, h, w).map(({ oh, ow }) => ({ row: oh, column: ow })));
    if (used.length === 0) return { members, value: g.splat(0, 'float32', [batch, members.length, inChannels]) };
    const gathered = gatherTaps(g, flat, outHeight, outWidth, taps);
    const rows = reshape(g, gathered, [batch * members.length, used.length * outChannels]);
    const chosen =
      used.length === area ? byPlace : gather(g, byPlace, g.constant(Int32Array.from(used), 'int32', [used.length]), 0);
    const product = matMul(g, rows, reshape(g, chosen, [used.length * outChannels, inChannels]));
    return { members, value: reshape(g, product, [batch, members.length, inChannels]) };
  });
  if (phases.length === 1 && phases[0]) return reshape(g, phases[0].value, to);
  const order = new Int32Array(height * width);
  for (const [at, [h, w]] of phases.flatMap((p) => p.members).entries()) order[h * width + w] = at;
  const joined = concat(
    g,
    phases.map((p) => p.value),
    1,
  );
  return reshape(g, gather(g, joined, g.constant(order, 'int32', [order.length]), 1), to);
}

/**
 * One product over very many rows streams both operands past the caches for each tile of its small result. In parts,
 * [32768, 288]ᵀ · [32768, 32] took 2.5 instead of 3.9 ms; with 8,192 rows and twice the channels nothing was gained.
 */
const [LONG, PARTS] = [16_384, 16];

/** x and dy as above → gradient of the filter, [kh, kw, in, out]. */
export function conv2dFilterGradient(g: GraphBuilder, geo: ConvGeometry, x: Value, dy: Value): Value {
  const { batch, height, width, outHeight, outWidth, outChannels, inChannels, kernel, strides } = geo;
  const area = kernel[0] * kernel[1];
  if (area > 1 && outChannels * 4 <= inChannels && strides.every((s) => s === 1)) {
    // Few output channels: unfold dy, as the input gradient does, instead of the wide x.
    const taps = positions(height, width).flatMap(([h, w]) =>
      touching(geo, h, w).map(({ oh, ow }) => ({ row: oh, column: ow })),
    );
    const flat = reshape(g, dy, [batch, outHeight * outWidth, outChannels]);
    const unfolded = gatherTaps(g, flat, outHeight, outWidth, taps);
    const rows = batch * height * width;
    const product = matMul(
      g,
      reshape(g, x, [rows, inChannels]),
      reshape(g, unfolded, [rows, area * outChannels]),
      true,
    );
    const byPlace = transpose(g, reshape(g, product, [inChannels, area, outChannels]), [1, 0, 2]);
    return reshape(g, byPlace, [...kernel, inChannels, outChannels]);
  }
  const tile = isPointwise(geo) ? batch : tileOf(batch, outHeight * outWidth * area * inChannels);
  if (tile < batch) {
    const sent = inTiles(g, dy, tile);
    const parts = inTiles(g, x, tile).map((part, i) =>
      conv2dFilterGradient(g, { ...geo, batch: tile }, part, sent[i] as Value),
    );
    return parts.reduce((sum, part) => binary(g, 'Add', sum, part));
  }
  const rows = batch * outHeight * outWidth;
  const [unfolded, sent] = [unfold(g, geo, x), reshape(g, dy, [rows, outChannels])]; // [rows, kh·kw·in], [rows, out]
  const to = [...kernel, inChannels, outChannels];
  if (rows < LONG || batch % PARTS !== 0) return reshape(g, matMul(g, unfolded, sent, true), to);
  const inParts = (v: Value): Value => reshape(g, v, [PARTS, rows / PARTS, v.shape[1] ?? 1]);
  return reshape(g, reduce(g, 'Sum', matMul(g, inParts(unfolded), inParts(sent), true), [0]), to);
}
