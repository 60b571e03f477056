// Pictures → animated GIF with gifenc. Grey pictures keep every level; colour ones get 256 colours a frame (no alpha).
/// <reference path="./gifenc.d.ts" />
import { applyPalette, GIFEncoder, quantize } from 'gifenc/dist/gifenc.esm.js';
import type { Picture } from './picture.ts';

const GREYS = Array.from({ length: 256 }, (_, level) => [level, level, level]);

/** Frames of one size, repeated for ever; GIF counts hundredths of a second, so the delay is round(100 / fps). */
export function encodeGif(frames: readonly Picture[], fps: number): Uint8Array<ArrayBuffer> {
  const encoder = GIFEncoder();
  const delay = Math.round(100 / fps) * 10;
  for (const { width, height, channels, data } of frames) {
    if (channels === 1) {
      encoder.writeFrame(data, width, height, { palette: GREYS, delay });
    } else {
      const rgba = toRgba(data, channels);
      const palette = quantize(rgba, 256);
      encoder.writeFrame(applyPalette(rgba, palette), width, height, { palette, delay });
    }
  }
  encoder.finish();
  return new Uint8Array(encoder.bytes());
}

function toRgba(data: Uint8Array, channels: number): Uint8Array {
  const rgba = new Uint8Array((data.length / channels) * 4).fill(255);
  const colours = channels >= 3 ? 3 : 1;
  for (let from = 0, to = 0; from < data.length; from += channels, to += 4)
    for (let c = 0; c < 3; c++) rgba[to + c] = data[from + Math.min(c, colours - 1)] ?? 0;
  return rgba;
}
