// A photo and the part of it that is seen through the pad: a crop that is moved and zoomed. Plain values but for the pixels.
import type { Colour } from '../../contract/background.ts';
import { type Fit, intake } from '../../contract/intake.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { h } from '../ui/dom.ts';

/** Larger photos are halved until they fit: moved and zoomed by hand, millions of pixels would lag. */
const SIDE = 1024;

export interface Photo {
  /** To draw on the pad. */
  readonly canvas: HTMLCanvasElement;
  /** The same as numbers, RGBA. */
  readonly pixels: Picture;
}

/** The crop's middle and width in pixels of the photo, not whole: a slow drag adds up. */
export interface Placed {
  readonly photo: Photo;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Light and dark change places: a photo on white for a model whose pictures are on black. */
  readonly inverted: boolean;
}

/** Rejects where the browser cannot read it. */
export async function readPhoto(blob: Blob): Promise<Photo> {
  const bitmap = await createImageBitmap(blob);
  const halvings = Math.max(0, Math.ceil(Math.log2(Math.max(bitmap.width, bitmap.height) / SIDE)));
  let canvas = copy(bitmap, halvings === 0 ? 1 : 2);
  // Each pixel the mean of four: in one step most of a large photo would be passed over.
  for (let i = 1; i < halvings; i++) canvas = copy(canvas, 2);
  bitmap.close();
  return { canvas, pixels: pixelsOf(canvas) };
}

/** RGBA. */
export function pixelsOf(canvas: HTMLCanvasElement): Picture {
  const { width, height } = canvas;
  const pixels = canvas.getContext('2d', { willReadFrequently: true })?.getImageData(0, 0, width, height);
  if (pixels === undefined) throw new Error('canvas: expected one to draw on, got none');
  return { width, height, channels: 4, data: new Uint8Array(pixels.data.buffer) };
}

function copy(source: ImageBitmap | HTMLCanvasElement, part: number): HTMLCanvasElement {
  const [width, height] = [Math.ceil(source.width / part), Math.ceil(source.height / part)];
  const canvas = h('canvas', { width, height });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context !== null) context.imageSmoothingQuality = 'high';
  context?.drawImage(source, 0, 0, width, height);
  return canvas;
}

/** `shape`: the pad's height for a width of 1. At first as the model's own pictures were fitted: cropped around the middle, or whole. */
export function placed(photo: Photo, shape: number, fit: Fit['fit']): Placed {
  const { width, height } = photo.pixels;
  const sides = [width, height / shape];
  return {
    photo,
    x: width / 2,
    y: height / 2,
    width: (fit === 'cover' ? Math.min : Math.max)(...sides),
    inverted: false,
  };
}

/** From all of the photo to a sixteenth of what fills the pad. */
function widths({ width, height }: Picture, shape: number): [least: number, most: number] {
  return [Math.max(4, Math.min(width, height / shape) / 16), Math.max(width, height / shape)];
}

/** How far in it is, from 0 for all of the photo to 1. */
export function zoomOf({ photo, width }: Placed, shape: number): number {
  const [least, most] = widths(photo.pixels, shape);
  return Math.log(most / width) / Math.log(most / least);
}

export function withZoom(place: Placed, shape: number, zoom: number): Placed {
  const [least, most] = widths(place.photo.pixels, shape);
  return kept({ ...place, width: most * (least / most) ** zoom }, shape);
}

/** Larger by `factor` around (x, y) of the pad, which is 1 wide. */
export function zoomed(place: Placed, shape: number, factor: number, x = 0.5, y = shape / 2): Placed {
  const [least, most] = widths(place.photo.pixels, shape);
  const width = clamp(place.width / factor, least, most);
  const moved = place.width - width;
  return kept({ ...place, width, x: place.x + moved * (x - 0.5), y: place.y + moved * (y - shape / 2) }, shape);
}

/** The photo moves by (x, y) of the pad. */
export function moved(place: Placed, shape: number, x: number, y: number): Placed {
  return kept({ ...place, x: place.x - x * place.width, y: place.y - y * place.width }, shape);
}

/** No further than its edges; in the middle where the crop is larger than the photo. */
function kept(place: Placed, shape: number): Placed {
  const { width, height } = place.photo.pixels;
  const [halfWidth, halfHeight] = [place.width / 2, (place.width * shape) / 2];
  const inside = (at: number, half: number, all: number) => (half * 2 >= all ? all / 2 : clamp(at, half, all - half));
  return { ...place, x: inside(place.x, halfWidth, width), y: inside(place.y, halfHeight, height) };
}

interface Crop {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** In whole pixels: what the pad shows and what the model gets are the same. */
export function cropOf({ x, y, width }: Placed, shape: number): Crop {
  const [w, h] = [Math.max(1, Math.round(width)), Math.max(1, Math.round(width * shape))];
  return { left: Math.round(x - w / 2), top: Math.round(y - h / 2), width: w, height: h };
}

/**
 * The crop as the model has pictures, on `ground` (nothing: transparent) where it is larger than the photo. A photo that nobody has
 * moved gives the bytes that the command line and the edge give.
 */
export function cropped(place: Placed, image: Manifest['image'], fit: Fit, ground: Colour | undefined): Picture {
  const shape = image.height / image.width;
  const { photo, inverted } = place;
  const first = placed(photo, shape, fit.fit);
  const isFirst = place.x === first.x && place.y === first.y && place.width === first.width;
  const around = ground?.map((level) => (inverted ? 255 - level : level));
  const picture = isFirst
    ? intake(photo.pixels, image, fit)
    : intake(partOf(photo.pixels, cropOf(place, shape), around), image, { ...fit, fit: 'cover' });
  return inverted ? { ...picture, data: picture.data.map((level) => 255 - level) } : picture;
}

function partOf(source: Picture, { left, top, width, height }: Crop, around: readonly number[] | undefined): Picture {
  const data = new Uint8Array(width * height * 4);
  if (around !== undefined) for (let at = 0; at < data.length; at += 4) data.set([...around, 255], at);
  const [from, to] = [Math.max(0, left), Math.min(source.width, left + width)];
  for (let y = Math.max(0, top); y < Math.min(source.height, top + height); y++)
    data.set(
      source.data.subarray((y * source.width + from) * 4, (y * source.width + to) * 4),
      ((y - top) * width + from - left) * 4,
    );
  return { width, height, channels: 4, data };
}

const clamp = (x: number, least: number, most: number) => Math.max(least, Math.min(most, x));
