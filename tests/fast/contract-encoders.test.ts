// Every encoder in grey, RGB and RGBA, its files read by programs that are not ours: libvips, librsvg (both in sharp), fast-png.
import fc from 'fast-check';
import { decode, decodeApng } from 'fast-png';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodeApng } from '../../contract/apng.ts';
import { largestDifference } from '../../contract/bundle.ts';
import { encodeGif } from '../../contract/gif.ts';
import { type Picture, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { encodeSvg } from '../../contract/svg.ts';

const KINDS = [1, 3, 4] as const;

/** Frames of one size and kind. */
const films = (channels: number) =>
  fc
    .record({
      width: fc.integer({ min: 1, max: 10 }),
      height: fc.integer({ min: 1, max: 10 }),
      frames: fc.integer({ min: 1, max: 4 }),
    })
    .chain(({ width, height, frames }) => {
      const length = width * height * channels;
      return fc
        .array(fc.uint8Array({ minLength: length, maxLength: length }), { minLength: frames, maxLength: frames })
        .map((list) => list.map((data): Picture => ({ width, height, channels, data })));
    });

/** RGBA of a picture of any kind, as a viewer shows it. */
function shown({ channels, data }: Picture): number[] {
  return Array.from({ length: data.length / channels }, (_, i) => {
    const at = (c: number) => data[i * channels + c] ?? 0;
    return channels === 1 ? [at(0), at(0), at(0), 255] : [at(0), at(1), at(2), channels === 4 ? at(3) : 255];
  }).flat();
}

const rgba = async (bytes: Uint8Array, animated = false) =>
  sharp(bytes, { animated }).toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true });

test.each(KINDS)('a PNG of %d channels has eight bits a channel and every level, opaque or not', async (channels) => {
  await fc.assert(
    fc.asyncProperty(films(channels), async ([picture]) => {
      if (picture === undefined) return;
      if (channels === 4 && picture.width % 2 === 0)
        for (let at = 3; at < picture.data.length; at += 4) picture.data[at] = 255;
      const bytes = encodePng(picture);
      expect(decode(bytes)).toMatchObject({ width: picture.width, height: picture.height, channels, depth: 8 });
      const { data, info } = await rgba(bytes);
      expect([info.width, info.height, [...data]]).toEqual([picture.width, picture.height, shown(picture)]);
    }),
    { numRuns: 30 },
  );
});

test.each(KINDS)('an animated PNG of %d channels gives every frame back', async (channels) => {
  await fc.assert(
    fc.asyncProperty(films(channels), async (frames) => {
      const bytes = encodeApng(frames, 10);
      expect(decodeApng(bytes).frames.map(({ data }) => [...data])).toEqual(frames.map(({ data }) => [...data]));
      // A viewer without animation shows the first frame.
      expect([...(await rgba(bytes)).data]).toEqual(shown(frames[0] as Picture));
    }),
    { numRuns: 30 },
  );
});

test.each(KINDS)(
  'a GIF of %d channels gives every frame back, as far as 256 colours and one bit of alpha go',
  async (channels) => {
    await fc.assert(
      fc.asyncProperty(films(channels), async (frames) => {
        const { data, info } = await rgba(encodeGif(frames, 10), true);
        expect([info.width, info.height]).toEqual([frames[0]?.width, (frames[0]?.height ?? 0) * frames.length]);
        const expected = frames.flatMap(shown);
        for (let at = 0; at < expected.length; at += 4) {
          const seen = (expected[at + 3] ?? 0) >= 128;
          expect(data[at + 3]).toBe(seen ? 255 : 0);
          // At most 100 colours a frame here, but those that agree in their first five bits share one, maybe a neighbour's.
          const most = channels === 1 ? 0 : 15;
          for (let i = at; seen && i < at + 3; i++)
            expect(Math.abs((data[i] ?? 0) - (expected[i] ?? 0))).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 30 },
    );
  },
);

test('a GIF frame replaces the one before: a pixel that is clear in the second does not show the first', async () => {
  const dot = (alpha: number): Picture => ({ width: 1, height: 1, channels: 4, data: Uint8Array.of(9, 8, 7, alpha) });
  const { data } = await rgba(encodeGif([dot(255), dot(127), dot(128)], 10), true);
  expect([data[3], data[7], data[11]]).toEqual([255, 0, 255]);
  const bytes = Buffer.from(encodeGif([dot(255), dot(0)], 10));
  const extension = Buffer.of(0x21, 0xf9, 4);
  const first = bytes.indexOf(extension);
  const packed = [first, bytes.indexOf(extension, first + 1)].map((at) => bytes[at + 3]);
  // GIF89a, graphic control extension: bits 2–4 are the disposal (2, restore to background), bit 0 transparency.
  expect(packed).toEqual([0b1001, 0b1001]);
});

test.each(KINDS)('an SVG of %d channels is drawn with its alpha exactly', async (channels) => {
  await fc.assert(
    fc.asyncProperty(films(channels), fc.integer({ min: 1, max: 3 }), async ([picture], scale) => {
      if (picture === undefined) return;
      const { data, info } = await rgba(Buffer.from(encodeSvg(picture, scale)));
      const large = scaleUp(picture, scale);
      expect([info.width, info.height]).toEqual([large.width, large.height]);
      const expected = Uint8Array.from(shown(large));
      expect(data.filter((_, i) => i % 4 === 3)).toEqual(Buffer.from(expected.filter((_, i) => i % 4 === 3)));
      // It is drawn premultiplied and cut off twice (cairo, and libvips on the way back), so that is what is compared.
      expect(largestDifference(expected, data, 4)).toBeLessThanOrEqual(2);
    }),
    { numRuns: 30 },
  );
});
