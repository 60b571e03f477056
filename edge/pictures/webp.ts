// WebP from outside, by libwebp compiled to wasm (@jsquash/webp). In workerd wasm cannot be compiled from bytes, so its module is
// handed in. Before it sees the file the chunks are walked (RFC 9649): still or not, size, EXIF's orientation.
import decode, { init } from '@jsquash/webp/decode.js';
import { UserError } from '../../contract/errors.ts';
import type { Orientation } from '../../contract/intake.ts';
import { checkSize, type Decoded, damaged } from './decode.ts';
import { orientationOf } from './exif.ts';

export function createWebpDecoder(module: WebAssembly.Module): (bytes: Uint8Array) => Promise<Decoded> {
  let ready = false;
  const start = () =>
    init({
      instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
        const instance = new WebAssembly.Instance(module, imports);
        done(instance);
        return instance.exports;
      },
    });
  return async (bytes) => {
    const { orientation } = walk(bytes);
    if (!ready) void start();
    ready = true;
    try {
      const { width, height, data } = await decode(new Uint8Array(bytes).buffer);
      return { picture: { width, height, channels: 4, data: new Uint8Array(data) }, orientation };
    } catch (error) {
      ready = false; // after an abort it is of no use any more
      throw error;
    }
  };
}

function walk(bytes: Uint8Array): { orientation: Orientation } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 20 || view.getUint32(4, true) + 8 > view.byteLength) throw damaged('WebP', 'it is cut off');
  const end = view.getUint32(4, true) + 8;
  const sizes: [number, number][] = [];
  let orientation: Orientation = 1;
  for (let at = 12; at + 8 <= end; ) {
    const type = String.fromCharCode(...bytes.subarray(at, at + 4));
    const length = view.getUint32(at + 4, true);
    const from = at + 8;
    if (from + length > end) throw damaged('WebP', 'it is cut off');
    const least = { VP8X: 10, 'VP8 ': 10, VP8L: 5 }[type] ?? 0;
    if (length < least) throw damaged('WebP', `no whole ${type}`);
    if (type === 'VP8X') {
      const three = (i: number) => view.getUint16(i, true) + (view.getUint8(i + 2) << 16);
      sizes.push([three(from + 4) + 1, three(from + 7) + 1]);
    } else if (type === 'VP8 ') {
      sizes.push([view.getUint16(from + 6, true) & 0x3fff, view.getUint16(from + 8, true) & 0x3fff]);
    } else if (type === 'VP8L') {
      const bits = view.getUint32(from + 1, true);
      sizes.push([(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1]);
    } else if (type === 'ANIM' || type === 'ANMF') {
      throw new UserError('picture: expected a still WebP, got an animation; save one frame of it');
    } else if (type === 'EXIF') {
      orientation = orientationOf(bytes.subarray(from, from + length));
    }
    at = from + length + (length % 2);
  }
  if (sizes.length === 0) throw damaged('WebP', 'no picture in it');
  for (const [width, height] of sizes) checkSize(width, height);
  return { orientation };
}
