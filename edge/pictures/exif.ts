// Which way up a camera held a picture: tag 0x0112 of EXIF, the only one that is read (CIPA DC-008, TIFF 6.0).
import type { Orientation } from '../../contract/intake.ts';

/** `exif` begins with TIFF's header, perhaps after `Exif\0\0`. What cannot be understood is upright. */
export function orientationOf(exif: Uint8Array): Orientation {
  const start = String.fromCharCode(...exif.subarray(0, 4)) === 'Exif' ? 6 : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + start, Math.max(0, exif.byteLength - start));
  try {
    const order = view.getUint16(0);
    if (order !== 0x4949 && order !== 0x4d4d) return 1;
    const little = order === 0x4949;
    const directory = view.getUint32(4, little);
    const entries = view.getUint16(directory, little);
    for (let i = 0; i < entries; i++) {
      const entry = directory + 2 + 12 * i;
      if (view.getUint16(entry, little) !== 0x0112) continue;
      const value = view.getUint16(entry + 8, little);
      return value >= 1 && value <= 8 ? (value as Orientation) : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before what it points to
  }
  return 1;
}
