// An 8-bit picture and what everyone does with pictures: enlarge one, centre one on a larger canvas, lay many out on a sheet.
import { UserError } from './errors.ts';

/** Row-major, channels interleaved: data[(y * width + x) * channels + c]. Channels: 1 grey, 3 RGB, 4 RGBA (straight). */
export interface Picture {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array;
}

/** In pixels. */
export type Size = Pick<Picture, 'width' | 'height'>;

/** Each pixel becomes `factor` × `factor` pixels. */
export function scaleUp(picture: Picture, factor: number): Picture {
  if (!Number.isInteger(factor) || factor < 1) throw new UserError(`scale: expected an integer from 1, got ${factor}`);
  if (factor === 1) return picture;
  const { width, height, channels } = picture;
  const out = blank(width * factor, height * factor, channels, 0);
  const row = out.width * channels;
  for (let y = 0; y < height; y++) {
    const start = y * factor * row;
    for (let x = 0; x < width; x++) {
      const pixel = picture.data.subarray((y * width + x) * channels, (y * width + x + 1) * channels);
      for (let i = 0; i < factor; i++) out.data.set(pixel, start + (x * factor + i) * channels);
    }
    for (let i = 1; i < factor; i++) out.data.copyWithin(start + i * row, start, start + row);
  }
  return out;
}

/** The picture in the middle of a canvas at least as large, white (transparent in RGBA) around it; an odd pixel is right and below. */
export function centred(picture: Picture, width: number, height: number): Picture {
  if (width < picture.width || height < picture.height)
    throw new UserError(
      `canvas: expected at least ${picture.width}x${picture.height}, the picture's size, got ${width}x${height}`,
    );
  if (width === picture.width && height === picture.height) return picture;
  const { channels } = picture;
  const out = blank(width, height, channels, channels === 4 ? 0 : 255);
  const left = Math.floor((width - picture.width) / 2);
  const top = Math.floor((height - picture.height) / 2);
  const row = picture.width * channels;
  for (let y = 0; y < picture.height; y++)
    out.data.set(picture.data.subarray(y * row, (y + 1) * row), ((top + y) * width + left) * channels);
  return out;
}

/** Pictures of one size left to right, top to bottom, `gap` white pixels (transparent in RGBA) between them, none at the border. */
export function contactSheet(pictures: Picture[], columns: number, gap = 0): Picture {
  const first = pictures[0];
  if (first === undefined) throw new UserError('contact sheet: expected at least one picture, got none');
  if (!Number.isInteger(columns) || columns < 1)
    throw new UserError(`columns: expected an integer from 1, got ${columns}`);
  const { width, height, channels } = first;
  const across = Math.min(columns, pictures.length);
  const down = Math.ceil(pictures.length / across);
  const sheet = blank(across * (width + gap) - gap, down * (height + gap) - gap, channels, channels === 4 ? 0 : 255);
  pictures.forEach((picture, index) => {
    if (picture.width !== width || picture.height !== height || picture.channels !== channels)
      throw new UserError(
        `contact sheet: expected pictures of ${width}x${height}x${channels}, got ${picture.width}x${picture.height}x${picture.channels}`,
      );
    const left = (index % across) * (width + gap);
    const top = Math.floor(index / across) * (height + gap);
    for (let y = 0; y < height; y++) {
      const row = picture.data.subarray(y * width * channels, (y + 1) * width * channels);
      sheet.data.set(row, ((top + y) * sheet.width + left) * channels);
    }
  });
  return sheet;
}

function blank(width: number, height: number, channels: number, value: number): Picture {
  return { width, height, channels, data: new Uint8Array(width * height * channels).fill(value) };
}
