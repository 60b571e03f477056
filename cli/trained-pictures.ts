// The pictures that a model was trained on, and those that were held out then, wherever they are: one rule for every command that
// looks at them again.
import { UserError } from '../contract/errors.ts';
import { splitsFor } from '../train/data/held-out.ts';
import type { LoadOptions, PictureOptions, PictureSet } from '../train/data/index.ts';
import { folderFiles } from '../train/store/folder.ts';
import { takenAlong } from '../train/store/packed-run.ts';
import { loadProgress } from './progress.ts';

/** What a model says of them. */
export interface TrainedOn extends Required<Pick<LoadOptions, 'size' | 'channels'>> {
  readonly dataset: { source: string; sha256: string; options?: PictureOptions | undefined };
}

export interface TrainedPictures {
  readonly train: PictureSet;
  readonly test: PictureSet;
  /** Whether they lie with the model. */
  readonly tookAlong: boolean;
}

/**
 * Those that the model at `path` took along, unless `data` names others, else those where it says they are.
 *
 * @throws UserError when they are not there, or are others
 */
export async function trainedPictures(
  path: string,
  { dataset, size, channels }: TrainedOn,
  { data, strict }: { data?: string | undefined; strict?: boolean | undefined } = {},
): Promise<TrainedPictures> {
  const along = data === undefined ? await takenAlong(folderFiles(path)) : undefined;
  if (along !== undefined) {
    if (along.train.sha256 === dataset.sha256) return { ...along, tookAlong: true };
    throw new UserError(
      `${path}: expected the pictures that it was trained on (SHA-256 ${dataset.sha256.slice(0, 12)}…) to lie with it, got others ` +
        `(${along.train.sha256.slice(0, 12)}…); unpack its zip again`,
    );
  }
  const bar = loadProgress();
  const options = { size, channels, ...dataset.options, ...(strict && { strict }), onProgress: bar.update };
  const { train, test } = await splitsFor(dataset.sha256, data ?? dataset.source, options).finally(bar.stop);
  return { train, test, tookAlong: false };
}
