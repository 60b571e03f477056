// training.json in the folder of a bundle that is being trained: how far the training is and what was measured. The
// trainer writes it beside the newest snapshot; GET /v1/training/{model} passes it on, and the page shows it.
import * as z from 'zod/mini';
import { UserError } from './errors.ts';
import { historySchema, messages, nameSchema, sentenceOf, sha256Schema } from './manifest.ts';

export const TRAINING_FILE = 'training.json';

const count = z.number().check(z.minimum(0));

const trainingSchema = z.object({
  /** Of the bundle: the folder it lies in. */
  model: nameSchema,
  /** `stopped`: the same command goes on with it. */
  state: z.enum(['training', 'stopped', 'finished']),
  /** Pictures shown so far, and when it ends. */
  images: count,
  total: count,
  imagesPerSecond: count,
  secondsLeft: count,
  /** When this was written. */
  updated: z.iso.datetime(),
  /** The bundle beside it: the images it was made after, and the hash of its model.json. Absent until there is one. */
  snapshot: z.optional(z.object({ images: count, sha256: sha256Schema })),
  /** By images, ascending; empty while nothing was measured. */
  history: z.array(historySchema),
});

export type Training = z.infer<typeof trainingSchema>;

/** Throws UserError: `training.json FIELD: expected X, got Y`. */
export function parseTraining(json: unknown): Training {
  const parsed = trainingSchema.safeParse(json, messages);
  if (parsed.success) return parsed.data;
  throw new UserError(`${TRAINING_FILE} ${sentenceOf(parsed.error)}; it is written anew when training goes on`);
}
