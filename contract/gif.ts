// Pictures → animated GIF with gifenc. Grey pictures keep every level, colour ones get 256 colours a frame; of RGBA ones a
// pixel is seen or not, which is all that GIF knows.
/// <reference path="./gifenc.d.ts" />
import { applyPalette, type FrameOptions, GIFEncoder, quantize } from 'gifenc/dist/gifenc.esm.js';
import type { Picture } from './picture.ts';

const GREYS = Array.from({ length: 256 }, (_, level) => [level, level, level]);

/** Alpha from which a pixel is drawn, in its straight colour. */
const SEEN = 128;

/** GIF89a's disposal method 2: a frame is taken away before the next, so that it does not show through that one. */
const TO_BACKGROUND = 2;

/** Frames of one size, repeated for ever; GIF counts hundredths of a second, so the delay is round(100 / fps). */
export function encodeGif(frames: readonly Picture[], fps: number): Uint8Array<ArrayBuffer> {
  const encoder = GIFEncoder();
  const delay = Math.round(100 / fps) * 10;
  for (const frame of frames) {
    const { index, ...options } = indexed(frame);
    encoder.writeFrame(index, frame.width, frame.height, { ...options, delay });
  }
  encoder.finish();
  return new Uint8Array(encoder.bytes());
}

/** A palette, and each pixel's place in it. */
function indexed({ channels, data }: Picture): FrameOptions & { index: Uint8Array } {
  if (channels === 1) return { index: data, palette: GREYS };
  if (channels === 3) {
    const rgba = new Uint8Array((data.length / 3) * 4).fill(255);
    for (let from = 0, to = 0; from < data.length; from += 3, to += 4) rgba.set(data.subarray(from, from + 3), to);
    const palette = quantize(rgba, 256);
    return { index: applyPalette(rgba, palette), palette };
  }
  // gifenc's own way with alpha keeps four bits a colour; so the palette is made of the pixels that are seen, after 0.
  const clear = Uint8Array.from({ length: data.length / 4 }, (_, i) => ((data[4 * i + 3] ?? 0) < SEEN ? 1 : 0));
  const seen = data.filter((_, at) => clear[at >> 2] === 0);
  const colours = seen.length > 0 ? quantize(seen, 255) : [[0, 0, 0]];
  const index = applyPalette(data.slice(), colours).map((colour, i) => (clear[i] === 1 ? 0 : colour + 1));
  return {
    index,
    palette: [[0, 0, 0], ...colours],
    transparent: true,
    transparentIndex: 0,
    dispose: TO_BACKGROUND,
  };
}
