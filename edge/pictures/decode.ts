// Pictures that somebody sends: PNG, JPEG and WebP, decoded by libraries that run in workerd and Node alike, so that the same file
// gives the same pixels. Its first bytes say what a file is, and its header how large it is before anything is decoded.
import { UserError } from '../../contract/errors.ts';
import type { Orientation } from '../../contract/intake.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Picture } from '../../contract/picture.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodePngFile } from './png.ts';
import { createWebpDecoder } from './webp.ts';

export interface Decoded {
  /** RGBA, straight, as it is stored: not yet set upright. */
  picture: Picture;
  orientation: Orientation;
}

export type Format = 'PNG' | 'JPEG' | 'WebP';

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

/** By its first bytes, whatever anybody calls it; undefined for anything else. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'PNG';
  if (startsWith(bytes, '\xff\xd8\xff')) return 'JPEG';
  return startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8) ? 'WebP' : undefined;
}

/** Throws UserError for a size that is not decoded. */
export function checkSize(width: number, height: number): void {
  const { uploadSide, uploadPixels } = LIMITS;
  if (!(width >= 1 && height >= 1 && width <= uploadSide && height <= uploadSide && width * height <= uploadPixels))
    throw new UserError(
      `picture: expected 1 to ${uploadSide} pixels a side and at most ${uploadPixels} in all, got ${width}x${height}; make it smaller`,
    );
}

/** `webp`: the compiled webp_dec.wasm of @jsquash/webp. Absent: WebP is refused. */
export function createPictureDecoder(webp: WebAssembly.Module | undefined) {
  const decodeWebp = webp && createWebpDecoder(webp);
  const formats: readonly Format[] = decodeWebp ? ['PNG', 'JPEG', 'WebP'] : ['PNG', 'JPEG'];
  return {
    formats,
    /** Throws UserError for what is no whole picture of one of the formats. */
    async decode(bytes: Uint8Array): Promise<Decoded> {
      const format = formatOf(bytes);
      try {
        if (format === 'PNG') return decodePngFile(bytes);
        if (format === 'JPEG') return decodeJpeg(bytes);
        if (format === 'WebP' && decodeWebp) return await decodeWebp(bytes);
      } catch (error) {
        if (error instanceof UserError) throw error;
        // The libraries throw errors of every kind at damaged files.
        throw damaged(format, error instanceof Error ? error.message : String(error));
      }
      throw new UserError(`picture: expected ${formats.join(' or ')}, got ${format ?? 'something else'}`);
    },
  };
}
export type PictureDecoder = ReturnType<typeof createPictureDecoder>;

export const damaged = (format: Format | undefined, what: string): UserError =>
  new UserError(`picture: expected a whole ${format ?? 'picture'}, got a damaged one (${what.slice(0, 80)})`);
