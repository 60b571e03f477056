// Data sets by name or folder: the one entry for training, evaluation and the command line.
import { statSync } from 'node:fs';
import { UserError } from '../../contract/errors.ts';
import { fetchIdxSource, idxSources, loadIdxSource } from './idx-sets.ts';
import type { DatasetSplits, LoadOptions } from './types.ts';

export { type PictureSize, pictureSizes } from '../nn/spec.ts';
export { classCounts, pickPictures, pictureSet, sliceSet, spreadPictures } from './picture-set.ts';
export { copyLines, reportLines } from './report.ts';
export type {
  DatasetReport,
  DatasetSplits,
  LoadOptions,
  LoadProgress,
  PictureFit,
  PictureOptions,
  PictureSet,
} from './types.ts';
export { pictureFits, pictureOptionsSchema } from './types.ts';

export const datasetNames: readonly string[] = Object.keys(idxSources);

/** Loads `fashion-mnist`, `mnist`, or own pictures from a folder or zip. UserError (one sentence) for anything else or damaged. */
export async function loadDataset(source: string, options: LoadOptions = {}): Promise<DatasetSplits> {
  const known = Object.hasOwn(idxSources, source) && idxSources[source];
  if (known) return loadIdxSource(source, known, options);
  const isZip = assertFolderOrZip(source) === 'zip';
  // Loaded only here: the named data sets do not need sharp's native library.
  const { loadOwnPictures } = await import('./own-pictures.ts');
  return loadOwnPictures(source, isZip, options);
}

/** Downloads a named data set to the cache folder, which is returned. */
export async function fetchDataset(name: string, options: LoadOptions = {}): Promise<string> {
  const known = Object.hasOwn(idxSources, name) && idxSources[name];
  if (!known) throw new UserError(`dataset fetch: expected one of ${datasetNames.join(', ')}, got ${name}`);
  return fetchIdxSource(name, known, options);
}

function assertFolderOrZip(source: string): 'folder' | 'zip' {
  const found = statSync(source, { throwIfNoEntry: false });
  if (found?.isDirectory()) return 'folder';
  if (found?.isFile() && source.toLowerCase().endsWith('.zip')) return 'zip';
  const what =
    found === undefined
      ? 'which is not there'
      : found.isFile()
        ? 'which is a file; name the folder that it is in, or a zip by a name in .zip'
        : 'which is neither';
  throw new UserError(
    `data set: expected ${datasetNames.join(', ')}, a folder of pictures or a .zip of one, got ` +
      `${JSON.stringify(source)}, ${what}`,
  );
}
