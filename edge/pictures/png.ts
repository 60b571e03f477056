// PNG from outside, by fast-png. Before it sees the file the chunks are walked: text and colour profiles, which it would inflate
// to any size, are left out, and the pixels must inflate to exactly what the header says.
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png';
import { Unzlib } from 'fflate';
import { UserError } from '../../contract/errors.ts';
import type { Orientation } from '../../contract/intake.ts';
import type { Picture } from '../../contract/picture.ts';
import { checkSize, type Decoded, damaged } from './decode.ts';
import { orientationOf } from './exif.ts';

/** Channels of each colour type, and the depths it may have (PNG, third edition, table 8). */
const KINDS: Readonly<Record<number, { samples: number; depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
const NEEDED = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
/** Of compressed bytes inflated at a time: at most a thousand times as many come out. */
const PART = 16_384;

export function decodePngFile(bytes: Uint8Array): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [bytes.subarray(0, 8)];
  const data: Uint8Array[] = [];
  let orientation: Orientation = 1;
  let type = '';
  for (let at = 8; type !== 'IEND'; ) {
    if (at + 12 > bytes.length) throw damaged('PNG', 'it is cut off');
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) throw damaged('PNG', 'it is cut off');
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, end - 4);
    if (kept.length === 1 ? type !== 'IHDR' || length !== 13 : type === 'IHDR')
      throw damaged('PNG', 'expected one header, first of all');
    if (NEEDED.includes(type)) kept.push(bytes.subarray(at, end));
    if (type === 'IDAT') data.push(content);
    if (type === 'eXIf') orientation = orientationOf(content);
    at = end;
  }
  const header = kept[1] as Uint8Array;
  checkSize(view.getUint32(16), view.getUint32(20));
  checkInflated(data, inflatedSize(header));
  const file = new Uint8Array(kept.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of kept) {
    file.set(part, at);
    at += part.length;
  }
  return { picture: rgbaOf(decode(file, { checkCrc: true }), header[17] === 3), orientation };
}

/** Bytes of the filtered rows that a header announces. */
function inflatedSize(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset + 8, 13);
  const [width, height, depth] = [view.getUint32(0), view.getUint32(4), view.getUint8(8)];
  const kind = KINDS[view.getUint8(9)];
  if (!kind?.depths.includes(depth)) throw damaged('PNG', 'no such kind of pixels');
  const rows = (across: number, down: number) =>
    across > 0 && down > 0 ? down * (1 + Math.ceil((across * kind.samples * depth) / 8)) : 0;
  if (view.getUint8(12) === 0) return rows(width, height);
  if (depth < 8)
    throw new UserError(`picture: expected 8 or 16 bits a channel in an interlaced PNG, got ${depth}; save it anew`);
  // Adam7: where each pass begins and how far its pixels are apart.
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  return passes.reduce(
    (sum, [x, y, right, below]) => sum + rows(Math.ceil((width - x) / right), Math.ceil((height - y) / below)),
    0,
  );
}

/** Throws unless the parts inflate to `size` bytes; stops soon after there are more. */
function checkInflated(parts: readonly Uint8Array[], size: number): void {
  let length = 0;
  const inflating = new Unzlib((chunk) => {
    length += chunk.length;
    if (length > size) throw damaged('PNG', 'more pixels than its header says');
  });
  for (const part of parts)
    for (let at = 0; at < part.length; at += PART) inflating.push(part.subarray(at, at + PART), false);
  inflating.push(new Uint8Array(), true);
  if (length !== size) throw damaged('PNG', 'fewer pixels than its header says');
}

/** 16 bits are cut to 8, as sharp does. */
function rgbaOf(png: DecodedPng, indexed: boolean): Picture {
  const { width, height, channels, depth, transparency } = png;
  const pixels = width * height;
  const data = new Uint8Array(pixels * 4);
  if (indexed || depth < 8) {
    // Grey of 1, 2 or 4 bits is packed as a palette's indices are.
    const grey = (i: number) => Array<number>(3).fill((i * 255) / (2 ** depth - 1));
    const greys = Array.from({ length: 2 ** depth }, (_, i) => grey(i)) as NonNullable<DecodedPng['palette']>;
    const colours = convertIndexedToRgb(indexed ? png : { ...png, palette: greys });
    const samples = colours.length / pixels;
    const clear = transparency?.[0] === undefined ? -1 : (transparency[0] * 255) / (2 ** depth - 1);
    for (let i = 0; i < pixels; i++) {
      for (let c = 0; c < 3; c++) data[4 * i + c] = colours[samples * i + c] ?? 0;
      data[4 * i + 3] = samples === 4 ? (colours[4 * i + 3] ?? 0) : colours[3 * i] === clear ? 0 : 255;
    }
    return { width, height, channels: 4, data };
  }
  const colours = channels >= 3 ? 3 : 1;
  const shift = depth - 8;
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    for (let c = 0; c < 3; c++) data[4 * i + c] = (png.data[at + (colours === 3 ? c : 0)] ?? 0) >> shift;
    let clear = transparency !== undefined && transparency.length >= colours;
    for (let c = 0; clear && c < colours; c++) clear = png.data[at + c] === transparency?.[c];
    data[4 * i + 3] = channels > colours ? (png.data[at + colours] ?? 0) >> shift : clear ? 0 : 255;
  }
  return { width, height, channels: 4, data };
}
