// Pictures that somebody sends: what sharp writes is decoded to what sharp decodes, what is none is named, and nothing inflates
// to more than its header says.
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '../../contract/limits.ts';
import { createPictureDecoder, type PictureDecoder } from '../../edge/pictures/decode.ts';
import { webpModule } from '../../edge/pictures/webp-file.ts';
import { pngChunk, pngOfChunks } from '../helpers/png-chunks.ts';

let decoder: PictureDecoder;
beforeAll(async () => {
  decoder = createPictureDecoder(await webpModule());
});

const [width, height] = [45, 31];
const raw = Buffer.alloc(width * height * 4);
for (let i = 0; i < width * height; i++) {
  const [x, y] = [i % width, Math.floor(i / width)];
  raw.set([x * 5, y * 8, (x + y) * 3, x < 20 ? 255 : 160], i * 4);
}
const clear = () => sharp(raw, { raw: { width, height, channels: 4 } });
const opaque = () => clear().flatten({ background: 'white' });

const FILES: [string, () => Promise<Buffer>, number][] = [
  ['PNG', () => clear().png().toBuffer(), 0],
  ['PNG without alpha', () => opaque().png().toBuffer(), 0],
  ['interlaced PNG', () => clear().png({ progressive: true }).toBuffer(), 0],
  ['PNG with a palette', () => clear().png({ palette: true, colours: 64 }).toBuffer(), 0],
  ['PNG with a palette of 4', () => opaque().png({ palette: true, colours: 4 }).toBuffer(), 0],
  ['grey PNG', () => opaque().toColourspace('b-w').png().toBuffer(), 0],
  ['grey PNG with alpha', () => clear().toColourspace('b-w').png().toBuffer(), 0],
  [
    'black and white PNG',
    () =>
      opaque()
        .threshold(128)
        .toColourspace('b-w')
        .png({ bitdepth: 1 } as object)
        .toBuffer(),
    0,
  ],
  ['PNG of 16 bits', () => clear().toColourspace('rgb16').png().toBuffer(), 1],
  ['JPEG', () => opaque().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(), 4],
  ['progressive JPEG', () => opaque().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(), 4],
  ['grey JPEG', () => opaque().toColourspace('b-w').jpeg().toBuffer(), 3],
  ['WebP', () => opaque().webp().toBuffer(), 0],
  ['WebP with alpha', () => clear().webp().toBuffer(), 0],
  ['lossless WebP', () => clear().webp({ lossless: true }).toBuffer(), 0],
];

test.each(FILES)('%s: the pixels that sharp decodes', async (_name, make, most) => {
  const file = await make();
  const { picture, orientation } = await decoder.decode(new Uint8Array(file));
  const expected = await sharp(file).toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' }).toBuffer();
  expect([picture.width, picture.height, picture.channels, orientation]).toEqual([width, height, 4, 1]);
  const apart = picture.data.map((level, i) => Math.abs(level - (expected[i] ?? 0)));
  expect(Math.max(...apart)).toBeLessThanOrEqual(most);
});

test.each(['jpeg', 'webp', 'png'] as const)('EXIF says which way up a %s is', async (format) => {
  for (const orientation of [3, 6]) {
    const file = await opaque().withMetadata({ orientation }).toFormat(format).toBuffer();
    expect((await decoder.decode(new Uint8Array(file))).orientation).toBe(orientation);
  }
});

