// The judge that a run takes along: trained once on its pictures and kept among its files, so that every point of its curve is by
// the same one, on whatever device it goes on.
import type { PictureSet } from '../data/types.ts';
import type { Compute } from '../engines/runtime.ts';
import { RUN, type RunFiles } from '../store/files.ts';
import { type Judge, loadJudge } from './classifier.ts';
import type { ClassifierOptions } from './classifier-training.ts';
import { classifierDefaults, classifierSpec, trainOwnJudge } from './own-judge.ts';

/**
 * Fewer than a judge of the command's own is shown, as a page's device has minutes in all (docs/LOG.md). Nearly half a minute on a
 * thread of a fast machine at 32 px.
 */
export const JUDGE_IMAGES = 6_400;

/** @param learning what `onProgress` throws ends it, and nothing is kept */
export async function judgeOfRun(
  files: RunFiles,
  train: PictureSet,
  compute: Compute,
  learning: Pick<ClassifierOptions, 'onProgress'> = {},
): Promise<Judge> {
  let model: Uint8Array | undefined = await files.read(RUN.judge);
  if (!model) {
    model = await trainOwnJudge(train, compute, { ...classifierDefaults(train), images: JUDGE_IMAGES, ...learning });
    await files.write(RUN.judge, model);
  }
  return loadJudge(model, classifierSpec(train, true), compute);
}
