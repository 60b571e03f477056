// Which files of a folder or zip are the pictures, of which class, and on which side of the split if folders say so.
import { UserError } from '../../contract/errors.ts';
import { systemReason } from './folder-tree.ts';
import { createOutputCheck, isRunOrBundle } from './own-output.ts';
import { byName, isLitter, isPicture, isZip, join, type PictureTree, type TreeEntry } from './tree.ts';

export interface LeftOut {
  path: string;
  reason: string;
}

export interface FoundPicture {
  path: string;
  /** Index into `classes`; 0 where there are none. */
  label: number;
  /** Only where folders split the set. */
  side?: 'train' | 'test';
}

export interface FoundPictures {
  classes: string[];
  pictures: FoundPicture[];
  splitFolders: string[];
  /** Folders that are named like a split and are classes, as others stand beside them. */
  splitClasses: string[];
  leftOut: LeftOut[];
  /** Folders of runs and bundles, which are ours and not the person's. */
  output: LeftOut[];
  otherFiles: number;
}

const maxClasses = 256; // a label is one byte
const maxDepth = 32;
/** The side of the split that folders of these names are. */
const sides = new Map<string, 'train' | 'test'>([
  ['train', 'train'],
  ['training', 'train'],
  ['test', 'test'],
  ['testing', 'test'],
  ['val', 'test'],
  ['valid', 'test'],
  ['validation', 'test'],
]);

/** Names that are one on some file system or in some eye: composed, without case. */
const fold = (name: string): string => name.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');

interface Part {
  /** '' where the part is the whole. */
  folder: string;
  side?: 'train' | 'test';
}

/** @throws UserError when it is a run or a bundle, there are too many classes, or classes that cannot be told apart */
export async function findPictures(tree: PictureTree): Promise<FoundPictures> {
  const finder = createFinder(tree);
  const top = await finder.top();
  const { folders, pictures: loose } = await finder.list(top);
  const splits = folders.filter((name) => sides.has(fold(name)));
  const namesBoth = new Set(splits.map((name) => sides.get(fold(name)))).size === 2;
  const isSplit = loose.length === 0 && splits.length === folders.length && namesBoth;
  const parts: Part[] = isSplit
    ? splits.map((name) => ({ folder: join(top, name), side: sides.get(fold(name)) ?? 'train' }))
    : [{ folder: top }];

  const classNames = new Map<string, string>();
  const found: { path: string; key: string | undefined; side?: 'train' | 'test' }[] = [];
  for (const { folder, side } of parts) {
    const where = folder === '' ? tree.source : `${tree.source}: ${folder}`;
    const inside = await finder.list(folder);
    const classes: [string, string[]][] = [];
    const above = await Promise.all(['', top, folder].map(finder.identityOf));
    for (const name of inside.folders) {
      const pictures = await finder.walk(join(folder, name), new Set(above));
      if (pictures.length > 0) classes.push([name, pictures]);
      else finder.leave(`${join(folder, name)}/`, 'no pictures in it');
    }
    const [looseOne] = inside.pictures;
    const [classOne] = classes;
    if (looseOne !== undefined && classOne !== undefined) {
      throw new UserError(
        `${where}: expected pictures either in the folder itself or in one sub-folder per class, got both ` +
          `(${looseOne} and ${classOne[0]}/); move the loose pictures into a sub-folder`,
      );
    }
    const here = new Map<string, string>();
    for (const [name, pictures] of classes) {
      const key = fold(name);
      const twin = here.get(key);
      if (twin !== undefined) {
        throw new UserError(
          `${where}: expected class names that differ in more than case or accents' encoding, got ${twin}/ and ${name}/; ` +
            'rename one, or put their pictures together',
        );
      }
      here.set(key, name);
      if (!classNames.has(key)) classNames.set(key, name.normalize('NFC'));
      for (const path of pictures) found.push({ path, key, ...(side && { side }) });
    }
    for (const name of inside.pictures) found.push({ path: join(folder, name), key: undefined, ...(side && { side }) });
  }
  const unsorted = found.find(({ key }) => key === undefined);
  if (classNames.size > 0 && unsorted !== undefined) {
    throw new UserError(
      `${tree.source}: expected sub-folders for classes in each of ${splits.join(', ')} or in none, got loose pictures ` +
        `(${unsorted.path}); sort them into classes or move that folder away`,
    );
  }
  if (classNames.size > maxClasses) {
    throw new UserError(
      `${tree.source}: expected at most ${maxClasses} sub-folders (classes), got ${classNames.size}; put some together`,
    );
  }
  const order = [...classNames].sort(([, a], [, b]) => byName(a, b));
  const labels = new Map(order.map(([key], label) => [key, label]));
  const pictures = found.map(({ path, key, ...rest }) => ({ path, label: labels.get(key ?? '') ?? 0, ...rest }));
  return {
    classes: order.map(([, name]) => name),
    // By class, then by name, whatever the file system's or the zip's order.
    pictures: pictures.sort((a, b) => a.label - b.label || byName(a.path, b.path)),
    splitFolders: isSplit ? splits : [],
    splitClasses: namesBoth && !isSplit ? splits : [],
    ...finder.rest(pictures.length === 0),
  };
}

