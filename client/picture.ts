// A picture that was drawn, and the forms it can be had in. The PNG encoder is loaded when the first PNG is asked for.
import { UserError } from '../contract/errors.ts';
import type { Manifest } from '../contract/manifest.ts';
import { type Picture, scaleUp } from '../contract/picture.ts';
import { encodeSvg } from '../contract/svg.ts';
import type { FileForm, PictureForms } from './types.ts';

/** `about` says what the picture is of. */
export function withForms<T>(picture: Picture, about: T): PictureForms & T {
  function toCanvas(): HTMLCanvasElement | OffscreenCanvas;
  function toCanvas<C extends HTMLCanvasElement | OffscreenCanvas>(canvas: C): C;
  function toCanvas(canvas = newCanvas()): HTMLCanvasElement | OffscreenCanvas {
    canvas.width = picture.width;
    canvas.height = picture.height;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
    if (context === null) throw new UserError('canvas: expected one to draw on, got one that has another context');
    context.putImageData(imageData(picture), 0, 0);
    return canvas;
  }
  return {
    ...picture,
    ...about,
    async toBlob(form) {
      const { type, bytes } = await fileOf(picture, form);
      return new Blob([bytes], { type });
    },
    async toDataURL(form) {
      const { type, bytes } = await fileOf(picture, form);
      // Piece by piece: a function takes only so many arguments.
      let characters = '';
      for (let at = 0; at < bytes.length; at += 8192)
        characters += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return `data:${type};base64,${btoa(characters)}`;
    },
    toImageData: () => imageData(picture),
    toCanvas,
    svg: (scale = 1) => encodeSvg(picture, checkedScale(scale)),
  };
}

async function fileOf(
  picture: Picture,
  { type: wanted = 'image/png', scale = 1 }: FileForm = {},
): Promise<{ type: string; bytes: Uint8Array<ArrayBuffer> }> {
  checkedScale(scale);
  switch (wanted) {
    case 'image/png': {
      const { encodePng } = await import('../contract/png.ts');
      return { type: wanted, bytes: encodePng(scaleUp(picture, scale)) };
    }
    case 'image/svg+xml':
      return { type: wanted, bytes: new TextEncoder().encode(encodeSvg(picture, scale)) };
    default: {
      wanted satisfies never;
      throw new UserError(`type: expected image/png or image/svg+xml, got ${wanted}`);
    }
  }
}

function checkedScale(scale: number): number {
  if (!Number.isInteger(scale) || scale < 1) throw new UserError(`scale: expected an integer from 1, got ${scale}`);
  return scale;
}

function newCanvas(): HTMLCanvasElement | OffscreenCanvas {
  if ('document' in globalThis) return document.createElement('canvas');
  if ('OffscreenCanvas' in globalThis) return new OffscreenCanvas(1, 1);
  throw new UserError('canvas: expected a document or OffscreenCanvas, got neither; use toBlob() or the data itself');
}

function imageData({ width, height, channels, data }: Picture): ImageData {
  if (!('ImageData' in globalThis))
    throw new UserError('ImageData: expected a page or a worker, got neither; use toBlob() or the data itself');
  const out = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * channels;
    for (let c = 0; c < 3; c++) out.data[pixel * 4 + c] = data[channels === 1 ? from : from + c] ?? 0;
    out.data[pixel * 4 + 3] = channels === 4 ? (data[from + 3] ?? 0) : 255;
  }
  return out;
}

/**
 * As a model of `image` has it: grey from colours by their luma (Rec. 601), what is transparent on `ground`, white if left out. Throws
 * UserError, about `what`, for another size.
 */
export function modelPicture(
  given: Picture | ImageData,
  { width, height, channels }: Manifest['image'],
  what = 'picture',
  ground = 255,
): Picture {
  if (given.width !== width || given.height !== height)
    throw new UserError(
      `${what}: expected ${width}x${height}, got ${given.width}x${given.height}; draw it on a canvas of that size first`,
    );
  if ('channels' in given) {
    if (given.channels === channels) return given;
    throw new UserError(`${what}: expected ${channels} channels, got ${given.channels}`);
  }
  const data = new Uint8Array(width * height * channels);
  if (channels === 4) return { width, height, channels, data: new Uint8Array(given.data) };
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [r = 0, g = 0, b = 0, a = 0] = given.data.subarray(pixel * 4, pixel * 4 + 4);
    const [red, green, blue] = [r, g, b].map((c) => Math.round((c * a + ground * (255 - a)) / 255)) as [
      number,
      number,
      number,
    ];
    if (channels === 1) data[pixel] = Math.round((299 * red + 587 * green + 114 * blue) / 1000);
    else data.set([red, green, blue], pixel * 3);
  }
  return { width, height, channels, data };
}
