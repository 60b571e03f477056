// Does the generator copy? Looks up the nearest training pictures, pixel by pixel, of generated ones, and of held-out real
// ones for comparison; draws the most suspicious cases, transparent ones on a checkerboard.
import { onBackground } from '../../contract/background.ts';
import { contactSheet, type Picture } from '../../contract/picture.ts';
import { pictureOf } from '../../contract/pixels.ts';
import type { PictureSet } from '../data/types.ts';
import { native } from '../engines/onnxruntime.ts';
import { type Features, meanOf, shifted } from './features.ts';
import { nearestRows } from './neighbours.ts';

export interface Memorisation {
  /** Generated pictures looked up. */
  samples: number;
  /** Median distance (root of the mean squared difference, in levels of 255) to the nearest training picture. */
  generatedMedian: number;
  /** The same for held-out real pictures. */
  heldOutMedian: number;
  /** Generated pictures nearer to a training picture than all but 1 % of held-out ones are; copies would raise it far above 0.01. */
  closerThanFirstPercentile: number;
}

const neighbours = 3;
const shown = 20;

export async function memorisation(
  generated: Uint8Array,
  train: PictureSet,
  heldOut: PictureSet,
): Promise<{ result: Memorisation; sheet: Picture }> {
  const { width, height, channels } = train;
  const size = width * height * channels;
  const origin = meanOf(asFeatures(train.pixels, size));
  const among = shifted(asFeatures(train.pixels, size), origin);
  const lookUp = (pixels: Uint8Array) =>
    nearestRows(native, shifted(asFeatures(pixels, size), origin), among, neighbours);

  const samples = generated.length / size;
  const fake = await lookUp(generated);
  const real = await lookUp(heldOut.pixels);
  const levels = (distances: Float64Array): Float64Array =>
    distances.filter((_, i) => i % neighbours === 0).map((distance) => distance / Math.sqrt(size));
  const [fakeNearest, realNearest] = [levels(fake.distance), levels(real.distance)];
  const [fakeSorted, realSorted] = [fakeNearest.toSorted(), realNearest.toSorted()];
  const bound = quantile(realSorted, 0.01);

  const picture = (pixels: Uint8Array, index: number): Picture =>
    onBackground(
      pictureOf(pixels.subarray(index * size, (index + 1) * size), { width, height, channels }),
      'checkerboard',
    );
  // Row by row: the most suspicious generated pictures first, then each one's three neighbours below it. A copy is much nearer
  // to one training picture than to the third nearest; a dark picture is about as near to every dark one.
  const suspicion = (i: number): number => {
    const [first = 0, third = 0] = [fake.distance[i * neighbours], fake.distance[i * neighbours + neighbours - 1]];
    return third === 0 ? 0 : first / third;
  };
  const suspects = [...fakeNearest.keys()].sort((a, b) => suspicion(a) - suspicion(b)).slice(0, shown);
  const rows = [
    suspects.map((i) => picture(generated, i)),
    ...Array.from({ length: neighbours }, (_, k) =>
      suspects.map((i) => picture(train.pixels, fake.index[i * neighbours + k] ?? 0)),
    ),
  ];
  return {
    result: {
      samples,
      generatedMedian: quantile(fakeSorted, 0.5),
      heldOutMedian: quantile(realSorted, 0.5),
      closerThanFirstPercentile: fakeSorted.filter((distance) => distance < bound).length / samples,
    },
    sheet: contactSheet(rows.flat(), suspects.length, 2),
  };
}

const asFeatures = (pixels: Uint8Array, columns: number): Features => ({
  rows: pixels.length / columns,
  columns,
  data: new Float32Array(pixels),
});

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
