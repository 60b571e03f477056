// What is to be trained, of what a person has chosen in the page: pictures, those that are held out of them, recipe and state to begin with.
import { UserError } from '../../contract/errors.ts';
import { premultiplied } from '../../train/data/near-copies.ts';
import { pickPictures, pictureSet } from '../../train/data/picture-set.ts';
import { pixelDigests, splitPictures } from '../../train/data/split.ts';
import type { DatasetSplits, PictureSet } from '../../train/data/types.ts';
import { pictureSizes } from '../../train/nn/spec.ts';
import type { Values } from '../../train/nn/tensors.ts';
import { type Recipe, recipeFor } from '../../train/recipe.ts';
import { asTrained, decodeTrainer, goingOn } from '../../train/trainer.ts';
import type { NewRun } from './protocol.ts';

const PRESET = 'auto';

const number = new Intl.NumberFormat('en-GB');

/** As `pocketgen train` splits own pictures, but by their pixels: none are held out below 100. */
export function splitOf(run: NewRun): Pick<DatasetSplits, 'train' | 'test'> {
  const all = picturesOf(run);
  const pictures = premultiplied(all);
  const { train, test } = splitPictures(pictures, all.labels, pixelDigests(pictures));
  return { train: pickPictures(all, train), test: pickPictures(all, test) };
}

function picturesOf({ name, classes, size, channels, pixels, labels }: NewRun): PictureSet {
  const side = pictureSizes.find((known) => known === size);
  if (side === undefined) throw new UserError(`size: expected one of ${pictureSizes.join(', ')}, got ${size}`);
  return pictureSet({
    ...{ name, classes, width: side, height: side, channels, pixels, labels },
    note: `${number.format(labels.length)} pictures, chosen in a page`,
    options: { size: side, channels, fit: 'cover', ...(channels === 4 ? {} : { background: '#ffffff' }) },
  });
}

/** `start`: the whole state, where it goes on from another model. @throws UserError where that model has other networks */
export function planOf(
  { family, width, from }: NewRun,
  pictures: PictureSet,
  images: number,
): { recipe: Recipe; start?: Values } {
  if (!from) return { recipe: recipeFor(PRESET, pictures, { family, width, images }) };
  const trainer = decodeTrainer(from.trainer);
  const recipe = recipeFor(PRESET, pictures, { ...asTrained(trainer, pictures), images });
  return goingOn({ name: from.name, trainer }, recipe, pictures.classes);
}
