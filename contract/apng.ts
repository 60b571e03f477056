// Pictures → animated PNG, exact in every channel, alpha too. Each frame is encoded as a PNG; its IDAT data is moved into the
// animation's chunks. PNG specification, third edition (W3C 2025): https://www.w3.org/TR/png-3/#apng-frame-based-animation
import type { Picture } from './picture.ts';
import { encodePng } from './png.ts';

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/** A frame stays until the next, which is drawn over all of it: its clear pixels replace, they do not let it through. */
const DISPOSE_NONE = 0;
const BLEND_SOURCE = 0;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** length, type, data, CRC of type and data */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** Fields as [bytes, value], big-endian. */
function fields(...list: readonly (readonly [1 | 2 | 4, number])[]): Uint8Array {
  const bytes = list.flatMap(([size, value]) => Array.from({ length: size }, (_, i) => value >>> (8 * (size - 1 - i))));
  return Uint8Array.from(bytes);
}

/** The data of one chunk type of a PNG, all such chunks joined. */
function chunkData(png: Uint8Array, type: string): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (name === type) parts.push(png.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  return concat(parts);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Frames of one size and kind, 1 / fps seconds each, repeated for ever. */
export function encodeApng(frames: readonly Picture[], fps: number): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [SIGNATURE];
  let sequence = 0; // fcTL and fdAT chunks are numbered together
  frames.forEach((frame, i) => {
    const png = encodePng(frame);
    if (i === 0) chunks.push(chunk('IHDR', chunkData(png, 'IHDR')), chunk('acTL', fields([4, frames.length], [4, 0])));
    const control = fields(
      [4, sequence++],
      [4, frame.width],
      [4, frame.height],
      [4, 0],
      [4, 0],
      [2, 1],
      [2, fps],
      [1, DISPOSE_NONE],
      [1, BLEND_SOURCE],
    );
    chunks.push(chunk('fcTL', control));
    const data = chunkData(png, 'IDAT');
    chunks.push(i === 0 ? chunk('IDAT', data) : chunk('fdAT', concat([fields([4, sequence++]), data])));
  });
  return concat([...chunks, chunk('IEND', new Uint8Array())]);
}
