// The crop of a photo: as the edge takes it until it is moved, and always where there is something to see.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { intake } from '../../contract/intake.ts';
import type { Picture } from '../../contract/picture.ts';
import { cropOf, cropped, moved, type Photo, placed, withZoom, zoomed, zoomOf } from '../../web/draw/photo.ts';

const BLACK = [0, 0, 0] as const;
const WHITE = [255, 255, 255] as const;
const cover = { fit: 'cover', background: WHITE } as const;
const image = { width: 8, height: 8, channels: 1 } as const;

function photoOf(width: number, height: number): Photo {
  const data = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 251));
  const pixels: Picture = { width, height, channels: 4, data };
  return { pixels } as Photo;
}

test('a photo that nobody moved gives the bytes of the edge, whole or cropped as the model’s own pictures were', () => {
  const photo = photoOf(61, 40);
  for (const fit of ['cover', 'contain'] as const)
    expect(cropped(placed(photo, 1, fit), image, { fit, background: BLACK }, BLACK)).toEqual(
      intake(photo.pixels, image, { fit, background: BLACK }),
    );
});

test('a crop in the model’s size is its pixels as they are, swapped where that is asked for, on the ground beyond the photo', () => {
  const photo = photoOf(16, 8);
  const rgb = { ...image, channels: 3 } as const;
  const right = { photo, x: 14, y: 4, width: 8, inverted: false };
  const got = cropped(right, rgb, cover, BLACK);
  const source = (x: number, y: number, c: number) => photo.pixels.data[(y * 16 + x) * 4 + c];
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++)
      for (let c = 0; c < 3; c++) expect(got.data[(y * 8 + x) * 3 + c]).toBe(x + 10 < 16 ? source(x + 10, y, c) : 0);
  const swapped = cropped({ ...right, inverted: true }, rgb, cover, BLACK);
  expect(swapped.data[0]).toBe(255 - (source(10, 0, 0) ?? 0));
  expect(swapped.data.at(-1)).toBe(0);
});

test('however a photo is moved and zoomed, it fills the pad or lies in its middle', () => {
  const part = fc.float({ min: -1, max: 1, noNaN: true });
  const size = fc.integer({ min: 8, max: 900 });
  fc.assert(
    fc.property(size, size, fc.array(fc.tuple(part, part)), (width, height, changes) => {
      const photo = { pixels: { width, height } } as Photo;
      let place = placed(photo, 1, 'cover');
      expect(cropOf(place, 1)).toMatchObject({ width: Math.min(width, height), height: Math.min(width, height) });
      for (const [a, b] of changes) place = moved(zoomed(place, 1, 2 ** a, 0.5 + b / 2, 0.5), 1, b, a);
      for (const [at, all] of [
        [place.x, width],
        [place.y, height],
      ] as const)
        if (place.width >= all) expect(at).toBe(all / 2);
        else {
          expect(at - place.width / 2).toBeGreaterThanOrEqual(-1e-9 * all);
          expect(at + place.width / 2).toBeLessThanOrEqual(all * (1 + 1e-9));
        }
      expect(zoomOf(withZoom(place, 1, 0.25), 1)).toBeCloseTo(0.25);
    }),
  );
});
