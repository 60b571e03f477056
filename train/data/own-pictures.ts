// Own pictures: a folder or a zip → training and held-out sets, and what became of every file.
import { realpathSync } from 'node:fs';
import { UserError } from '../../contract/errors.ts';
import { type Canonical, countWithAlpha, isGrey, layOut, parseColour, readPictures } from './canonical.ts';
import { type FoundPictures, findPictures } from './find-pictures.ts';
import { folderTree } from './folder-tree.ts';
import { idxSources } from './idx-sets.ts';
import { checkMemory } from './memory.ts';
import { findNearCopies, type NearCopies } from './near-copies.ts';
import { pictureSet } from './picture-set.ts';
import { listSome, noteOf } from './report.ts';
import { pixelDigests, type Split, splitPictures } from './split.ts';
import type { PictureTree } from './tree.ts';
import type { DatasetReport, DatasetSplits, LoadOptions, PictureOptions, PictureSet } from './types.ts';
import { zipTree } from './zip-tree.ts';

/** @throws UserError, one sentence, when there is nothing to train on, half of it cannot be read, or there is no memory for it */
export async function loadOwnPictures(source: string, isZip: boolean, options: LoadOptions): Promise<DatasetSplits> {
  const background = await parseColour(options.background ?? 'white');
  const tree = isZip ? await zipTree(source) : folderTree(source);
  try {
    return await load(tree, options, background);
  } finally {
    await tree.close();
  }
}

async function load(
  tree: PictureTree,
  options: LoadOptions,
  background: readonly [number, number, number],
): Promise<DatasetSplits> {
  const { size = 32, fit = 'cover' } = options;
  const found = await findPictures(tree);
  if (found.pictures.length === 0) {
    throw new UserError(
      `${tree.source}: expected pictures (PNG, JPEG, WebP, GIF, AVIF, TIFF, SVG, BMP), got none${alsoFound(found)}`,
    );
  }
  const memory = checkMemory(tree.source, found.pictures.length, size);
  if (memory !== undefined) options.onRemark?.(memory);
  const paths = found.pictures.map(({ path }) => path);
  const where = realpathSync(tree.source);
  const pictures = await readPictures(tree, paths, { size, fit, where }, options);
  refuseFailures(tree, pictures, found, options.strict === true);

  const kept = pictures.indices.flatMap((index) => found.pictures[index] ?? []);
  const { classes, labels, empty } = withoutEmptyClasses(
    found.classes,
    kept.map(({ label }) => label),
  );
  const sides = kept.map(({ side }) => side);
  const channels = options.channels ?? (isGrey(pictures, background) ? 1 : 3);
  const part = (picked: readonly number[], about: Pick<PictureSet, 'note' | 'options'>): PictureSet =>
    pictureSet({
      name: nameOf(tree),
      classes,
      width: size,
      height: size,
      channels,
      pixels: layOut(pictures, picked, channels, background),
      labels: Uint8Array.from(picked, (i) => labels[i] ?? 0),
      ...about,
    });
  const { trainedOn } = options;
  const isAsTrained = ({ train }: Split): boolean => part(train, { note: '' }).sha256 === trainedOn;
  let splits = split(pictures, labels, sides, pictures.digests);
  if (trainedOn !== undefined && !isAsTrained(splits)) {
    const byPixels = split(pictures, labels, sides, pixelDigests(pictures));
    if (isAsTrained(byPixels)) splits = byPixels;
  }
  const { train, test, copies, leaked } = splits;
  const trained = new Set(train.map((i) => labels[i]));
  const untrained = classes.filter((_, label) => !trained.has(label));
  if (untrained.length > 0)
    throw new UserError(
      `${tree.source}: expected pictures of every class to train on, got only held-out ones of ${untrained.slice(0, 5).join(', ')}` +
        `${untrained.length > 5 ? ` and ${untrained.length - 5} more` : ''}; move some to the training folder, or those away`,
    );
  const report: DatasetReport = {
    used: train.length + test.length,
    leftOut: [...found.leftOut, ...found.output, ...empty, ...pictures.failed],
    otherFiles: found.otherFiles,
    withAlpha: countWithAlpha(pictures, fit),
    exactCopies: copies.exact,
    copies: groups(copies.group).map((group) => group.map((i) => kept[i]?.path ?? '')),
    splitFolders: found.splitFolders,
    remarks: [],
  };
  if (found.splitClasses.length > 0)
    report.remarks.push(
      `${found.splitClasses.map((name) => `${name}/`).join(', ')} are named like a split but are classes here, as other folders stand ` +
        'beside them: move those away to have the split used',
    );
  if (leaked > 0)
    report.remarks.push(
      `${leaked} of the held-out pictures ${leaked === 1 ? 'is a copy' : 'are copies'} of training pictures and left out`,
    );
  if (channels !== 4 && options.background === undefined && 2 * report.withAlpha > pictures.count)
    report.remarks.push(
      `${report.withAlpha} of ${pictures.count} pictures are transparent in places and were laid on white: ` +
        '--transparent keeps that, --background lays them on another colour',
    );
  if (pictures.cacheFailure !== undefined)
    report.remarks.push(
      `decoded pictures could not be kept in the cache folder (${pictures.cacheFailure}), so the next command decodes them again`,
    );
  const pictureOptions: PictureOptions = {
    size,
    channels,
    fit,
    ...(channels === 4 ? {} : { background: hexOf(background) }),
  };
  const note = noteOf(tree.source, { classes, options: pictureOptions, report, heldOut: test.length });
  const about = { note, options: pictureOptions };
  return { train: part(train, about), test: part(test, about), report };
}

