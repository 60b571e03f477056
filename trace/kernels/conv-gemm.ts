// Wide convolutions for training: NHWC, as a Gather that unfolds (im2col) and one matrix product over the whole batch.
// Measured with onnxruntime's CPU provider, weights as inputs, [64,14,14,64] 3x3: Conv 10.4 ms, unfold by slices 12.8 ms,
// by Gather 8.2 ms; the unfold alone 5.5 ms by slices, 1.3 ms by Gather.
import type { GraphBuilder, Value } from '../graph.ts';
import { binary, concat, gather, matMul, reduce, reshape, transpose } from '../ops.ts';
import { type ConvGeometry, isPointwise } from './conv-geometry.ts';
import { gatherTaps, places, range, reaches, type Tap, tileOf } from './conv-taps.ts';

/** What the output's places see of a picture: outHeight·outWidth·kh·kw taps. */
function seen({ outHeight, outWidth, kernel, strides, dilations, pads }: ConvGeometry): Tap[] {
  return places([outHeight, outWidth]).flatMap(([oh, ow]) =>
    places(kernel).map(([kh, kw]) => ({
      row: oh * strides[0] + kh * dilations[0] - pads[0],
      column: ow * strides[1] + kw * dilations[1] - pads[1],
    })),
  );
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

/** x [batch, height, width, in], filter [kh, kw, in, out] → [batch, outHeight, outWidth, out]. */
export function conv2d(g: GraphBuilder, geo: ConvGeometry, x: Value, filter: Value): Value {
  const { batch, inChannels, outHeight, outWidth, outChannels, kernel } = geo;
  const to = [batch, outHeight, outWidth, outChannels];
  const [rows, width] = [outHeight * outWidth, kernel[0] * kernel[1] * inChannels];
  const flat = reshape(g, filter, [width, outChannels]);
  if (isPointwise(geo)) return reshape(g, matMul(g, reshape(g, x, [batch * rows, width]), flat), to);
  const tile = tileOf(batch, rows * width);
  const parts = gatherTaps(g, x, seen(geo), tile).map((part) =>
    matMul(g, reshape(g, part, [tile * rows, width]), flat),
  );
  return reshape(g, concat(g, parts, 0), to);
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
  if (dilations.some((d) => d !== 1) && strides.some((s) => s !== 1)) {
    throw new Error(`convolution: expected stride 1 or dilation 1, got strides [${strides}], dilations [${dilations}]`);
  }
  // Input places with the same remainder modulo the stride are touched by the same kernel places: one product each.
  const byPlace = reshape(g, transpose(g, filter, [0, 1, 3, 2]), [area, outChannels, inChannels]);
  const phases = places(strides).map(([a, b]) => {
    const members = places([height, width]).filter(([h, w]) => h % strides[0] === a && w % strides[1] === b);
    const [first] = members;
    const used = first ? touching(geo, ...first).map((t) => t.k) : [];
    const taps = members.flatMap(([h, w]) => touching(geo, h, w).map(({ oh, ow }) => ({ row: oh, column: ow })));
    if (used.length === 0) return { members, value: g.splat(0, 'float32', [batch, members.length, inChannels]) };
    const chosen =
      used.length === area ? byPlace : gather(g, byPlace, g.constant(Int32Array.from(used), 'int32', [used.length]), 0);
    const touched = used.length * outChannels;
    const weights = reshape(g, chosen, [touched, inChannels]);
    const tile = tileOf(batch, members.length * touched);
    const parts = gatherTaps(g, dy, taps, tile).map((part) =>
      matMul(g, reshape(g, part, [tile * members.length, touched]), weights),
    );
    return { members, value: reshape(g, concat(g, parts, 0), [batch, members.length, inChannels]) };
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

/** Rows that a part of a long product has at least. */
const PART = 4_096;

/**
 * leftᵀ · right over the rows of so many pictures: [rows, a] and [rows, b] → [a, b]. Over very many rows, both operands would be
 * streamed past the caches for each tile of a small result, on one thread. In parts, which take all threads, and summed:
 * [8192, 48]ᵀ · [8192, 48] on two threads took 0.25 ms in place of 0.4.
 */
function overRows(g: GraphBuilder, left: Value, right: Value, pictures: number): Value {
  const [rows = 1, width = 1] = left.shape;
  const parts = range(pictures).reduce(
    (most, i) => (pictures % (i + 1) === 0 && rows >= (i + 1) * PART ? i + 1 : most),
    1,
  );
  if (parts === 1) return matMul(g, left, right, true);
  const inParts = (v: Value): Value => reshape(g, v, [parts, rows / parts, v.shape[1] ?? 1]);
  return reshape(g, reduce(g, 'Sum', matMul(g, inParts(left), inParts(right), true), [0]), [
    width,
    right.shape[1] ?? 1,
  ]);
}

/** x and dy as above → gradient of the filter, [kh, kw, in, out]. */
export function conv2dFilterGradient(g: GraphBuilder, geo: ConvGeometry, x: Value, dy: Value): Value {
  const { batch, height, width, outHeight, outWidth, outChannels, inChannels, kernel, strides } = geo;
  const area = kernel[0] * kernel[1];
  const to = [...kernel, inChannels, outChannels];
  if (area > 1 && strides.every((s) => s === 1)) {
    if (outChannels * 4 <= inChannels) {
      // Few output channels: unfold dy, as the input gradient does, instead of the wide x.
      const taps = places([height, width]).flatMap(([h, w]) =>
        touching(geo, h, w).map(({ oh, ow }) => ({ row: oh, column: ow })),
      );
      const rows = batch * height * width;
      const [unfolded] = gatherTaps(g, dy, taps, batch) as [Value];
      const sent = reshape(g, unfolded, [rows, area * outChannels]);
      const product = overRows(g, reshape(g, x, [rows, inChannels]), sent, batch);
      return reshape(g, transpose(g, reshape(g, product, [inChannels, area, outChannels]), [1, 0, 2]), to);
    }
    if (inChannels * 4 > outChannels) return inTwoPasses(g, geo, x, dy);
  }
  const rows = batch * outHeight * outWidth;
  const [unfolded] = isPointwise(geo) ? [x] : (gatherTaps(g, x, seen(geo), batch) as [Value]);
  const [left, right] = [reshape(g, unfolded, [rows, area * inChannels]), reshape(g, dy, [rows, outChannels])];
  return reshape(g, overRows(g, left, right, batch), to);
}

/**
 * The same where the stride is 1: x unfolded along rows, dy along columns, and one product has every pair of the two. It copies
 * kw·in + kh·out numbers a place in place of kh·kw·in, and its result is nearer to a square, which the product is faster with: [32, 64, 64, 16]
 * took 18 ms in place of 26, the step of 64 px 6 % less.
 */
function inTwoPasses(g: GraphBuilder, geo: ConvGeometry, x: Value, dy: Value): Value {
  const { batch, height, outWidth, outChannels, inChannels, kernel } = geo;
  const [down, across] = [reaches(geo, 0), reaches(geo, 1)];
  // Pairs of a row of x and a column of dy: x at (h, w + across), dy at (h - down, w).
  const pairs = places([height, outWidth]);
  const ofX = pairs.flatMap(([h, w]) => across.map((by) => ({ row: h, column: w + by })));
  const ofDy = pairs.flatMap(([h, w]) => down.map((by) => ({ row: h - by, column: w })));
  const [wide, tall] = [kernel[1] * inChannels, kernel[0] * outChannels];
  const tile = tileOf(batch, pairs.length * (wide + tall));
  const sent = gatherTaps(g, dy, ofDy, tile);
  const rows = tile * pairs.length;
  const parts = gatherTaps(g, x, ofX, tile).map((part, i) =>
    overRows(g, reshape(g, part, [rows, wide]), reshape(g, sent[i] as Value, [rows, tall]), tile),
  );
  const sum = parts.reduce((all, part) => binary(g, 'Add', all, part));
  return transpose(g, reshape(g, sum, [kernel[1], inChannels, kernel[0], outChannels]), [2, 0, 1, 3]);
}
