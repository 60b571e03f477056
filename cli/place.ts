// Which name a model gets, and what was found there under it: a bundle or a run is used again only if it was made from these pictures
// with these options.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { parseTraining, TRAINING_FILE, type Training } from '../contract/training.ts';
import { bundleName, checkBundleFolder } from '../export/folder.ts';
import type { PictureSet } from '../train/data/index.ts';
import type { Recipe } from '../train/recipe.ts';
import { RUN, type RunFiles } from '../train/store/files.ts';
import { folderFiles } from '../train/store/folder.ts';
import { readConfig } from '../train/store/run.ts';
import type { Found, Place } from './decide.ts';
import { type RecordedTraining, recordedTraining, trainingDifference } from './same-training.ts';

const MOST = 100;

/** A recipe for so many images, or as many as its preset has: how long a model is trained can change, and its schedules with it. */
export type RecipeOf = (images?: number) => Recipe;

/**
 * What is under a name, or in a sentence whose it is instead.
 *
 * @throws UserError when it is this model's and something of a stranger lies in its folder
 */
async function placeAt(name: string, recipeOf: RecipeOf, pictures: PictureSet): Promise<Place | string> {
  const [bundle, run] = [join('models', name), join('runs', name)];
  const training = trainingOf(bundle);
  const asked = { sha256: pictures.sha256, recipe: recipeOf() };
  let found: Found = training ? { training } : {};
  if (existsSync(join(run, 'config.json'))) {
    const files = folderFiles(run);
    const { recipe, dataset } = await readConfig(files);
    const difference = trainingDifference({ sha256: dataset.sha256, recipe }, asked);
    if (difference !== undefined) return `${run} has another training (${difference})`;
    const { images: planned, batch } = recipe;
    found = { ...found, run: { planned, batch, trained: await trainedOn(files) } };
  }
  let recorded: RecordedTraining | undefined;
  try {
    recorded = recordedTraining(bundle);
    const difference = recorded && trainingDifference(recorded, asked);
    if (difference !== undefined) return `${bundle} is another model (${difference})`;
    checkBundleFolder(bundle);
  } catch (error) {
    // A stranger's folder is another's; a stranger's file beside this very model is for its owner to move.
    if (!(error instanceof UserError) || found.run || recorded) throw error;
    return error.message;
  }
  if (recorded) {
    const { imagesSeen: images, interim, trainer } = recorded;
    found = { ...found, bundle: { images, interim, trainer } };
  }
  return { name, bundle, run, found };
}

/** Images at a run's newest checkpoint, by its name; 0 where there is none. */
async function trainedOn(run: RunFiles): Promise<number> {
  const names = (await run.list(RUN.checkpoints)).filter((name) => name.endsWith('.safetensors'));
  return Math.max(0, ...names.map((name) => Number.parseInt(name, 10)));
}

function trainingOf(bundle: string): Training | undefined {
  try {
    return parseTraining(JSON.parse(readFileSync(join(bundle, TRAINING_FILE), 'utf8')));
  } catch {
    return undefined; // none, or half of one: the training tells
  }
}

/**
 * The place of a model: under `given`, or under the first of NAME, NAME-2, … that is free or has this very model.
 *
 * @throws UserError when the given name is another model's, or something of a stranger lies in the folder of this one
 */
export async function findPlace(
  { given, proposed }: { given: string | undefined; proposed: string },
  recipeOf: RecipeOf,
  pictures: PictureSet,
  say: (line: string) => void,
): Promise<Place> {
  const names =
    given === undefined
      ? Array.from({ length: MOST }, (_, i) => (i === 0 ? proposed : `${proposed}-${i + 1}`))
      : [bundleName(given)];
  for (const name of names) {
    const place = await placeAt(name, recipeOf, pictures);
    if (typeof place !== 'string') return place;
    if (given !== undefined)
      throw new UserError(`name: expected one of its own, got ${given}: ${place}; choose another --name`);
    say(`${place}; this model is not called ${name}`);
  }
  throw new UserError(
    `name: expected a free one, got ${MOST} others that begin with ${proposed}; choose one with --name`,
  );
}
