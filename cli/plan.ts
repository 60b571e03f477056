// How long `pocketgen start` trains, by the speed of this machine. Pure, as decide.ts is.
import type { Recipe } from '../train/recipe.ts';
import type { Decision, Place, Wish } from './decide.ts';

/** Longest training of a named data set where no time is given. */
export const NAMED_MINUTES = 4;
/** Of the time given, what is left for training once snapshots, samples and checks had theirs. */
const TRAINING_SHARE = 0.9;

export interface Plan {
  /** To train on in all. */
  readonly images: number;
  /** Limit of this session. */
  readonly minutes: number | undefined;
}

/**
 * Of a training whose images nobody has named: as many as the minutes allow, on top of those there are.
 *
 * @param without images to plan where no minutes are given; undefined for a named data set, which has minutes anyway
 */
export function planAtSpeed(
  imagesPerSecond: number,
  { run }: Place['found'],
  { minutes }: Wish,
  recipe: Pick<Recipe, 'images' | 'batch'>,
  without: number | undefined,
): Plan {
  const from = run?.trained ?? 0;
  const limit = minutes ?? (without === undefined ? NAMED_MINUTES : undefined);
  const inTime = limit === undefined ? (without ?? 0) : from + imagesPerSecond * 60 * limit * TRAINING_SHARE;
  // Of a preset's images those that fit, so that its schedules come to their end; whoever has them all asks for more.
  const most = without === undefined && from < recipe.images ? recipe.images : Number.POSITIVE_INFINITY;
  const images = Math.max(1, Math.ceil(Math.min(most, inTime) / recipe.batch)) * recipe.batch;
  // What has begun keeps its schedules where they reach further.
  return { images: from > 0 ? Math.max(images, run?.planned ?? 0) : images, minutes: limit };
}

/** About how many seconds of it are still to come. */
export const secondsOf = (
  { images, minutes }: Plan,
  { from }: Pick<Extract<Decision, { kind: 'train' }>, 'from'>,
  imagesPerSecond: number,
): number => Math.min(Math.max(0, images - from) / imagesPerSecond, 60 * (minutes ?? Number.POSITIVE_INFINITY));
