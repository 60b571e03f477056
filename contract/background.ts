// What transparent pictures are laid on where somebody looks at them or asks for a ground: a colour or a checkerboard.
import { UserError } from './errors.ts';
import type { Picture } from './picture.ts';

/** Levels of red, green and blue. */
export type Colour = readonly [number, number, number];
export type Background = Colour | 'checkerboard';

export const WHITE: Colour = [255, 255, 255];

/** Side of the checkerboard's squares in pixels of the picture it lies under, and its two greys; white is at the top left. */
const SQUARE = 8;
const LIGHT = 255;
const DARK = 217;

const NAMED: Readonly<Record<string, Background>> = { checkerboard: 'checkerboard', white: WHITE, black: [0, 0, 0] };

/** `checkerboard`, `white`, `black`, or hexadecimal `rrggbb` or `rgb`, with or without `#`, in any case. Throws UserError. */
export function parseBackground(text: string): Background {
  const wanted = text.trim().toLowerCase();
  if (Object.hasOwn(NAMED, wanted)) return NAMED[wanted] ?? WHITE;
  const digits = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/.exec(wanted)?.[1];
  if (digits === undefined)
    throw new UserError(
      `background: expected checkerboard, white, black or a colour such as ff8800, got ${text.slice(0, 60)}`,
    );
  const each = digits.length / 3;
  const level = (i: number) => Number.parseInt(digits.slice(i * each, (i + 1) * each).repeat(3 - each), 16);
  return [level(0), level(1), level(2)];
}

/** The one way to write a background: `checkerboard` or six hexadecimal digits. */
export function backgroundName(background: Background): string {
  if (background === 'checkerboard') return background;
  return background.map((level) => level.toString(16).padStart(2, '0')).join('');
}

/**
 * An RGBA picture → the RGB picture that is seen when it lies on `background`: round((c a + b (255 − a)) / 255), in
 * integers. A picture without alpha, or on nothing, is returned as it is.
 */
export function onBackground(picture: Picture, background: Background | undefined): Picture {
  const { width, height, channels, data } = picture;
  if (channels !== 4 || background === undefined) return picture;
  const out = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const a = data[pixel * 4 + 3] ?? 0;
    const square = Math.floor((pixel % width) / SQUARE) + Math.floor(pixel / width / SQUARE);
    for (let c = 0; c < 3; c++) {
      const ground = background === 'checkerboard' ? (square % 2 === 0 ? LIGHT : DARK) : (background[c] ?? 0);
      out[pixel * 3 + c] = Math.floor((2 * ((data[pixel * 4 + c] ?? 0) * a + ground * (255 - a)) + 255) / 510);
    }
  }
  return { width, height, channels: 3, data: out };
}
