// A picture of any size as a model takes it: cropped, resampled and laid on a ground as the pictures it was trained on were
// (docs/datasets.md). Only + − × ÷ and our own sine, in a fixed order: the same bytes in every runtime.
import * as z from 'zod/mini';
import { type Colour, parseBackground, WHITE } from './background.ts';
import { UserError } from './errors.ts';
import type { Manifest } from './manifest.ts';
import type { Picture, Size } from './picture.ts';
import { pictureOf } from './pixels.ts';
import { sine } from './walk.ts';

/** How a set of pictures was brought to one size: `cover` crops around the centre, `contain` leaves bands. */
export interface Fit {
  fit: 'cover' | 'contain';
  /** What transparent places lie on, for a model of opaque pictures. */
  background: Colour;
}

const trainedOn = z.object({
  pictures: z.object({
    fit: z.enum(['cover', 'contain']),
    background: z.optional(z.string().check(z.regex(/^#[0-9a-f]{6}$/))),
  }),
});

/**
 * What the bundle's manifest says of it; without a word of it what `train` does unless told otherwise. `wanted` is another ground
 * than that, as a colour's name. Throws UserError for a checkerboard.
 */
export function fitOf({ training }: Pick<Manifest, 'training'>, wanted?: string): Fit {
  const { success, data } = trainedOn.safeParse(training.config);
  if (wanted !== undefined) {
    const background = parseBackground(wanted);
    if (background === 'checkerboard')
      throw new UserError(
        'background: expected a colour such as ff8800, got checkerboard, which no model was trained on',
      );
    return { fit: success ? data.pictures.fit : 'cover', background };
  }
  const ground = success && data.pictures.background !== undefined ? parseBackground(data.pictures.background) : WHITE;
  return { fit: success ? data.pictures.fit : 'cover', background: ground === 'checkerboard' ? WHITE : ground };
}

/** EXIF's tag 0x0112: 1 is upright, 5 to 8 stand on a side. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The size of a picture once it is set upright. */
export const uprightSize = ({ width, height }: Size, orientation: Orientation): Size =>
  orientation >= 5 ? { width: height, height: width } : { width, height };

/** An RGBA picture (straight) as one of `image`'s size and channels (RGBA straight). */
export function intake(
  picture: Picture,
  { width, height, channels }: Manifest['image'],
  { fit, background }: Fit,
  orientation: Orientation = 1,
): Picture {
  const onSide = orientation >= 5;
  const levels = turned(fitted(picture, onSide ? height : width, onSide ? width : height, fit), width, orientation);
  return pictureOf(channels === 4 ? levels : onGround(levels, channels === 1 ? 1 : 3, background), {
    ...{ width, height, channels },
  });
}

/** Premultiplied RGBA → levels of one (grey) or three channels on a ground. */
export function onGround(levels: Uint8Array, channels: 1 | 3, ground: Colour): Uint8Array {
  const out = new Uint8Array((levels.length / 4) * channels);
  for (let i = 0; i < levels.length / 4; i++) {
    const rest = 255 - (levels[4 * i + 3] ?? 0);
    const level = (c: 0 | 1 | 2): number =>
      Math.min(255, (levels[4 * i + c] ?? 0) + Math.round((ground[c] * rest) / 255));
    if (channels === 3) for (const c of [0, 1, 2] as const) out[3 * i + c] = level(c);
    // Luma of ITU-R BT.601, in integers.
    else out[i] = (299 * level(0) + 587 * level(1) + 114 * level(2) + 500) / 1000;
  }
  return out;
}

/** Premultiplied RGBA [height, width, 4] of the picture's middle, or of the whole between transparent bands. */
function fitted(picture: Picture, width: number, height: number, fit: Fit['fit']): Uint8Array {
  const scales = [picture.width / width, picture.height / height];
  if (fit === 'cover') {
    const scale = Math.min(...scales);
    const [x, y] = [(picture.width - width * scale) / 2, (picture.height - height * scale) / 2];
    return resampled(picture, { count: width, scale, start: x }, { count: height, scale, start: y });
  }
  const scale = Math.max(...scales);
  const columns = Math.max(1, Math.min(width, Math.round(picture.width / scale)));
  const rows = Math.max(1, Math.min(height, Math.round(picture.height / scale)));
  const levels = resampled(
    picture,
    { count: columns, scale: picture.width / columns, start: 0 },
    { count: rows, scale: picture.height / rows, start: 0 },
  );
  const out = new Uint8Array(width * height * 4);
  const [left, top] = [Math.floor((width - columns) / 2), Math.floor((height - rows) / 2)];
  for (let y = 0; y < rows; y++)
    out.set(levels.subarray(y * columns * 4, (y + 1) * columns * 4), ((top + y) * width + left) * 4);
  return out;
}

/** `count` pixels, each `scale` of those there are, from `start` on. */
interface Axis {
  count: number;
  scale: number;
  start: number;
}

/** The pixels that a pixel is made of, `first` and those after it, and the share of each. */
interface Tap {
  first: number;
  weights: Float64Array;
}

/** sin(πx)/(πx) × sin(πx/3)/(πx/3) within (-3, 3). */
function lanczos3(x: number): number {
  const t = Math.abs(x);
  if (t >= 3) return 0;
  if (t === 0) return 1;
  const whole = Math.floor(t);
  const wave = sine(Math.PI * (t - whole)) * (whole % 2 === 0 ? 1 : -1);
  return (3 * wave * sine((Math.PI * t) / 3)) / (Math.PI * Math.PI * t * t);
}

/**
 * Made smaller by Lanczos's kernel of three lobes, made larger without blur, as what is smaller than a model is usually pixel
 * art. `size`: the pixels there are.
 */
function taps({ count, scale, start }: Axis, size: number): Tap[] {
  const inside = (at: number) => Math.min(size - 1, Math.max(0, at));
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    if (scale < 1) return { first: inside(Math.floor(centre)), weights: Float64Array.of(1) };
    const [from, to] = [Math.floor(centre - 3 * scale), Math.ceil(centre + 3 * scale)];
    const first = inside(from);
    const weights = new Float64Array(inside(to) - first + 1);
    let sum = 0;
    for (let at = from; at <= to; at++) {
      const weight = lanczos3((at + 0.5 - centre) / scale);
      const beyond = inside(at) - first; // beyond an edge its pixels go on
      weights[beyond] = (weights[beyond] ?? 0) + weight;
      sum += weight;
    }
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Premultiplied RGBA, [height, width, 4]. */
interface Samples {
  width: number;
  height: number;
  values: Float32Array;
}

/** Averages of boxes of `across` × `down` pixels; those at the right and lower edge may be of fewer. */
function boxes({ width, height, data }: Picture, across: number, down: number): Samples {
  const columns = Math.ceil(width / across);
  const rows = Math.ceil(height / down);
  const values = new Float32Array(columns * rows * 4);
  const sums = new Float64Array(columns * 4); // of whole numbers below 2^53
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    const [top, bottom] = [row * down, Math.min(height, (row + 1) * down)];
    for (let y = top; y < bottom; y++)
      for (let x = 0, to = 0, left = across, at = y * width * 4; x < width; x++, at += 4) {
        const a = data[at + 3] as number;
        sums[to] = (sums[to] as number) + a * (data[at] as number);
        sums[to + 1] = (sums[to + 1] as number) + a * (data[at + 1] as number);
        sums[to + 2] = (sums[to + 2] as number) + a * (data[at + 2] as number);
        sums[to + 3] = (sums[to + 3] as number) + a * 255;
        left--;
        if (left === 0) [to, left] = [to + 4, across];
      }
    for (let k = 0; k < columns * 4; k++) {
      const pixels = (bottom - top) * Math.min(across, width - (k >> 2) * across);
      values[row * columns * 4 + k] = (sums[k] as number) / (255 * pixels);
    }
  }
  return { width: columns, height: rows, values };
}

/** As libvips makes pictures smaller, which is much faster: by whole boxes to at least twice the size, then by the kernel. */
function resampled(picture: Picture, across: Axis, down: Axis): Uint8Array {
  const [kx, ky] = [across, down].map(({ scale }) => Math.max(1, Math.floor(scale / 2))) as [number, number];
  const { width, height, values } = boxes(picture, kx, ky);
  const shrunk = (axis: Axis, k: number) => ({ ...axis, scale: axis.scale / k, start: axis.start / k });
  const columns = taps(shrunk(across, kx), width);
  const rows = taps(shrunk(down, ky), height);
  const stride = columns.length * 4;
  const sums = new Float64Array(rows.length * stride);
  const line = new Float64Array(stride);
  for (let y = 0; y < height; y++) {
    const wanted = rows.flatMap(({ first, weights }, i) => {
      const weight = weights[y - first];
      return weight === undefined ? [] : [{ i, weight }];
    });
    if (wanted.length === 0) continue;
    line.fill(0);
    for (const [i, { first, weights }] of columns.entries())
      weights.forEach((weight, k) => {
        const at = (y * width + first + k) * 4;
        for (let c = 0; c < 4; c++) line[i * 4 + c] = (line[i * 4 + c] as number) + weight * (values[at + c] as number);
      });
    for (const { i, weight } of wanted)
      for (let k = 0; k < stride; k++)
        sums[i * stride + k] = (sums[i * stride + k] as number) + weight * (line[k] as number);
  }
  const out = new Uint8Array(sums.length);
  for (let at = 0; at < sums.length; at += 4) {
    const alpha = Math.min(255, Math.max(0, Math.round(sums[at + 3] as number)));
    // The kernel's lobes may leave a colour above its alpha, which no premultiplied colour is.
    for (let c = at; c < at + 3; c++) out[c] = Math.min(alpha, Math.max(0, Math.round(sums[c] as number)));
    out[at + 3] = alpha;
  }
  return out;
}

/** Levels, four a pixel, set upright: `width` is that of the upright picture. */
function turned(levels: Uint8Array, width: number, orientation: Orientation): Uint8Array {
  if (orientation === 1) return levels;
  const height = levels.length / 4 / width;
  const out = new Uint8Array(levels.length);
  const mirrored = [2, 3, 7, 8].includes(orientation); // read from the right
  const upended = [3, 4, 6, 7].includes(orientation); // read from below
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v, stride] = orientation >= 5 ? [y, x, height] : [x, y, width];
      const column = mirrored ? stride - 1 - u : u;
      const row = upended ? levels.length / 4 / stride - 1 - v : v;
      const from = (row * stride + column) * 4;
      out.set(levels.subarray(from, from + 4), (y * width + x) * 4);
    }
  return out;
}
