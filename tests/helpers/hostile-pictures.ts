// Bodies that somebody might send as a picture, made from a seed: cut off, bits flipped, sizes of any kind, bombs, other formats.
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { pngChunk, pngOfChunks } from './png-chunks.ts';

const [width, height] = [40, 30];
const raw = Buffer.from(Array.from({ length: width * height * 4 }, (_, i) => (i * 7919 + (i >> 6) * 31) % 256));
const picture = () => sharp(raw, { raw: { width, height, channels: 4 } });

/** Whole files of every format and kind that is decoded, and of some that are not. */
async function wholeFiles(): Promise<Buffer[]> {
  const jpeg = picture().flatten();
  return Promise.all([
    picture().png().toBuffer(),
    picture().png({ progressive: true }).toBuffer(),
    picture().png({ palette: true, colours: 16 }).toBuffer(),
    jpeg.clone().jpeg().toBuffer(),
    jpeg.clone().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    jpeg.clone().toColourspace('cmyk').jpeg().toBuffer(),
    picture().webp().toBuffer(),
    picture().webp({ lossless: true }).toBuffer(),
    picture().gif().toBuffer(),
    picture().avif({ effort: 0 }).toBuffer(),
  ]);
}

function header(w: number, h: number, depth = 8, type = 6, interlace = 0): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(w, 0);
  head.writeUInt32BE(h, 4);
  head.set([depth, type, 0, 0, interlace], 8);
  return pngChunk('IHDR', head);
}

/** 64 MiB of zeros, deflated to 64 kB. */
const BOMB = deflateSync(Buffer.alloc(64 * 2 ** 20));
const SIZES = [0, 1, 2, 1448, 8191, 8192, 8193, 65_535, 65_536, 0x7fffffff, 0xffffffff];

/** `count` bodies of `seed`. */
export async function hostilePictures(count: number, seed: number): Promise<Uint8Array[]> {
  const files = await wholeFiles();
  const file = fc.constantFrom(...files);
  const at = (length: number) => fc.nat({ max: Math.max(0, length - 1) });
  const cut = file.chain((bytes) => at(bytes.length).map((end) => bytes.subarray(0, end)));
  const flipped = fc
    .tuple(file, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 7 })), { minLength: 1, maxLength: 12 }))
    .map(([bytes, flips]) => {
      const copy = Buffer.from(bytes);
      for (const [where, bit] of flips) copy[where % copy.length] = (copy[where % copy.length] ?? 0) ^ (1 << bit);
      return copy;
    });
  /** Near the start, where headers are. */
  const headFlipped = fc.tuple(file, fc.nat({ max: 60 }), fc.nat({ max: 255 })).map(([bytes, where, value]) => {
    const copy = Buffer.from(bytes);
    copy[where] = value;
    return copy;
  });
  const spliced = fc
    .tuple(file, file, fc.nat(), fc.nat())
    .map(([a, b, i, j]) => Buffer.concat([a.subarray(0, i % a.length), b.subarray(j % b.length)]));
  const size = fc.constantFrom(...SIZES);
  const sized = fc
    .tuple(size, size, fc.constantFrom(1, 2, 4, 8, 16, 3), fc.nat({ max: 7 }), fc.nat({ max: 2 }))
    .map(([w, h, depth, type, interlace]) =>
      pngOfChunks(header(w, h, depth, type, interlace), pngChunk('IDAT', BOMB), pngChunk('IEND')),
    );
  const profile = pngChunk('iCCP', Buffer.concat([Buffer.from('p\0\0'), BOMB]));
  const texts = Array.from({ length: 50 }, () =>
    pngChunk('zTXt', Buffer.concat([Buffer.from('t\0\0'), BOMB.subarray(0, 4000)])),
  );
  const bombs = fc.constantFrom(
    pngOfChunks(header(8, 8), pngChunk('IDAT', BOMB), pngChunk('IEND')),
    pngOfChunks(header(8, 8), profile, pngChunk('IDAT', deflateSync(Buffer.alloc(8 * 33))), pngChunk('IEND')),
    pngOfChunks(header(8, 8), ...texts, pngChunk('IDAT', deflateSync(Buffer.alloc(8 * 33))), pngChunk('IEND')),
    pngOfChunks(header(8, 8), ...Array<Buffer>(2000).fill(pngChunk('IDAT')), pngChunk('IEND')),
  );
  const resized = fc.tuple(fc.constantFrom(files[3], files[4]), size, size).map(([bytes = Buffer.alloc(0), w, h]) => {
    const copy = Buffer.from(bytes);
    const frame = [0xc0, 0xc2].map((marker) => copy.indexOf(Buffer.of(0xff, marker))).find((i) => i >= 0) ?? 0;
    copy.writeUInt16BE(h & 0xffff, frame + 5);
    copy.writeUInt16BE(w & 0xffff, frame + 7);
    return copy;
  });
  const scans = fc.integer({ min: 1, max: 3000 }).map((times) => {
    const jpeg = files[4] ?? Buffer.alloc(0);
    const last = jpeg.lastIndexOf(Buffer.of(0xff, 0xda));
    return Buffer.concat([
      jpeg.subarray(0, last),
      ...Array<Buffer>(times).fill(jpeg.subarray(last, -2)),
      jpeg.subarray(-2),
    ]);
  });
  const noise = fc
    .tuple(
      fc.constantFrom('', '\x89PNG\r\n\x1a\n', '\xff\xd8\xff', 'RIFF\x40\0\0\0WEBPVP8 ', '<svg/>', 'GIF89a', '{}'),
      fc.uint8Array({ maxLength: 300 }),
    )
    .map(([start, bytes]) => Buffer.concat([Buffer.from(start, 'latin1'), bytes]));
  const body = fc.oneof(
    ...[
      [cut, 3],
      [flipped, 4],
      [headFlipped, 4],
      [spliced, 2],
      [sized, 2],
      [bombs, 1],
      [resized, 2],
      [scans, 1],
      [noise, 2],
      [file, 1],
    ].map(([arbitrary, weight]) => ({ arbitrary, weight }) as { arbitrary: fc.Arbitrary<Buffer>; weight: number }),
  );
  return fc.sample(body, { numRuns: count, seed }).map((bytes) => new Uint8Array(bytes));
}
