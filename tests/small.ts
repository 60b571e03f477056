// A recipe and pictures small enough to train in a second, for tests of everything around the numbers.
import { loadEmbedded } from '../train/data/idx-sets.ts';
import { type PictureSet, sliceSet } from '../train/data/index.ts';
import { type Recipe, recipeFor } from '../train/recipe.ts';

/** The first `count` embedded Fashion-MNIST pictures. */
export async function smallPictures(count = 256): Promise<PictureSet> {
  const splits = await loadEmbedded('fashion-mnist', 'a test');
  if (!splits) throw new Error('expected the embedded pictures');
  return sliceSet(splits.train, 0, count);
}

export function smallRecipe(pictures: PictureSet, changes: Partial<Recipe> = {}): Recipe {
  const recipe = recipeFor('quick', pictures, { batch: 8, images: 160, width: 8 });
  return { ...recipe, network: { ...recipe.network, generatorBlocks: 1 }, ...changes };
}

/** Images of the run that kill-run.ts trains and the test of it kills. */
export const KILL_RUN_IMAGES = 3200;
