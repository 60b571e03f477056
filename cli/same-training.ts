// Of which training a bundle is: one rule for every command that would put another bundle in its place.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../contract/errors.ts';
import { recipeSchema } from '../train/recipe.ts';
import { firstDifference } from '../train/store/run.ts';

/** What makes a training the one it is: its pictures' hash and its recipe. */
export interface TrainingIdentity {
  readonly sha256: string;
  readonly recipe: Readonly<Record<string, unknown>>;
}

export interface RecordedTraining extends TrainingIdentity {
  readonly imagesSeen: number;
  /** Whether it is a snapshot on the way. */
  readonly interim: boolean;
  /** Whether it has what another training can go on from. */
  readonly trainer: boolean;
  /** The bundle's files besides model.json. */
  readonly files: readonly string[];
}

/** The engine that a snapshot of a training names, of which there is more to come. */
export const STILL_TRAINING = 'still training';

const madeFrom = z.looseObject({
  files: z.array(z.looseObject({ path: z.string(), role: z.string().optional() })),
  training: z.looseObject({
    config: z.record(z.string(), z.unknown()),
    dataset: z.looseObject({ sha256: z.string() }),
    imagesSeen: z.number(),
    engine: z.string().optional(),
  }),
});

/** What a bundle's model.json says of its training, whatever its format version; undefined where there is no bundle. Throws UserError where it says nothing. */
export function recordedTraining(bundle: string): RecordedTraining | undefined {
  const path = join(bundle, 'model.json');
  if (!existsSync(path)) return undefined;
  const parsed = madeFrom.safeParse(jsonIn(readFileSync(path, 'utf8')));
  if (!parsed.success) throw new UserError(`${bundle} is no bundle of this pocketgen`);
  const { files, training } = parsed.data;
  return {
    sha256: training.dataset.sha256,
    recipe: training.config,
    imagesSeen: training.imagesSeen,
    interim: training.engine === STILL_TRAINING,
    trainer: files.some(({ role }) => role === 'trainer'),
    files: files.map(({ path }) => path),
  };
}

/** What a text says, undefined where it is no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * In what one training differs from another, or undefined. How long a model is trained can change, an encoder be trained later and a
 * Transformer's guidance be chosen at every export; how pictures were read shows in their hash.
 */
export function trainingDifference(was: TrainingIdentity, is: TrainingIdentity): string | undefined {
  const compared = ({ sha256, recipe: { pictures: _, encoder: __, ...own } }: TrainingIdentity) => {
    // An earlier pocketgen left out what had one value only.
    const { images: ___, transformer, ...recipe } = recipeSchema.catch(own as never).parse(own);
    return { pictures: sha256, recipe: { ...recipe, transformer: transformer && { ...transformer, guidance: 1 } } };
  };
  return firstDifference(compared(was), compared(is));
}
