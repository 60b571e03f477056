// A recipe and pictures small enough to train in a second, for tests of everything around the numbers.
import { randomWords } from '../contract/random.ts';
import { loadEmbedded } from '../train/data/idx-sets.ts';
import { type PictureSet, sliceSet } from '../train/data/index.ts';
import { pictureSet } from '../train/data/picture-set.ts';
import { type Recipe, recipeFor } from '../train/recipe.ts';

/** The first `count` embedded Fashion-MNIST pictures. */
export async function smallPictures(count = 256): Promise<PictureSet> {
  const splits = await loadEmbedded('fashion-mnist', 'a test');
  if (!splits) throw new Error('expected the embedded pictures');
  return sliceSet(splits.train, 0, count);
}

/** Transparent pictures of 16x16: discs and squares of a colour each, with soft edges, on nothing. */
export function clearPictures(count = 64): PictureSet {
  const size = 16;
  const words = randomWords(1, 5, 0, 6 * count);
  const labels = Uint8Array.from({ length: count }, (_, n) => n % 2);
  const pixels = new Uint8Array(count * size * size * 4);
  for (let at = 0; at < pixels.length; at += 4) {
    const [n, y, x] = [Math.floor(at / 1024), Math.floor(at / 64) % size, (at / 4) % size];
    const number = (i: number, from: number, to: number) => from + ((words[6 * n + i] ?? 0) / 2 ** 32) * (to - from);
    const [dx, dy] = [x - number(0, 6, 9), y - number(1, 6, 9)];
    const distance = labels[n] === 0 ? Math.hypot(dx, dy) : Math.max(Math.abs(dx), Math.abs(dy));
    const alpha = Math.min(1, Math.max(0, number(2, 3, 6) - distance));
    for (let c = 0; c < 3; c++) pixels[at + c] = Math.round(alpha * number(3 + c, 0, 255));
    pixels[at + 3] = Math.round(alpha * 255);
  }
  const classes = ['disc', 'square'];
  return pictureSet({
    name: 'shapes',
    classes,
    width: size,
    height: size,
    channels: 4,
    pixels,
    labels,
    note: 'a test',
  });
}

export function smallRecipe(pictures: PictureSet, changes: Partial<Recipe> = {}): Recipe {
  const recipe = recipeFor('quick', pictures, { batch: 8, images: 160, width: 8 });
  return { ...recipe, network: { ...recipe.network, generatorBlocks: 1 }, ...changes };
}

/** As few kinds of operation as a recipe can have: a software GPU compiles each of them. */
export function tinyRecipe(pictures: PictureSet): Recipe {
  const recipe = recipeFor('classic', pictures, { batch: 4, images: 200 });
  const strided = { dense: [16], generator: [8], discriminator: [8], kernel: 3, normalise: false };
  return { ...recipe, network: { ...recipe.network, latent: 8, strided } };
}

/** Images of the run that kill-run.ts trains and the test of it kills. */
export const KILL_RUN_IMAGES = 3200;
