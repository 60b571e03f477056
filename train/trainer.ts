// What a finished model can be trained on from: its averaged parameters and whatever they were trained against, in 16 bits a
// number, with the recipe. Moments begin anew, as after a change of phases.
import { z } from 'zod';
import { UserError } from '../contract/errors.ts';
import type { PictureSet } from './data/types.ts';
import { FAMILIES } from './families/family.ts';
import { createModel } from './families/models.ts';
import { widthToGrow } from './nn/grown.ts';
import { type Shapes, sizeOf, type Values } from './nn/tensors.ts';
import { type Recipe, type RecipeOverrides, recipeSchema, scheduled } from './recipe.ts';
import { type Checkpoint, seal, stateHash, unseal } from './store/checkpoint.ts';

const FORMAT = 'pocketgen-trainer-1';

const factsSchema = z.strictObject({
  recipe: recipeSchema,
  classes: z.array(z.string()),
  /** Real pictures shown in the training it comes from. */
  images: z.int().positive(),
});
type Facts = Readonly<z.infer<typeof factsSchema>>;

/** A training that another one goes on from. */
export interface Trainer extends Facts {
  /** Of the model's state, what is carried on. */
  readonly values: Values;
  /** Of those values: what a run that goes on from them is compared by. */
  readonly sha256: string;
}

/** With the name of the bundle that it comes from. */
export interface NamedTrainer {
  readonly name: string;
  readonly trainer: Trainer;
}

/** The file's bytes. `classes` are those of the pictures, in order. */
export function encodeTrainer(recipe: Recipe, classes: readonly string[], { progress, state }: Checkpoint): Uint8Array {
  const { carried } = createModel(recipe);
  const facts: Facts = { recipe, classes: [...classes], images: progress.images };
  return seal(FORMAT, facts, state, carried, 'F16');
}

/** @throws UserError for a file of another kind or version, one that was altered or cut */
export function decodeTrainer(bytes: Uint8Array): Trainer {
  try {
    const { facts, state } = unseal(FORMAT, bytes, (facts) => createModel(factsSchema.parse(facts).recipe).carried);
    return { ...factsSchema.parse(facts), values: state, sha256: stateHash(state) };
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'facts of another version' : (error as Error).message;
    throw new UserError(`trainer: ${reason}; export the bundle again with --trainer`);
  }
}

/**
 * What goes on as it was: augmentation, from the probability that it had reached on. Not where it grows: what reads pixels is new, and
 * with changes from the start that it had not seen before the colours of what is drawn drifted (docs/LOG.md).
 */
export function asTrained(
  { recipe, images }: Pick<Trainer, 'recipe' | 'images'>,
  { width }: Pick<PictureSet, 'width'>,
): RecipeOverrides {
  const { probability } = recipe.augment;
  const reached = scheduled(probability, images / recipe.images);
  const family = FAMILIES.find((one) => one === recipe.family);
  const same = width === recipe.network.resolution;
  return {
    ...(family && { family }),
    ...(same && { augmentProbability: { from: reached, to: probability.to } }),
  };
}

/**
 * The recipe of a training that goes on from `trainer`: its networks for these classes. What belongs to a class goes with its name; a
 * class that is new begins as the mean of those there were.
 *
 * @param recipe as preset and flags give it for the new pictures
 * @throws UserError where the new pictures need other networks
 */
export function goingOn(
  { name, trainer }: NamedTrainer,
  recipe: Recipe,
  classes: readonly string[],
): { recipe: Recipe; start: Values } {
  const { network } = trainer.recipe;
  const expect = (expected: string, got: string): void => {
    if (expected !== got)
      throw new UserError(
        `going on from ${name}: expected ${expected}, as it has, got ${got}; choose others, or leave it out`,
      );
  };
  const several = (classes: number): string => (classes > 0 ? 'two or more classes' : 'one class');
  expect(`family ${trainer.recipe.family}`, `family ${recipe.family}`);
  const larger = createModel(trainer.recipe).grown;
  const grows = recipe.network.resolution === larger?.network.resolution;
  const sides = larger ? `${network.resolution} or ${larger.network.resolution}` : `${network.resolution}`;
  if (!grows && recipe.network.resolution !== network.resolution) {
    if (recipe.network.resolution === 2 * network.resolution) refuseNarrow(name, trainer.recipe);
    expect(`pictures of side ${sides}`, `pictures of side ${recipe.network.resolution}`);
  }
  expect(`pictures of ${network.channels} channels`, `pictures of ${recipe.network.channels} channels`);
  expect(several(network.classes), several(recipe.network.classes));
  const next: Recipe = {
    ...recipe,
    network: { ...(grows ? larger.network : network), classes: recipe.network.classes },
    from: { name, images: trainer.images, sha256: trainer.sha256 },
  };
  const model = createModel(next);
  const carried = fitted(trainer, classes, model.carried);
  const fresh = model.initialState();
  const values = grows ? larger.fromCarried(carried, fresh) : carried;
  return { recipe: next, start: { ...fresh, ...model.startFrom(values) } };
}

/** Where networks would grow if they were wider, it is not the pictures that are amiss. Throws UserError. */
function refuseNarrow(name: string, recipe: Recipe): void {
  const { width: has, fullWidth, channels, resolution } = recipe.network;
  const width = widthToGrow(channels);
  const wide = { ...recipe.network, width, fullWidth: width / 2 };
  if (has !== 2 * fullWidth || !createModel({ ...recipe, network: wide }).grown) return;
  throw new UserError(
    `going on from ${name}: expected networks of --width ${width} to grow to pictures of side ${2 * resolution} ` +
      `(${width / channels} for each of their ${channels === 1 ? 'one channel' : `${channels} channels`}), got --width ${has}; ` +
      `make the run of side ${resolution} again with --width ${width}`,
  );
}

/** The values with a row for each of the new classes, where they have one for each of the old. */
function fitted({ recipe, classes: old, values }: Trainer, classes: readonly string[], shapes: Shapes): Values {
  const { network } = recipe;
  if (network.classes === 0 || old.join('\n') === classes.join('\n')) return values;
  // What has a row a class is told by a model of one class more.
  const before = createModel(recipe).carried;
  const more = createModel({ ...recipe, network: { ...network, classes: network.classes + 1 } }).carried;
  return Object.fromEntries(
    Object.entries(values).map(([key, data]) => {
      if (before[key]?.join() === more[key]?.join()) return [key, data];
      if (before[key]?.[0] !== network.classes)
        throw new Error(`${key}: expected a row for each of ${network.classes} classes, got [${before[key]}]`);
      return [key, rowsFor(data, old, classes, sizeOf(shapes[key] ?? []) / classes.length)];
    }),
  );
}

function rowsFor(data: Float32Array, old: readonly string[], classes: readonly string[], width: number): Float32Array {
  const rows = old.map((_, i) => data.subarray(i * width, (i + 1) * width));
  const mean = Float32Array.from(
    { length: width },
    (_, j) => rows.reduce((sum, row) => sum + (row[j] ?? 0), 0) / rows.length,
  );
  const made = new Float32Array(classes.length * width);
  for (const [i, label] of classes.entries()) made.set(rows[old.indexOf(label)] ?? mean, i * width);
  return made;
}
