// Files made of pictures: PNG at any whole scale, SVG, a ZIP of PNGs, GIF and APNG of a walk. All bytes are the contract's,
// the same as the edge's and the command line's.
import { zipSync } from 'fflate';
import type { Manifest } from '../../contract/manifest.ts';
import { type Picture, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { encodeSvg } from '../../contract/svg.ts';
import { classLabel, type Point } from './point.ts';

export function pngBlob(picture: Picture, scale: number): Blob {
  return new Blob([encodePng(scaleUp(picture, scale))], { type: 'image/png' });
}

export function svgBlob(picture: Picture, scale: number): Blob {
  return new Blob([encodeSvg(picture, scale)], { type: 'image/svg+xml' });
}

/** A file name a person can find again: model, class, seed; of a completion the seed that drew a part of it. */
export function fileName(point: Point, manifest: Manifest, extension: string, completedBy?: string): string {
  const source = point.kind === 'seed' ? point.seed : 'by-hand';
  const of = completedBy === undefined ? [classLabel(point, manifest), source] : ['completed', completedBy];
  return `${[manifest.name, ...of]
    .map(plain)
    .filter((part) => part !== '')
    .join('-')}.${extension}`;
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 60);
}

/** PNGs are compressed already: the ZIP only stores them. */
export async function wallZip(items: readonly { picture: Picture; point: Point }[], manifest: Manifest): Promise<Blob> {
  const files: Record<string, Uint8Array> = {};
  for (const { picture, point } of items) files[fileName(point, manifest, 'png')] = encodePng(picture);
  return new Blob([zipSync(files, { level: 0 }) as Uint8Array<ArrayBuffer>], { type: 'application/zip' });
}

/** An endless animation; the bytes are those of the edge's walk of the same frames. */
export async function animationBlob(
  frames: readonly Picture[],
  format: 'gif' | 'apng',
  scale: number,
  fps: number,
): Promise<Blob> {
  const enlarged = frames.map((frame) => scaleUp(frame, scale));
  if (format === 'apng') {
    const { encodeApng } = await import('../../contract/apng.ts');
    return new Blob([encodeApng(enlarged, fps)], { type: 'image/apng' });
  }
  const { encodeGif } = await import('../../contract/gif.ts');
  return new Blob([encodeGif(enlarged, fps)], { type: 'image/gif' });
}
