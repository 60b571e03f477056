// How a model completes held-out pictures whose lower half is hidden: whether they stay what they are, and in how many ways.
import { type PictureSet, spreadPictures } from '../data/index.ts';
import { accuracy } from './evaluator.ts';

/** How the hidden half of held-out pictures comes out. */
interface Completed {
  /** Share that the judge puts into their picture's class. Absent where there are no classes. */
  classKept?: number;
  /** Mean absolute difference of two seeds' pixels where they are drawn, as a share of the range, over `seeds` of each of `varied` pictures. */
  spread: number;
}

/** The class not told, and told where there are classes. */
export interface Completion extends Completed {
  /** Held-out pictures completed. */
  pictures: number;
  told?: Completed;
  /** The difference of two held-out pictures in the same places, of whatever class. */
  spreadOfPictures: number;
  seeds: number;
  varied: number;
}

/** A picture with the places that `hidden` names drawn anew, for each of several, by seeds from the one given on; `labels` tell their classes. */
export type Complete = (
  pixels: Uint8Array,
  hidden: Uint8Array,
  firstSeed: number,
  labels?: Uint8Array,
) => Promise<Uint8Array>;

const mostCompleted = 1000;
const mostVaried = 100;
const seeds = 8;

/** [width × height]: 1 where it is drawn. */
export const lowerHalf = (width: number, height: number): Uint8Array =>
  Uint8Array.from({ length: width * height }, (_, i) => (Math.floor(i / width) >= height / 2 ? 1 : 0));

/** Mean absolute difference, as a share of the range, of every two of some pictures [count, h, w, c] where `hidden` is 1. */
function spreadOf(pictures: Uint8Array, count: number, hidden: Uint8Array): number {
  const size = pictures.length / count;
  const channels = size / hidden.length;
  let [sum, numbers] = [0, 0];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++)
      for (let i = 0; i < size; i++) {
        if (hidden[Math.floor(i / channels)] === 0) continue;
        sum += Math.abs((pictures[a * size + i] ?? 0) - (pictures[b * size + i] ?? 0));
        numbers += 1;
      }
  return sum / (255 * numbers);
}

/** @param judge the classes of pictures; absent where there are none */
export async function completion(
  test: PictureSet,
  complete: Complete,
  firstSeed: number,
  judge?: (pixels: Uint8Array) => Promise<Uint8Array>,
): Promise<Completion> {
  const shown = spreadPictures(test, mostCompleted);
  const some = spreadPictures(test, mostVaried);
  const hidden = lowerHalf(test.width, test.height);
  const size = test.width * test.height * test.channels;
  async function completed(told: boolean): Promise<Completed> {
    const made = await complete(shown.pixels, hidden, firstSeed, told ? shown.labels : undefined);
    let spread = 0;
    for (let i = 0; i < some.count; i++) {
      const again = new Uint8Array(seeds * size);
      for (let k = 0; k < seeds; k++) again.set(some.pixels.subarray(i * size, (i + 1) * size), k * size);
      const labels = told ? new Uint8Array(seeds).fill(some.labels[i] ?? 0) : undefined;
      spread += spreadOf(await complete(again, hidden, firstSeed, labels), seeds, hidden) / some.count;
    }
    return { ...(judge && { classKept: accuracy(await judge(made), shown.labels) }), spread };
  }
  return {
    pictures: shown.count,
    ...(await completed(false)),
    ...(judge && { told: await completed(true) }),
    spreadOfPictures: spreadOf(some.pixels, some.count, hidden),
    seeds,
    varied: some.count,
  };
}
