// JPEG from outside, by jpeg-js. Before it sees the file the markers are walked (ITU-T T.81, annex B): size, kind, EXIF's orientation
// and the number of scans, each of which goes over the whole picture, however few bytes it has.
import { decode } from 'jpeg-js';
import { UserError } from '../../contract/errors.ts';
import type { Orientation } from '../../contract/intake.ts';
import { checkSize, type Decoded, damaged } from './decode.ts';
import { orientationOf } from './exif.ts';

/** Encoders make about ten. */
const MOST_SCANS = 32;
/** What jpeg-js may take, in MB as it counts. */
const MEMORY = 96;

export function decodeJpeg(bytes: Uint8Array): Decoded {
  const { orientation } = walk(bytes);
  const options = { useTArray: true, formatAsRGBA: true, tolerantDecoding: false } as const;
  const { width, height, data } = decode(bytes, { ...options, maxMemoryUsageInMB: MEMORY });
  return { picture: { width, height, channels: 4, data }, orientation };
}

function walk(bytes: Uint8Array): { orientation: Orientation } {
  const byte = (at: number) => bytes[at] ?? 0;
  const word = (at: number) => (byte(at) << 8) | byte(at + 1);
  let orientation: Orientation | undefined;
  let frames = 0;
  let scans = 0;
  for (let at = 2; ; ) {
    if (at + 4 > bytes.length && word(at) !== 0xffd9) throw damaged('JPEG', 'it is cut off');
    if (byte(at) !== 0xff) throw damaged('JPEG', 'something between its segments');
    const marker = byte(at + 1);
    if (marker === 0xd9) break;
    if (marker === 0xff) {
      at += 1; // filling
      continue;
    }
    const end = at + 2 + word(at + 2);
    if (end > bytes.length) throw damaged('JPEG', 'it is cut off');
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (marker > 0xc2 || byte(at + 4) !== 8)
        throw new UserError(
          'picture: expected a baseline or progressive JPEG of 8 bits, got another kind; save it as PNG',
        );
      checkSize(word(at + 7), word(at + 5));
      frames++;
    }
    if (marker === 0xe1 && String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === 'Exif')
      orientation ??= orientationOf(bytes.subarray(at + 4, end));
    at = end;
    if (marker === 0xda) {
      scans++;
      // A 0xff within a scan is followed by 0, or is a restart marker.
      while (at < bytes.length && (byte(at) !== 0xff || byte(at + 1) === 0 || (byte(at + 1) & 0xf8) === 0xd0)) at++;
    }
  }
  if (frames !== 1 || scans === 0) throw damaged('JPEG', `${frames} pictures in ${scans} scans`);
  if (scans > MOST_SCANS)
    throw new UserError(`picture: expected a JPEG of at most ${MOST_SCANS} scans, got ${scans}; save it anew`);
  return { orientation: orientation ?? 1 };
}
