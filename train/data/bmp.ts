// BMP, which every viewer opens and sharp does not: decoded by bmp-ts, and handed to sharp as PNG.
import { decode } from 'bmp-ts';
import sharp from 'sharp';
import { mostPixels, tooManyPixels, Unreadable } from './tree.ts';

export const isBmp = (bytes: Buffer): boolean => bytes.toString('latin1', 0, 2) === 'BM';

/** @throws Unreadable */
export async function bmpAsPng(bytes: Buffer): Promise<Buffer> {
  if (bytes.length < 54) throw new Unreadable('damaged: no whole BMP header');
  const [width, height] = [Math.abs(bytes.readInt32LE(18)), Math.abs(bytes.readInt32LE(22))];
  if (width * height > mostPixels) throw tooManyPixels(width, height);
  const data = rgba(bytes);
  if (width === 0 || data.length !== width * height * 4) throw new Unreadable('damaged: not as many pixels as it says');
  return sharp(data, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function rgba(bytes: Buffer): Uint8Array {
  let abgr: { data: Uint8Array; bitPP: number };
  try {
    abgr = decode(bytes);
  } catch (error) {
    throw new Unreadable(`damaged or of a rare kind: ${(error as Error).message.split('.')[0]}`);
  }
  const { data, bitPP } = abgr;
  // Only 32 bits have room for alpha, and many programs leave it zero where they mean opaque.
  const hasAlpha = bitPP === 32 && data.some((level, i) => i % 4 === 0 && level > 0);
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 4) {
    for (let c = 0; c < 3; c++) out[i + c] = data[i + 3 - c] ?? 0;
    out[i + 3] = hasAlpha ? (data[i] ?? 0) : 255;
  }
  return out;
}
