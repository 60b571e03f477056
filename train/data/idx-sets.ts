// The data sets that come as IDX files: Fashion-MNIST and MNIST, from the cache folder, Debian's folder, the official
// mirrors, or (Fashion-MNIST only) the 10,000 official pictures that are part of this repository.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../contract/errors.ts';
import { download, reachableMirrors } from './download.ts';
import { decodeIdx, type IdxKind, readIdx } from './idx.ts';
import { pictureSet, sliceSet } from './picture-set.ts';
import type { DatasetSplits, LoadOptions, PictureSet } from './types.ts';

interface IdxFile {
  name: string;
  kind: IdxKind;
  /** Of the unpacked file: Debian and the mirrors compress the same bytes differently. */
  sha256: string;
}
type Part = 'trainPictures' | 'trainLabels' | 'testPictures' | 'testLabels';

interface IdxSource {
  classes: string[];
  files: Record<Part, IdxFile>;
  mirrors: string[];
  debian?: string;
  embedded?: string;
}

// SHA-256 of MNIST: as published with the CVDF mirror's copies; of Fashion-MNIST: computed from Debian's package, whose
// unpacked bytes are upstream's.
export const idxSources: Record<string, IdxSource> = {
  'fashion-mnist': {
    classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
    files: idxFiles([
      'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    ]),
    mirrors: [
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
    ],
    debian: '/usr/share/datasets/fashion-mnist',
    embedded: fileURLToPath(new URL('./fashion-mnist/', import.meta.url)),
  },
  mnist: {
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    files: idxFiles([
      'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    ]),
    mirrors: ['https://storage.googleapis.com/cvdf-datasets/mnist/', 'https://ossci-datasets.s3.amazonaws.com/mnist/'],
  },
};

function idxFiles([trainPictures, trainLabels, testPictures, testLabels]: [
  string,
  string,
  string,
  string,
]): IdxSource['files'] {
  return {
    trainPictures: { name: 'train-images-idx3-ubyte.gz', kind: 'pictures', sha256: trainPictures },
    trainLabels: { name: 'train-labels-idx1-ubyte.gz', kind: 'labels', sha256: trainLabels },
    testPictures: { name: 't10k-images-idx3-ubyte.gz', kind: 'pictures', sha256: testPictures },
    testLabels: { name: 't10k-labels-idx1-ubyte.gz', kind: 'labels', sha256: testLabels },
  };
}

/** Of the embedded 10,000 pictures, the last this many are never trained on. */
const embeddedTestCount = 2000;

export function defaultCacheDir(): string {
  return process.env.POCKETGEN_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pocketgen');
}

const cacheFolder = (name: string, options: LoadOptions): string =>
  join(options.cacheDir ?? defaultCacheDir(), 'datasets', name);

export async function loadIdxSource(name: string, source: IdxSource, options: LoadOptions): Promise<DatasetSplits> {
  const folder = completeFolder(name, source, options);
  if (folder) return readFolder(name, source, folder);

  let why = 'the full set is not on this machine and downloads are switched off';
  if (options.download !== false) {
    try {
      return await readFolder(name, source, await fetchIdxSource(name, source, options));
    } catch (error) {
      if (!(error instanceof UserError) || !source.embedded) throw error;
      why = `the full set could not be had: ${error.message}`;
    }
  }
  if (!source.embedded) {
    const cache = cacheFolder(name, options);
    throw new UserError(`${name}: expected its files in ${cache}, got none; run: pocketgen dataset fetch ${name}`);
  }
  return readEmbedded(name, source, source.embedded, why);
}

/** The first folder that holds all files (unchecked). */
function completeFolder(name: string, source: IdxSource, options: LoadOptions): string | undefined {
  const folders = [cacheFolder(name, options), ...(source.debian ? [source.debian] : [])];
  return folders.find((folder) => Object.values(source.files).every((file) => existsSync(join(folder, file.name))));
}

/** Downloads the files the cache folder still lacks; returns the folder that holds them all, checked. */
export async function fetchIdxSource(name: string, source: IdxSource, options: LoadOptions): Promise<string> {
  const cache = completeFolder(name, source, options) ?? cacheFolder(name, options);
  const missing: IdxFile[] = [];
  for (const file of Object.values(source.files)) {
    const path = join(cache, file.name);
    if (existsSync(path)) await readIdx(path, file.kind, file.sha256);
    else missing.push(file);
  }
  const [first] = missing;
  if (!first) return cache;
  const mirrors = await reachableMirrors(options.mirrors ?? source.mirrors, first.name);
  for (const { name: file, kind, sha256 } of missing) {
    const check = (bytes: Uint8Array): void => void decodeIdx(file, bytes, kind, sha256);
    await download({ mirrors, file, path: join(cache, file), check, onProgress: options.onProgress });
  }
  return cache;
}

async function readFolder(name: string, source: IdxSource, folder: string): Promise<DatasetSplits> {
  const { trainPictures, trainLabels, testPictures, testLabels } = source.files;
  const note = (what: string): string => `${name}: the official ${what} pictures, from ${folder}`;
  const [train, test] = await Promise.all([
    readPair(name, source, folder, trainPictures, trainLabels, note('60,000 training')),
    readPair(name, source, folder, testPictures, testLabels, note('10,000 test')),
  ]);
  return { train, test };
}

/** The embedded pictures of a named data set, if it has any. */
export async function loadEmbedded(name: string, why: string): Promise<DatasetSplits | undefined> {
  const source = idxSources[name];
  return source?.embedded ? readEmbedded(name, source, source.embedded, why) : undefined;
}

async function readEmbedded(name: string, source: IdxSource, folder: string, why: string): Promise<DatasetSplits> {
  const all = await readPair(name, source, folder, source.files.testPictures, source.files.testLabels, '');
  const split = all.count - embeddedTestCount;
  const note =
    `${name}: the embedded 10,000 official pictures (first ${split} for training, last ${embeddedTestCount} held out), ` +
    `because ${why}`;
  return { train: sliceSet(all, 0, split, note), test: sliceSet(all, split, all.count, note) };
}

async function readPair(
  name: string,
  source: IdxSource,
  folder: string,
  pictures: IdxFile,
  labelFile: IdxFile,
  note: string,
): Promise<PictureSet> {
  const [{ shape, data: pixels }, { data: labels }] = await Promise.all([
    readIdx(join(folder, pictures.name), pictures.kind, pictures.sha256),
    readIdx(join(folder, labelFile.name), labelFile.kind, labelFile.sha256),
  ]);
  const [, height = 0, width = 0] = shape;
  return pictureSet({ name, classes: [...source.classes], width, height, channels: 1, pixels, labels, note });
}
