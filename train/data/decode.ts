// One picture file → [size, size, 4] premultiplied RGBA, by sharp (https://sharp.pixelplumbing.com). What decides the pixels
// is here: docs/datasets.md says it to users, and whoever changes it raises PIPELINE.
import sharp from 'sharp';
import { bmpAsPng, isBmp } from './bmp.ts';
import { mostPixels, tooManyPixels, Unreadable } from './tree.ts';
import type { PictureFit } from './types.ts';

// libvips's vector code may round otherwise on another kind of processor. Without it large PNGs take a fifth longer.
sharp.simd(false);
sharp.cache(false); // no file is opened twice

const PIPELINE = 1;
/** All that decides pixels besides the file, its size and fit: part of the key under which pixels are kept. */
export const decoderVersion = JSON.stringify({ PIPELINE, ...sharp.versions });

/** Pictures of more pixels are decoded one at a time, so that memory holds. */
const largeFrom = 2 ** 25;
/** Real bits in samples of 16, by the largest value: cameras and microscopes store 10 and 12 without scaling them up. */
const narrow = [2 ** 8 - 1, 2 ** 10 - 1, 2 ** 12 - 1];
const unscaled = ['tiff', 'png'];
const depths = ['uchar', 'ushort'];

/** @throws Unreadable, or whatever sharp throws: decodeAlone() then says why. */
export async function decodePicture(bytes: Buffer, size: number, fit: PictureFit): Promise<Uint8Array> {
  if (bytes.length === 0) throw new Unreadable('it is empty');
  return decode(isBmp(bytes) ? await bmpAsPng(bytes) : bytes, size, fit);
}

/**
 * The same for a picture that has failed, while nothing else is decoded: libvips has one buffer of error messages for all
 * its threads, so what it says of a picture may be about its neighbour's.
 *
 * @throws Unreadable
 */
export async function decodeAlone(bytes: Buffer, size: number, fit: PictureFit): Promise<Uint8Array> {
  try {
    return await decodePicture(bytes, size, fit);
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    const [reason = ''] = (error as Error).message.trim().split('\n');
    // A JPEG that lacks nothing but its end marker is whole; cut anywhere else, libjpeg warns of it once there is one.
    if (reason.includes('premature end of JPEG')) {
      const ended = Buffer.concat([bytes, Buffer.of(0xff, 0xd9)]);
      const whole = await decode(ended, size, fit, 'warning').catch(() => undefined);
      if (whole) return whole;
      throw new Unreadable('it is cut off');
    }
    throw new Unreadable(formatReason(bytes) ?? `damaged: ${reason}`);
  }
}

/**
 * @param failOn 'error': what only draws a warning is shown by every viewer and read here. A picture that is cut off is not,
 *   though viewers show its upper part: a generator would learn the grey of the rest.
 */
async function decode(
  bytes: Buffer,
  size: number,
  fit: PictureFit,
  failOn: 'error' | 'warning' = 'error',
): Promise<Uint8Array> {
  const head = await sharp(bytes, { failOn, limitInputPixels: false }).metadata();
  const { width, height, depth, format, hasAlpha } = head;
  const side = fit === 'cover' ? Math.min(width, height) : Math.max(width, height);
  // A drawing has no pixels of its own: it is drawn twice as large as wanted.
  const enlarge = format === 'svg' ? (2 * size) / side : 1;
  const pixels = width * height * enlarge ** 2;
  if (pixels > mostPixels) throw tooManyPixels(Math.round(width * enlarge), Math.round(height * enlarge));
  if (!depths.includes(depth))
    throw new Unreadable(`samples of another kind than 8 or 16 bits (${depth}); save it with 8`);
  const input = { failOn, ...(format === 'svg' ? { density: Math.max(1, 72 * enlarge) } : {}) };
  return await inTurn(pixels > largeFrom, async () => {
    let image = sharp(bytes, input).autoOrient();
    if (depth === 'ushort' && !hasAlpha && unscaled.includes(format)) image = image.linear(await stretch(bytes), 0);
    const { data, info } = await image
      .toColourspace('srgb')
      .ensureAlpha()
      .resize(size, size, {
        fit,
        background: { r: 0, g: 0, b: 0, alpha: 0 },
        // Smaller pictures are usually pixel art: enlarged without blur.
        kernel: side * enlarge < size ? 'nearest' : 'lanczos3',
      })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 4 || info.width !== size || info.height !== size || data.length !== size * size * 4)
      throw new Unreadable(`${head.channels} bands; expected grey or colour, with or without one of transparency`);
    return premultiply(data);
  });
}

/** Of a picture that decodes, upright. */
export async function uprightSizeOf(bytes: Buffer): Promise<{ width: number; height: number }> {
  return (await sharp(isBmp(bytes) ? await bmpAsPng(bytes) : bytes).metadata()).autoOrient;
}

/** Factor that makes full range of samples that use only the lower bits of 16. */
async function stretch(bytes: Buffer): Promise<number> {
  const { channels } = await sharp(bytes).stats();
  const largest = Math.max(...channels.map(({ max }) => max));
  const range = narrow.find((most) => largest <= most);
  return range === undefined || largest === 0 ? 1 : 65535 / range;
}

function premultiply(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3] ?? 0;
    for (let c = 0; c < 3; c++) out[i + c] = Math.round(((data[i + c] ?? 0) * alpha) / 255);
    out[i + 3] = alpha;
  }
  return out;
}

let turn: Promise<unknown> = Promise.resolve();
async function inTurn<T>(alone: boolean, work: () => Promise<T>): Promise<T> {
  if (!alone) return work();
  const mine = turn.then(work);
  turn = mine.catch(() => {});
  return mine;
}

/** What a file that sharp does not open really is, and what to do; undefined if it is of a kind that is read. */
function formatReason(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, 16).toString('latin1');
  const save = 'save it as PNG or JPEG';
  if (head.slice(4, 8) === 'ftyp' && /^(hei|hev|mif1|msf1)/.test(head.slice(8, 12)))
    return `HEIC, whose codec (HEVC) sharp may not ship for want of a licence; ${save}`;
  if (head.startsWith('\xff\x0a') || head.slice(4, 8) === 'JXL ')
    return `JPEG XL, which sharp is not built with; ${save}`;
  if (head.startsWith('8BPS')) return `a Photoshop document; ${save}`;
  if (head.slice(4, 8) === 'jP  ') return `JPEG 2000, which sharp is not built with; ${save}`;
  if (head.startsWith('\0\0\x01\0')) return `an icon file; ${save}`;
  const known = ['\x89PNG', '\xff\xd8', 'RIFF', 'GIF8', 'II*\0', 'MM\0*', '<?xml', '<svg'];
  const isKnown = known.some((start) => head.startsWith(start)) || head.slice(4, 8) === 'ftyp';
  return isKnown ? undefined : 'no picture in a format that is read';
}
