// A network's output becomes 8-bit pictures: level = ⌊(x + 1) × 127.5 + ½⌋ in double precision, clamped to 0..255
// (round half up; −1 → 0, 0 → 128, 1 → 255). The rule is part of the contract: it decides the bytes.
import { premultiply, straighten } from './alpha.ts';
import type { Picture } from './picture.ts';

/** One number of [-1, 1] as a level of 0..255. */
export function toLevel(x: number): number {
  return Math.min(Math.max(Math.floor((x + 1) * 127.5 + 0.5), 0), 255);
}

/** Levels [height, width, channels] as networks and picture sets have them (RGBA premultiplied) → a picture. */
export function pictureOf(levels: Uint8Array, image: Pick<Picture, 'width' | 'height' | 'channels'>): Picture {
  const { width, height, channels } = image;
  return { width, height, channels, data: channels === 4 ? straighten(levels) : levels };
}

/** The levels that `pictureOf` made the picture of. */
export function levelsOf({ channels, data }: Pick<Picture, 'channels' | 'data'>): Uint8Array {
  return channels === 4 ? premultiply(data) : data;
}

/**
 * `output` is [batch, channels, height, width], with four channels premultiplied RGBA; the pictures are
 * [height, width, channels], with four channels straight RGBA. Throws on NaN.
 */
export function toPictures(
  output: Float32Array,
  batch: number,
  image: { width: number; height: number; channels: number },
): Picture[] {
  const { width, height, channels } = image;
  const plane = width * height;
  if (output.length !== batch * channels * plane)
    throw new RangeError(`output: expected ${batch * channels * plane} numbers, got ${output.length}`);
  return Array.from({ length: batch }, (_, n) => {
    const levels = new Uint8Array(plane * channels);
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * plane;
      for (let i = 0; i < plane; i++) {
        const x = output[start + i] ?? Number.NaN;
        if (Number.isNaN(x)) throw new RangeError(`output: expected numbers, got NaN in picture ${n}`);
        levels[i * channels + c] = toLevel(x);
      }
    }
    return pictureOf(levels, image);
  });
}

/** Pictures as networks take them: [batch, channels, height, width] in [-1, 1], RGBA premultiplied. */
export function toPlanes(
  pictures: readonly Picture[],
  { width, height, channels }: Pick<Picture, 'width' | 'height' | 'channels'>,
): Float32Array {
  const plane = width * height;
  const values = new Float32Array(pictures.length * channels * plane);
  pictures.forEach((picture, n) => {
    if (picture.width !== width || picture.height !== height || picture.channels !== channels)
      throw new RangeError(
        `picture: expected ${width}x${height} with ${channels} channels, got ${picture.width}x${picture.height} with ${picture.channels}`,
      );
    const levels = levelsOf(picture);
    for (let i = 0; i < plane; i++)
      for (let c = 0; c < channels; c++)
        values[(n * channels + c) * plane + i] = (levels[i * channels + c] ?? 0) / 127.5 - 1;
  });
  return values;
}