describe('what is no picture is named', () => {
  const refused = (bytes: Uint8Array) =>
    decoder.decode(new Uint8Array(bytes)).then(
      () => 'decoded',
      (error: Error) => `${error.name}: ${error.message}`,
    );

  test('other formats, whatever they are called', async () => {
    for (const bytes of [
      await opaque().gif().toBuffer(),
      await opaque().tiff().toBuffer(),
      Buffer.from('<svg/>'),
      Buffer.alloc(0),
    ])
      expect(await refused(bytes)).toBe('UserError: picture: expected PNG or JPEG or WebP, got something else');
  });

  test('files that are cut off, at every length', async () => {
    for (const [, make] of FILES.filter(([name]) => /^(PNG|JPEG|progressive JPEG|WebP)$/.test(name))) {
      const file = await make();
      for (let length = 0; length < file.length; length += 7)
        expect(await refused(file.subarray(0, length))).toMatch(/^UserError: picture: expected/);
    }
  });

  test('more pixels or a longer side than the limits, before anything is decoded', async () => {
    const { uploadPixels, uploadSide } = LIMITS;
    for (const [w, h] of [
      [uploadSide + 1, 1],
      [1, uploadSide + 1],
      [2048, 1025],
      [0, 5],
      [0xffffffff, 0xffffffff],
    ] as const) {
      const head = Buffer.alloc(13);
      head.writeUInt32BE(w, 0);
      head.writeUInt32BE(h, 4);
      head.set([8, 2, 0, 0, 0], 8);
      const png = pngOfChunks(pngChunk('IHDR', head), pngChunk('IDAT', deflateSync(Buffer.alloc(9))), pngChunk('IEND'));
      expect(await refused(png)).toBe(
        `UserError: picture: expected 1 to ${uploadSide} pixels a side and at most ${uploadPixels} in all, got ${w}x${h}; make it smaller`,
      );
    }
    const jpeg = await opaque().jpeg().toBuffer();
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg.writeUInt16BE(65535, frame + 5);
    expect(await refused(jpeg)).toMatch('got 45x65535; make it smaller');
    const webp = await clear().webp().toBuffer();
    webp.writeUIntLE(16000, webp.indexOf('VP8X') + 12, 3);
    expect(await refused(webp)).toMatch('got 16001x31; make it smaller');
  });

  test('a PNG that inflates to more than its header says is left after kilobytes', async () => {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(8, 0);
    head.writeUInt32BE(8, 4);
    head.set([8, 2, 0, 0, 0], 8);
    const bomb = deflateSync(Buffer.alloc(256 * 2 ** 20));
    const png = pngOfChunks(pngChunk('IHDR', head), pngChunk('IDAT', bomb), pngChunk('IEND'));
    const before = process.cpuUsage().user;
    expect(await refused(png)).toMatch('more pixels than its header says');
    expect((process.cpuUsage().user - before) / 1000).toBeLessThan(1000);
    // Text and profiles are not inflated at all.
    const rows = deflateSync(Buffer.alloc(8 * 25));
    const good = [pngChunk('IDAT', rows), pngChunk('IEND')];
    const hidden = pngChunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), bomb]));
    expect(await refused(pngOfChunks(pngChunk('IHDR', head), hidden, ...good))).toBe('decoded');
  });

  test('a progressive JPEG of a thousand scans', async () => {
    const jpeg = await opaque().jpeg({ progressive: true }).toBuffer();
    const at = jpeg.lastIndexOf(Buffer.from([0xff, 0xda]));
    const scan = jpeg.subarray(at, -2);
    const many = Buffer.concat([jpeg.subarray(0, at), ...Array<Buffer>(1000).fill(scan), Buffer.of(0xff, 0xd9)]);
    expect(await refused(many)).toMatch('expected a JPEG of at most 32 scans, got 10');
  });

  test('an animation', async () => {
    const gif = await sharp([await opaque().png().toBuffer(), await opaque().negate().png().toBuffer()], {
      join: { animated: true },
    })
      .gif()
      .toBuffer();
    const frames = await sharp(gif, { animated: true }).webp().toBuffer();
    expect(await refused(frames)).toBe(
      'UserError: picture: expected a still WebP, got an animation; save one frame of it',
    );
  });

  test('WebP, where its decoder was not given', async () => {
    await expect(
      createPictureDecoder(undefined).decode(new Uint8Array(await clear().webp().toBuffer())),
    ).rejects.toThrow('picture: expected PNG or JPEG, got WebP');
  });
});
