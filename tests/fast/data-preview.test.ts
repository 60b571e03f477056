// The labelled contact sheet: where pictures land, and that captions are drawn.
import { expect, test } from 'vitest';
import { pictureSet } from '../../train/data/index.ts';
import { previewSheet } from '../../train/data/preview.ts';

const set = pictureSet({
  name: 'demo',
  classes: ['dark', 'light'],
  width: 28,
  height: 28,
  channels: 1,
  pixels: Uint8Array.from({ length: 3 * 28 * 28 }, (_, i) => [0, 250, 10][Math.floor(i / 784)] ?? 0),
  labels: Uint8Array.of(0, 1, 0),
  note: 'made for a test',
});

test('one row per class: its caption, then its pictures in data set order', () => {
  const sheet = previewSheet(set, { columns: 5, scale: 1 });
  const at = (x: number, y: number): number | undefined => sheet.data[y * sheet.width + x];
  const right = sheet.width - 6; // pictures end at the margin
  expect(sheet.height).toBe(6 + 2 * 30 - 2 + 6);
  expect([at(right - 30 - 28, 6), at(right - 28, 6)]).toEqual([0, 10]);
  expect([at(right - 30 - 28, 36), at(right - 28, 36)]).toEqual([250, 236]);
  const captionInk = sheet.data.filter((value, i) => value === 30 && i % sheet.width < right - 58);
  expect(captionInk.length).toBeGreaterThan(50);
});

test('a class name in letters the font lacks is drawn with question marks, not dropped', () => {
  const width = (name: string): number => previewSheet({ ...set, classes: [name, ''] }, { scale: 1 }).width;
  expect(width('кот')).toBe(width('cat'));
});
