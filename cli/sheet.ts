// Several pictures in one PNG, and how large that may become.
import { UserError } from '../contract/errors.ts';
import { contactSheet, type Picture, scaleUp } from '../contract/picture.ts';

/** Pixels of a sheet: as many as viewers open, and some seconds to write. */
const MOST_PIXELS = 8192 * 8192;

export interface SheetOptions {
  readonly columns: number;
  readonly scale: number;
}

/** Before so many pictures are drawn. Throws UserError for a sheet that is too large. */
export function checkSheet(
  count: number,
  { columns, scale }: SheetOptions,
  size: { width: number; height: number },
): void {
  const across = Math.min(columns, count);
  const [width, height] = [across * size.width * scale, Math.ceil(count / across) * size.height * scale];
  if (width * height > MOST_PIXELS)
    throw new UserError(
      `sheet: expected at most ${MOST_PIXELS.toLocaleString('en-GB')} pixels, got ${width}x${height}; take a smaller --scale or fewer --seeds`,
    );
}

/** One picture as it is, several in a grid; each pixel `scale` times as wide and high. */
export function sheetOf(pictures: Picture[], { columns, scale }: SheetOptions): Picture {
  const [first] = pictures;
  return scaleUp(pictures.length === 1 && first ? first : contactSheet(pictures, columns), scale);
}
