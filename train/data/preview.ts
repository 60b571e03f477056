// A labelled contact sheet of a data set: one row per class, its name on the left, then its first pictures.
import font from 'oled-font-5x7';
import type { Picture } from '../../contract/picture.ts';
import { classCounts } from './picture-set.ts';
import type { PictureSet } from './types.ts';

const gap = 2;
const margin = 6;
const maxRows = 64;
const ink = 30;
const paper = 236;
/** Side of a checkerboard's squares in pixels of the sheet. */
const square = 8;

export interface PreviewOptions {
  columns?: number;
  /** Each pixel of a picture becomes scale x scale. */
  scale?: number;
}

export function previewSheet(set: PictureSet, { columns = 12, scale = 2 }: PreviewOptions = {}): Picture {
  const rows = firstPicturesByClass(set, columns).slice(0, maxRows);
  const counts = classCounts(set);
  const captions = rows.map((_, row) => `${set.classes[row] ?? set.name.split('/').pop() ?? ''} ${counts[row]}`);
  const textScale = Math.max(1, Math.min(2, Math.floor((set.height * scale) / (font.height + 2))));
  const advance = (font.width + 1) * textScale;
  const captionWidth = Math.max(...captions.map((caption) => [...caption].length)) * advance + margin;
  const cellWidth = set.width * scale + gap;
  const cellHeight = set.height * scale + gap;
  const shown = Math.max(...rows.map((row) => row.length));
  const sheet: Picture = {
    width: margin + captionWidth + shown * cellWidth - gap + margin,
    height: margin + rows.length * cellHeight - gap + margin,
    channels: set.channels === 1 ? 1 : 3,
    data: new Uint8Array(0),
  };
  sheet.data = new Uint8Array(sheet.width * sheet.height * sheet.channels).fill(paper);

  for (const [row, pictures] of rows.entries()) {
    const top = margin + row * cellHeight;
    const textTop = top + Math.floor((set.height * scale - font.height * textScale) / 2);
    drawText(sheet, captions[row] ?? '', margin, textTop, textScale);
    for (const [column, index] of pictures.entries()) {
      drawPicture(sheet, set, index, margin + captionWidth + column * cellWidth, top, scale);
    }
  }
  return sheet;
}

function firstPicturesByClass(set: PictureSet, columns: number): number[][] {
  const rows: number[][] = Array.from({ length: Math.max(1, set.classes.length) }, () => []);
  for (const [index, label] of set.labels.entries()) {
    const row = rows[label];
    if (row && row.length < columns) row.push(index);
  }
  return rows;
}

function drawPicture(sheet: Picture, set: PictureSet, index: number, left: number, top: number, scale: number): void {
  const { width, height, channels } = set;
  const start = index * width * height * channels;
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const from = start + (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
      const pixel = set.pixels.subarray(from, from + channels);
      const to = ((top + y) * sheet.width + left + x) * sheet.channels;
      sheet.data.set(channels === 4 ? onCheckerboard(pixel, x, y) : pixel, to);
    }
  }
}

/** A premultiplied RGBA pixel on the squares that stand for "nothing here" in picture programs. */
function onCheckerboard(pixel: Uint8Array, x: number, y: number): number[] {
  const [red = 0, green = 0, blue = 0, alpha = 0] = pixel;
  const ground = (Math.floor(x / square) + Math.floor(y / square)) % 2 === 0 ? 255 : 204;
  return [red, green, blue].map((level) => level + Math.round((ground * (255 - alpha)) / 255));
}

function drawText(sheet: Picture, text: string, left: number, top: number, scale: number): void {
  for (const [position, character] of [...text].entries()) {
    const glyph = font.lookup.indexOf(character) >= 0 ? font.lookup.indexOf(character) : font.lookup.indexOf('?');
    for (let x = 0; x < font.width * scale; x++) {
      const column = font.fontData[glyph * font.width + Math.floor(x / scale)] ?? 0;
      for (let y = 0; y < font.height * scale; y++) {
        if (!((column >> Math.floor(y / scale)) & 1)) continue;
        const at = ((top + y) * sheet.width + left + position * (font.width + 1) * scale + x) * sheet.channels;
        sheet.data.fill(ink, at, at + sheet.channels);
      }
    }
  }
}
