// A network's output becomes 8-bit pictures: level = ⌊(x + 1) × 127.5 + ½⌋ in double precision, clamped to 0..255
// (round half up; −1 → 0, 0 → 128, 1 → 255). The rule is part of the contract: it decides the bytes.
import type { Picture } from './picture.ts';

/** One number of [-1, 1] as a level of 0..255. */
export function toLevel(x: number): number {
  return Math.min(Math.max(Math.floor((x + 1) * 127.5 + 0.5), 0), 255);
}

/** `output` is [batch, channels, height, width]; the pictures are [height, width, channels]. Throws on NaN. */
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
    const data = new Uint8Array(plane * channels);
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * plane;
      for (let i = 0; i < plane; i++) {
        const x = output[start + i] ?? Number.NaN;
        if (Number.isNaN(x)) throw new RangeError(`output: expected numbers, got NaN in picture ${n}`);
        data[i * channels + c] = toLevel(x);
      }
    }
    return { width, height, channels, data };
  });
}
