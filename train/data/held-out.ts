// Which pictures may judge a model: never those it was trained on, whatever this machine happens to have.
import { UserError } from '../../contract/errors.ts';
import { idxSources, loadEmbedded } from './idx-sets.ts';
import { loadDataset } from './index.ts';
import type { DatasetSplits, LoadOptions } from './types.ts';

/** SHA-256 of the official 60,000 training pictures and labels. */
const officialTraining: Record<string, string> = {
  'fashion-mnist': '16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157',
};

/**
 * The data set `source`, split as it was for a model trained on pictures with hash `trainedOn`. A machine with the full set
 * judges a model trained on the embedded pictures by the embedded held-out ones, and the other way round.
 * @throws UserError when no split is known to hold out pictures the model has not seen
 */
export async function splitsFor(trainedOn: string, source: string, options: LoadOptions = {}): Promise<DatasetSplits> {
  const splits = await loadDataset(source, { ...options, trainedOn });
  if (splits.train.sha256 === trainedOn) return splits;
  if (Object.hasOwn(idxSources, source)) {
    const embedded = await loadEmbedded(source, 'the model was trained on it');
    if (embedded?.train.sha256 === trainedOn) return embedded;
    // Only embedded pictures here, all of them official test pictures that a model of the full set never saw.
    if (embedded?.train.sha256 === splits.train.sha256 && officialTraining[source] === trainedOn) return splits;
  }
  throw new UserError(
    `evaluation: expected the pictures the model was trained on (SHA-256 ${trainedOn.slice(0, 12)}…) in ${source}, got others ` +
      `(${splits.train.sha256.slice(0, 12)}…), so none can be said to be held out; name the right ones with --data`,
  );
}