function createFinder(tree: PictureTree) {
  const leftOut = new Map<string, string>();
  const listed = new Map<string, { folders: string[]; pictures: string[]; others: number }>();
  const zips: string[] = [];
  const output: string[] = [];
  const entries = new Map<string, Promise<TreeEntry[]>>();
  const entriesOf = (folder: string): Promise<TreeEntry[]> => {
    const found = entries.get(folder) ?? tree.list(folder);
    entries.set(folder, found);
    return found;
  };
  const identityOf = (folder: string): Promise<string> => tree.identity(folder).catch(() => folder);
  const isOutput = createOutputCheck({ entriesOf: (folder) => entriesOf(folder).catch(() => []), identityOf });
  /** The first reason is the cause of any other. */
  const leave = (path: string, reason: string): void => void (leftOut.has(path) || leftOut.set(path, reason));

  /** Names in a folder, in order. */
  const list = async (folder: string): Promise<{ folders: string[]; pictures: string[]; others: number }> => {
    const before = listed.get(folder);
    if (before) return before;
    const found = { folders: [] as string[], pictures: [] as string[], others: 0 };
    listed.set(folder, found);
    const inside = await entriesOf(folder).catch((error: unknown) => {
      if (folder === '')
        throw new UserError(`${tree.source}: expected a folder that can be read, got this: ${systemReason(error)}`);
      leave(`${folder}/`, systemReason(error));
      return [];
    });
    if (folder === '' && isRunOrBundle(inside))
      throw new UserError(
        `${tree.source}: expected pictures, got a run or a model of pocketgen; name the pictures that it is to learn from`,
      );
    for (const { name, kind } of [...inside].sort((a, b) => byName(a.name, b.name))) {
      if (isLitter(name)) continue;
      if (kind === 'folder') {
        if (await isOutput(join(folder, name))) output.push(`${join(folder, name)}/`);
        else found.folders.push(name);
      } else if (kind === 'dangling') leave(join(folder, name), 'a link to nothing');
      else if (isZip(name)) zips.push(join(folder, name));
      else if (!isPicture(name)) found.others++;
      else if (kind === 'file') found.pictures.push(name);
      else if (kind === 'repeated') leave(join(folder, name), 'in the zip more than once, the last one is used');
      else leave(join(folder, name), 'neither a file nor a folder');
    }
    return found;
  };

  /** Pictures in a folder and its sub-folders, except for those in `read`: each is read once, however many links lead to it. */
  const walk = async (folder: string, read: Set<string>, depth = 0): Promise<string[]> => {
    const identity = await identityOf(folder);
    if (read.has(identity)) {
      leave(`${folder}/`, 'a link to a folder that is read already');
      return [];
    }
    read.add(identity);
    if (depth > maxDepth) {
      leave(`${folder}/`, `more than ${maxDepth} folders deep`);
      return [];
    }
    const { folders, pictures } = await list(folder);
    const found = pictures.map((name) => join(folder, name));
    for (const name of folders) found.push(...(await walk(join(folder, name), read, depth + 1)));
    return found;
  };

  /**
   * Where classes begin. A folder that holds nothing but one folder of folders is looked through (an archive's top
   * folder), and so is one named like the archive.
   */
  const top = async (): Promise<string> => {
    let at = '';
    for (let depth = 0; depth < maxDepth; depth++) {
      const { folders, pictures } = await list(at);
      const [only] = folders;
      if (only === undefined || folders.length > 1 || pictures.length > 0) return at;
      const next = await list(join(at, only));
      const wraps = next.folders.length > 0 && next.pictures.length === 0;
      if (!wraps && !(at === '' && fold(only) === fold(tree.name))) return at;
      at = join(at, only);
    }
    return at;
  };

  return {
    list,
    identityOf,
    walk,
    top,
    leave,
    /** Zips are files like any others, unless there is `nothing` else that pictures could be in. */
    rest: (nothing: boolean) => {
      const reason = 'a zip inside, which is not looked into; unpack it';
      const others = [...listed.values()].reduce((sum, { others }) => sum + others, 0);
      return {
        leftOut: [
          ...(nothing ? zips.map((path) => ({ path, reason })) : []),
          ...[...leftOut].map(([path, reason]) => ({ path, reason })),
        ],
        output: output.map((path) => ({ path, reason: 'made by pocketgen, no pictures to learn from' })),
        otherFiles: others + (nothing ? 0 : zips.length),
      };
    },
  };
}
