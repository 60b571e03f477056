// What a person makes: marks of a brush over a photo or over nothing. Plain values, so undo is the value before.
import { cropOf, type Placed } from './photo.ts';

export interface Brush {
  /** #rrggbb, or what takes away. */
  readonly colour: string;
  /** Of the pad, which is 1 wide. */
  readonly width: number;
  /** The line closes, and what it goes around is painted too. */
  readonly filled: boolean;
}

export const ERASER = 'eraser';

export interface Mark extends Brush {
  /** x, y, x, y, … */
  readonly points: readonly number[];
}

export interface Work {
  readonly photo: Placed | undefined;
  readonly marks: readonly Mark[];
}

export const NOTHING: Work = { photo: undefined, marks: [] };

export const isNothing = ({ photo, marks }: Work) => photo === undefined && marks.length === 0;

export interface Sheet {
  readonly context: CanvasRenderingContext2D;
  /** What opaque pictures are on, #rrggbb; undefined: transparent ones on nothing. */
  readonly ground: string | undefined;
}

export function paintGround({ context, ground }: Sheet): void {
  const { width, height } = context.canvas;
  context.clearRect(0, 0, width, height);
  if (ground === undefined) return;
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
}

export function paintPhoto({ context, ground }: Sheet, place: Placed): void {
  const { canvas } = context;
  const crop = cropOf(place, canvas.height / canvas.width);
  const scale = canvas.width / crop.width;
  const box = [
    -crop.left * scale,
    -crop.top * scale,
    place.photo.pixels.width * scale,
    place.photo.pixels.height * scale,
  ] as const;
  context.fillStyle = '#fff';
  if (ground !== undefined) context.fillRect(...box);
  context.imageSmoothingQuality = 'high';
  context.drawImage(place.photo.canvas, ...box);
  if (!place.inverted) return;
  context.globalCompositeOperation = 'difference';
  context.fillRect(...box);
  context.globalCompositeOperation = 'source-over';
}

export function paintMark({ context, ground }: Sheet, { points, colour, width, filled }: Mark): void {
  const size = context.canvas.width;
  const at = (i: number) => (points[i] ?? 0) * size;
  context.globalCompositeOperation = colour === ERASER && ground === undefined ? 'destination-out' : 'source-over';
  context.strokeStyle = context.fillStyle = colour === ERASER ? (ground ?? '#000') : colour;
  context.lineWidth = width * size;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(at(0), at(1));
  // Through the middles between points, so that a quick hand draws curves.
  for (let i = 2; i < points.length - 2; i += 2)
    context.quadraticCurveTo(at(i), at(i + 1), (at(i) + at(i + 2)) / 2, (at(i + 1) + at(i + 3)) / 2);
  // A line from a point to itself is a dot.
  context.lineTo(at(points.length - 2), at(points.length - 1));
  if (filled) {
    context.closePath();
    context.fill();
  }
  context.stroke();
  context.globalCompositeOperation = 'source-over';
}
