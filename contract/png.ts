// Picture ↔ PNG with fast-png (pure JavaScript, deflate included), so the file's bytes are the same in every runtime.
import { decode, encode } from 'fast-png';
import type { Picture } from './picture.ts';

/** An 8-bit PNG. The deflate level is stated because it is part of what decides the bytes. */
export function encodePng(picture: Picture): Uint8Array<ArrayBuffer> {
  const { width, height, channels, data } = picture;
  return new Uint8Array(encode({ width, height, channels, depth: 8, data }, { zlib: { level: 6 } }));
}

/** The pixels of an 8-bit grey, grey+alpha, RGB or RGBA PNG. */
export function decodePng(bytes: Uint8Array): Picture {
  const { width, height, channels, depth, data } = decode(bytes);
  if (depth !== 8) throw new RangeError(`PNG: expected 8 bits a channel, got ${depth}`);
  return { width, height, channels, data: new Uint8Array(data) };
}
