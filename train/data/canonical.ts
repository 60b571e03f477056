// All pictures of a folder or zip as premultiplied RGBA, each decoded once or taken from the cache, and the sets of 1, 3 or
// 4 channels that are made of them.
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import type { Colour } from '../../contract/background.ts';
import { UserError } from '../../contract/errors.ts';
import { onGround } from '../../contract/intake.ts';
import type { PictureSize } from '../nn/spec.ts';
import { decodeAlone, decodePicture, decoderVersion } from './decode.ts';
import type { LeftOut } from './find-pictures.ts';
import type { PremultipliedPictures } from './near-copies.ts';
import { openPixelCache, type PixelCache } from './pixel-cache.ts';
import { type PictureTree, Unreadable } from './tree.ts';
import type { LoadOptions, PictureFit } from './types.ts';

const inFlight = 8;

export interface Canonical extends PremultipliedPictures {
  /** Which of the paths each picture is, ascending. */
  readonly indices: number[];
  /** SHA-256 (hex) of each picture's file. */
  readonly digests: string[];
  /** Paths that could not be read, in order. */
  readonly failed: LeftOut[];
  /** Why decoded pictures could not be kept. */
  readonly cacheFailure: string | undefined;
}

/** Decodes `paths`, in that order; those that cannot be read are left out. */
export async function readPictures(
  tree: PictureTree,
  paths: readonly string[],
  how: { size: PictureSize; fit: PictureFit; where: string },
  { cacheDir, onProgress }: LoadOptions,
): Promise<Canonical> {
  const { size, fit } = how;
  const bytes = size * size * 4;
  const pixels = new Uint8Array(paths.length * bytes);
  const hashes: (Uint8Array | undefined)[] = new Array(paths.length);
  const failures = new Map<number, string>();
  const cache = await openPixelCache([how.where, String(size), fit, decoderVersion], bytes, cacheDir);
  let decoded = 0;
  let done = 0;
  let next = 0;
  const suspects: number[] = [];
  const readOne = async (i: number, decode: typeof decodePicture): Promise<void> => {
    const target = pixels.subarray(i * bytes, (i + 1) * bytes);
    const file = await tree.read(paths[i] ?? '');
    const hash = createHash('sha256').update(file).digest();
    if (!(await cache.read(hash, target))) {
      target.set(await decode(file, size, fit));
      decoded++;
    }
    hashes[i] = hash;
  };
  const worker = async (): Promise<void> => {
    for (let i = next++; i < paths.length; i = next++) {
      await readOne(i, decodePicture).catch((error: unknown) => {
        if (error instanceof Unreadable) failures.set(i, error.message);
        else suspects.push(i);
      });
      onProgress?.({ kind: 'decode', done: ++done, total: paths.length });
    }
  };
  try {
    await Promise.all(Array.from({ length: inFlight }, worker));
    for (const i of suspects) {
      await readOne(i, decodeAlone).catch((error: unknown) => {
        if (!(error instanceof Unreadable)) throw error;
        failures.set(i, error.message);
      });
    }
    const indices = paths.flatMap((_, i) => (failures.has(i) ? [] : [i]));
    // Readable pictures move up to close the gaps.
    for (const [to, from] of indices.entries()) {
      if (to !== from) pixels.copyWithin(to * bytes, from * bytes, (from + 1) * bytes);
    }
    const kept = indices.map((from, to) => ({
      file: hashes[from] ?? new Uint8Array(),
      pixels: pixels.subarray(to * bytes, (to + 1) * bytes),
    }));
    return {
      count: indices.length,
      size,
      pixels: pixels.subarray(0, indices.length * bytes),
      indices,
      digests: kept.map(({ file }) => Buffer.from(file).toString('hex')),
      failed: [...failures].sort(([a], [b]) => a - b).map(([i, reason]) => ({ path: paths[i] ?? '', reason })),
      cacheFailure: decoded > 0 ? await keep(cache, kept) : undefined,
    };
  } finally {
    await cache.close();
  }
}

async function keep(cache: PixelCache, pictures: Parameters<PixelCache['write']>[0]): Promise<string | undefined> {
  try {
    await cache.write(pictures);
    return undefined;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') return 'no space left';
    return ['EACCES', 'EPERM', 'EROFS'].includes(code) ? 'it may not be written to' : code || message;
  }
}

/** A CSS colour as sharp reads it. @throws UserError when it is none, or lets something through */
export async function parseColour(text: string): Promise<Colour> {
  const fail = (got: string): never => {
    throw new UserError(
      `--background: expected an opaque CSS colour like white, "#ffcc00" or "rgb(255 204 0)", got ${got}` +
        '; --transparent keeps pictures transparent',
    );
  };
  // In a promise: sharp throws at once where it cannot parse a colour.
  const drawn = Promise.resolve({ width: 1, height: 1, channels: 4 as const, background: text }).then((create) =>
    sharp({ create }).raw().toBuffer(),
  );
  const [red = 0, green = 0, blue = 0, alpha = 0] = await drawn.catch(() => fail(JSON.stringify(text)));
  if (alpha !== 255) fail(`${JSON.stringify(text)}, which is transparent`);
  return [red, green, blue];
}

/** Whether every picture is grey once it lies on `background`. */
export function isGrey({ pixels }: PremultipliedPictures, background: Colour): boolean {
  const [red, green, blue] = background;
  const greyGround = red === green && red === blue;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2]) return false;
    if (!greyGround && pixels[i + 3] !== 255) return false;
  }
  return true;
}

/** The pictures at `picked` as [picked, size, size, channels]; 1 and 3 channels lie on `background`. */
export function layOut(
  { size, pixels }: PremultipliedPictures,
  picked: readonly number[],
  channels: 1 | 3 | 4,
  background: Colour,
): Uint8Array {
  const area = size * size;
  const out = new Uint8Array(picked.length * area * channels);
  for (const [to, from] of picked.entries()) {
    const picture = pixels.subarray(from * area * 4, (from + 1) * area * 4);
    if (channels === 4) out.set(picture, to * area * 4);
    else out.set(onGround(picture, channels, background), to * area * channels);
  }
  return out;
}

/** Pictures with a pixel that lets the ground through; the bands of `contain`, which are ours, do not count. */
export function countWithAlpha({ count, size, pixels }: PremultipliedPictures, fit: PictureFit): number {
  const bytes = size * size * 4;
  let withAlpha = 0;
  for (let i = 0; i < count; i++) {
    const picture = pixels.subarray(i * bytes, (i + 1) * bytes);
    if (fit === 'contain' ? hasAlphaBetweenBands(picture, size) : hasAlpha(picture)) withAlpha++;
  }
  return withAlpha;
}

function hasAlpha(picture: Uint8Array): boolean {
  for (let i = 3; i < picture.length; i += 4) if (picture[i] !== 255) return true;
  return false;
}

function hasAlphaBetweenBands(picture: Uint8Array, size: number): boolean {
  const alpha = (x: number, y: number): number => picture[4 * (y * size + x) + 3] ?? 0;
  const lines = Array.from({ length: size }, (_, i) => i);
  const rows = lines.filter((y) => lines.some((x) => alpha(x, y) > 0));
  const columns = lines.filter((x) => lines.some((y) => alpha(x, y) > 0));
  const full = rows.length * columns.length;
  const opaque = rows.reduce((sum, y) => sum + columns.filter((x) => alpha(x, y) === 255).length, 0);
  // A picture between bands fills one direction; one that fills neither has a transparent border of its own.
  return opaque < full || (rows.length < size && columns.length < size);
}
