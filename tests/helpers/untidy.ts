// Files as people really have them: what each of them should become is in tests/fast/data-untidy.test.ts.
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { encodeTiff } from './tiff.ts';

export const red = { r: 200, g: 10, b: 30 };

export const plain = (
  background: string | { r: number; g: number; b: number; alpha?: number } = red,
  side = 40,
): Sharp =>
  sharp({
    create: {
      width: side,
      height: side,
      channels: typeof background === 'string' ? 3 : 'alpha' in background ? 4 : 3,
      background,
    },
  });

/** Red above, blue below. */
async function twoHalves(): Promise<Sharp> {
  const top = await plain(red, 20).resize(40, 20, { fit: 'fill' }).png().toBuffer();
  return sharp(
    await plain('#0000ff')
      .composite([{ input: top, gravity: 'north' }])
      .png()
      .toBuffer(),
  );
}

export async function noiseJpeg(): Promise<Buffer> {
  const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251);
  return sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** A red BMP of 4x4 pixels (BITMAPINFOHEADER, uncompressed), with a palette where it has 8 bits a pixel. */
function bmp(bits: 8 | 24 | 32): Buffer {
  const palette = bits === 8 ? [0, 0, 0, 0, 30, 10, 200, 0] : [];
  const pixels = { 8: [1], 24: [30, 10, 200], 32: [30, 10, 200, 0] }[bits];
  const head = Buffer.alloc(54);
  head.write('BM', 'latin1');
  head.writeUInt32LE(54 + palette.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(4, 18);
  head.writeInt32LE(4, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(palette.length / 4, 46);
  return Buffer.concat([
    head,
    Buffer.from(palette),
    Buffer.from(many(16 * pixels.length, (i) => pixels[i % pixels.length] ?? 0)),
  ]);
}

/** A real PNG of 30,000 x 30,000 black pixels, of one bit each. */
function enormousPng(): Buffer {
  const side = 30_000;
  const crc = (bytes: Uint8Array): number => {
    let value = ~0;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    return ~value >>> 0;
  };
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  const rows = deflateSync(Buffer.alloc(side * (1 + side / 8)), { level: 1 });
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const many = (length: number, value: (i: number) => number): number[] => Array.from({ length }, (_, i) => value(i));

/** Files that become pictures, by path. All are red at their top left but for those that say otherwise. */
export async function readableFiles(): Promise<Record<string, Buffer>> {
  const jpeg = await noiseJpeg();
  const frames = await Promise.all([plain().png().toBuffer(), plain('#00ff00').png().toBuffer()]);
  const grey = { width: 16, height: 16, bands: 1, bits: 16, format: 'unsigned', colour: 'grey' } as const;
  return {
    'cats/animated.gif': await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer(),
    'cats/avif.avif': await plain().avif({ lossless: true }).toBuffer(),
    'cats/bmp-24.bmp': bmp(24),
    'cats/bmp-32.bmp': bmp(32),
    'cats/bmp-8.bmp': bmp(8),
    'cats/cmyk.jpg': await plain('#808080').toColourspace('cmyk').jpeg().toBuffer(),
    'cats/deep-12-bits.tif': encodeTiff({ ...grey, samples: many(256, () => 2056) }),
    'cats/deep-16-bits.tif': encodeTiff({ ...grey, samples: many(256, () => 0x8080) }),
    'cats/lacks-its-end.jpg': jpeg.subarray(0, -2),
    'cats/palette.png': await plain().png({ palette: true }).toBuffer(),
    'cats/photo.JFIF': await plain().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer(),
    'cats/profile.jpg': await plain()
      .withIccProfile('p3')
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer(),
    'cats/shouting.PNG': await plain().png().toBuffer(),
    'cats/turned.jpg': await (await twoHalves()).jpeg({ quality: 100 }).withMetadata({ orientation: 8 }).toBuffer(),
    'cats/warned.jpg': Buffer.concat([jpeg.subarray(0, 2), Buffer.alloc(3), jpeg.subarray(2)]),
    'dogs and more/deep/er/webp.webp': await plain().webp({ lossless: true }).toBuffer(),
    'dogs and more/1x1.png': await plain(red, 1).png().toBuffer(),
    'dogs and more/drawing.svg': Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="4" fill="rgb(200,10,30)"/></svg>',
    ),
    'dogs and more/named-otherwise.jpg': await plain().png().toBuffer(),
    '猫/唯一.png': await plain().png().toBuffer(),
    'Ёлки/ёлка.png': await plain().png().toBuffer(),
  };
}

/** Files that are left out, by path, and why. */
export async function unreadableFiles(): Promise<Record<string, [bytes: Buffer, reason: string]>> {
  const jpeg = await noiseJpeg();
  const small = { width: 16, height: 16, format: 'unsigned', colour: 'grey' } as const;
  const ftyp = (brand: string): Buffer => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1heic`, 'latin1');
  return {
    'cats/bands.tif': [
      encodeTiff({ ...small, bands: 4, bits: 8, samples: many(1024, (i) => 50 * (i % 4)) }),
      '4 bands; expected grey or colour, with or without one of transparency',
    ],
    'cats/bitmap.bmp': [Buffer.from('BM and more'), 'damaged: no whole BMP header'],
    'cats/empty.webp': [Buffer.alloc(0), 'it is empty'],
    'cats/enormous.png': [
      enormousPng(),
      '30000x30000 pixels, more than the 268 million that are read; make it smaller',
    ],
    'cats/float.tif': [
      encodeTiff({ ...small, format: 'float', bands: 1, bits: 32, samples: many(256, () => 0.5) }),
      'samples of another kind than 8 or 16 bits (float); save it with 8',
    ],
    'cats/half.jpg': [jpeg.subarray(0, jpeg.length / 2), 'it is cut off'],
    'cats/phone.HEIC': [
      ftyp('heic'),
      'HEIC, whose codec (HEVC) sharp may not ship for want of a licence; save it as PNG or JPEG',
    ],
    'cats/text.png': [Buffer.from('Dear diary'), 'no picture in a format that is read'],
    'cats/xl.jxl': [Buffer.from([0xff, 0x0a, 1, 2]), 'JPEG XL, which sharp is not built with; save it as PNG or JPEG'],
  };
}

/** What systems and people leave beside pictures. */
export const litter: Record<string, Buffer> = Object.fromEntries(
  [
    '.git/objects/a.png',
    '.hidden.png',
    '@eaDir/cats/SYNOPHOTO_THUMB_M.jpg',
    '__MACOSX/cats/._palette.png',
    'cats/.DS_Store',
    'cats/._palette.png',
    'cats/@eaDir/palette.png/SYNOPHOTO_THUMB_M.jpg',
    'cats/Thumbs.db',
    'cats/desktop.ini',
  ].map((path) => [path, Buffer.from('no picture')]),
);