const alsoFound = ({ otherFiles, leftOut, output }: FoundPictures): string => {
  const parts = [
    ...(otherFiles > 0 ? [`${otherFiles} other ${otherFiles === 1 ? 'file' : 'files'}`] : []),
    ...[...leftOut, ...output].slice(0, 3).map(({ path, reason }) => `${path} (${reason})`),
  ];
  return parts.length > 0 ? `, only ${parts.join(', ')}` : '';
};

const hexOf = (colour: readonly number[]): string =>
  `#${colour.map((level) => level.toString(16).padStart(2, '0')).join('')}`;

/** The folder's own name: where it is on this machine is nobody else's business, and a known data set it is not. */
const nameOf = ({ name }: PictureTree): string => (Object.hasOwn(idxSources, name) ? `own ${name}` : name);

function refuseFailures(tree: PictureTree, { count, failed }: Canonical, found: FoundPictures, strict: boolean): void {
  const total = count + failed.length;
  const refused = strict ? [...found.leftOut, ...failed] : failed;
  if (refused.length === 0 || (!strict && 2 * failed.length <= total)) return;
  const expected = strict ? 'nothing left out (--strict)' : `at least half of ${total} pictures to be readable`;
  throw new UserError(
    `${tree.source}: expected ${expected}, got ${refused.length} that cannot be read: ${listSome(refused, 5)}; ` +
      'repair or remove them',
  );
}

/** Classes of which not one picture could be read are none. */
function withoutEmptyClasses(
  all: readonly string[],
  labels: readonly number[],
): { classes: string[]; labels: Uint8Array; empty: DatasetReport['leftOut'] } {
  const seen = new Set(labels);
  const classes = all.filter((_, label) => seen.has(label));
  const renumbered = new Map([...seen].sort((a, b) => a - b).map((label, i) => [label, i]));
  const empty = all
    .filter((_, label) => !seen.has(label))
    .map((name) => ({ path: `${name}/`, reason: 'none of its pictures can be read' }));
  return { classes, labels: Uint8Array.from(labels, (label) => renumbered.get(label) ?? 0), empty };
}

/** Folders decide where there are any; but no held-out picture is a copy of a training picture. */
function split(
  pictures: Canonical,
  labels: Uint8Array,
  sides: readonly ('train' | 'test' | undefined)[],
  digests: readonly string[],
): Split & { leaked: number } {
  if (!sides.some((side) => side !== undefined)) return { ...splitPictures(pictures, labels, digests), leaked: 0 };
  const copies: NearCopies = findNearCopies(pictures);
  const train = [...sides.keys()].filter((i) => sides[i] === 'train');
  const trained = new Set(train.map((i) => copies.group[i]));
  const heldOut = [...sides.keys()].filter((i) => sides[i] === 'test');
  const test = heldOut.filter((i) => !trained.has(copies.group[i]));
  return { train, test, copies, leaked: heldOut.length - test.length };
}

/** Groups of two or more, by their first picture. */
function groups(group: Uint32Array): number[][] {
  const members = new Map<number, number[]>();
  for (const [i, first] of group.entries()) {
    const list = members.get(first);
    if (list) list.push(i);
    else members.set(first, [i]);
  }
  return [...members.values()].filter((list) => list.length > 1);
}
