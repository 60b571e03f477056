// What is rubbed out, in the model's own pixels.
import type { Picture } from '../../contract/picture.ts';
import type { Mark } from '../draw/work.ts';
import { toImageData } from '../ui/dom.ts';

/** Two of one hue, so that what is rubbed out is seen on any picture, pixel by pixel. */
const RUBBED = [
  [255, 154, 92],
  [214, 108, 44],
] as const;

/** [height × width]: 1 where the strokes on the pad (RGBA, of the model's size) cover half of a pixel or more. */
export const hiddenBy = ({ width, height, data }: Picture): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, i) => ((data[i * 4 + 3] ?? 0) >= 128 ? 1 : 0));

/** The picture (RGBA) with what is hidden marked. */
export function rubbed(picture: Picture, hidden: Uint8Array): Picture {
  const { width, height } = picture;
  const data = new Uint8Array(toImageData(picture).data);
  for (const [i, one] of hidden.entries())
    if (one === 1) data.set([...RUBBED[((i % width) + Math.floor(i / width)) % 2 === 0 ? 0 : 1], 255], i * 4);
  return { width, height, channels: 4, data };
}

export const HALVES = {
  upper: [0, 0, 1, 0.5],
  lower: [0, 0.5, 1, 1],
  left: [0, 0, 0.5, 1],
  right: [0.5, 0, 1, 1],
} as const;
export type Half = keyof typeof HALVES;

/** A rectangle of the pad, whose height is `shape` for a width of 1. Each corner stands twice: strokes are round between points. */
export function rectangle([left, top, right, bottom]: (typeof HALVES)[Half], shape: number): Mark {
  const corners = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ] as const;
  const points = corners.flatMap(([x, y]) => [x, y * shape, x, y * shape]);
  return { colour: '#000000', width: 0.0005, filled: true, points };
}
