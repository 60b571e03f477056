// Pictures of any size as a model takes them: as near to what training does with sharp as its own rounding, and pinned bytes.
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../contract/bundle.ts';
import { fitOf, intake, type Orientation } from '../../contract/intake.ts';
import type { Manifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { layOut } from '../../train/data/canonical.ts';
import { decodePicture } from '../../train/data/decode.ts';

const WHITE = [255, 255, 255] as const;
const RED = [255, 0, 0] as const;

/** Slopes of colour, half of them half transparent. */
function waves(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      data[at] = (x * 255) / width;
      data[at + 1] = ((x + y) * 255) / (width + height);
      data[at + 2] = (y * 255) / height;
      data[at + 3] = 2 * x > width ? 128 : 255;
    }
  return { width, height, channels: 4, data };
}

const pngOf = ({ width, height, data }: Picture) =>
  sharp(data, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();

describe.each([
  [400, 300],
  [37, 200],
  [64, 64],
  [32, 32],
  [40, 33],
  [20, 11],
])('a picture of %dx%d', (width, height) => {
  test.each(['cover', 'contain'] as const)('is what training makes of it, levels apart: %s', async (fit) => {
    const picture = waves(width, height);
    const levels = await decodePicture(await pngOf(picture), 32, fit);
    for (const channels of [1, 3] as const) {
      const expected = layOut({ count: 1, size: 32, pixels: levels }, [0], channels, RED);
      const got = intake(picture, { width: 32, height: 32, channels }, { fit, background: RED });
      const apart = got.data.map((level, i) => Math.abs(level - (expected[i] ?? 0)));
      // A fraction of a pixel where a side is cut or rounded to a whole one; libvips rounds between its steps.
      expect(apart.reduce((sum, level) => sum + level, 0) / apart.length).toBeLessThan(4);
    }
  });
});

test('a picture of the model’s own size is taken as it is', () => {
  const picture = waves(32, 32);
  const how = { fit: 'cover', background: WHITE } as const;
  // Colours of half transparent pixels keep what premultiplied levels hold of them.
  const again = intake(picture, { width: 32, height: 32, channels: 4 }, how);
  expect(intake(again, { width: 32, height: 32, channels: 4 }, how)).toEqual(again);
  const opaque = { ...picture, data: picture.data.map((level, i) => (i % 4 === 3 ? 255 : level)) };
  expect(intake(opaque, { width: 32, height: 32, channels: 4 }, how)).toEqual(opaque);
});

test('the bytes are the same in every runtime: pinned', async () => {
  const parts = [
    intake(waves(301, 200), { width: 28, height: 28, channels: 1 }, { fit: 'cover', background: WHITE }),
    intake(waves(90, 701), { width: 64, height: 48, channels: 4 }, { fit: 'contain', background: WHITE }, 6),
    intake(waves(9, 7), { width: 32, height: 32, channels: 3 }, { fit: 'cover', background: RED }, 3),
  ];
  // Of Node 22.
  expect(await sha256Hex(new Uint8Array(parts.flatMap(({ data }) => [...data])))).toBe(
    'd149737729f81d1368fdb4226c5baec69fbc5ec197b014060839a2ac2c60b3b9',
  );
});

test('EXIF’s eight orientations are set upright, as sharp does', async () => {
  const picture = waves(40, 24);
  const opaque = { ...picture, data: picture.data.map((level, i) => (i % 4 === 3 ? 255 : level)) };
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8] as Orientation[]) {
    const upright = await sharp(
      await sharp(await pngOf(opaque))
        .withMetadata({ orientation })
        .png()
        .toBuffer(),
    )
      .autoOrient()
      .raw()
      .toBuffer();
    const [width, height] = orientation >= 5 ? [24, 40] : [40, 24];
    const got = intake(opaque, { width, height, channels: 4 }, { fit: 'cover', background: WHITE }, orientation);
    expect(Buffer.from(got.data).equals(upright)).toBe(true);
  }
});

test('the manifest says how the model’s pictures were made', () => {
  const of = (pictures?: object) => fitOf({ training: { config: { pictures } } } as unknown as Manifest);
  expect(of({ size: 32, channels: 3, fit: 'contain', background: '#ff8800' })).toEqual({
    fit: 'contain',
    background: [255, 136, 0],
  });
  expect(of({ size: 32, channels: 4, fit: 'cover' })).toEqual({ fit: 'cover', background: WHITE });
  expect(of()).toEqual({ fit: 'cover', background: WHITE });
});
