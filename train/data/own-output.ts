// Which folders among the pictures are none of the person's: `--data .` finds the runs/ and models/ that the command before it has
// made, and their previews and sample sheets are no pictures to learn from.
import { TRAINING_FILE } from '../../contract/training.ts';
import { isLitter, isPicture, isZip, join, type TreeEntry } from './tree.ts';

/** Made by `start` before there is anything to put in: pictures are to be found in the same way then and later. */
const PLACES = new Set(['runs', 'models']);
/** As train/store/ calls them: that room comes after this one, so a test sees to it that they are the same. */
const CONFIG = 'config.json';
const LOCK = 'lock.sqlite';
const OF_RUNS = new Set(['checkpoints', 'samples', 'encoder']);

/** A run or a bundle, by what nobody else's folder has side by side. */
export function isRunOrBundle(entries: readonly TreeEntry[]): boolean {
  const names = (wanted: TreeEntry['kind']): string[] =>
    entries.flatMap(({ name, kind }) => (kind === wanted ? name : []));
  const [files, folders] = [new Set(names('file')), names('folder').filter((name) => !isLitter(name))];
  // A run that was zipped by hand, or trained by a Node without SQLite, has no lock.
  if (files.has(CONFIG) && (files.has(LOCK) || (folders.length > 0 && folders.every((name) => OF_RUNS.has(name)))))
    return true;
  if (folders.length > 0) return false;
  if (files.has('model.json') && [...files].some((name) => name.endsWith('.onnx'))) return true;
  // Only begun.
  return (files.has(LOCK) || files.has(TRAINING_FILE)) && ![...files].some(isPicture);
}

interface Tree {
  /** Entries of a folder; none where it cannot be read. */
  entriesOf(folder: string): Promise<readonly TreeEntry[]>;
  identityOf(folder: string): Promise<string>;
}

/** Whether a folder is a run or a bundle, or holds such and no pictures of anybody else. Each is looked into once, so circles of links end. */
export function createOutputCheck({ entriesOf, identityOf }: Tree): (folder: string) => Promise<boolean> {
  const known = new Map<string, 'output' | 'nothing' | 'other'>();

  const look = async (folder: string): Promise<'output' | 'nothing' | 'other'> => {
    const entries = (await entriesOf(folder)).filter(({ name }) => !isLitter(name));
    if (isRunOrBundle(entries)) return 'output';
    if (entries.some(({ name, kind }) => kind !== 'folder' && isPicture(name))) return 'other';
    let holds = PLACES.has(folder.slice(folder.lastIndexOf('/') + 1)) && !entries.some(({ name }) => isZip(name));
    for (const { name, kind } of entries) {
      if (kind !== 'folder') continue;
      const inside = await kindOf(join(folder, name));
      if (inside === 'other') return 'other';
      holds ||= inside === 'output';
    }
    return holds ? 'output' : 'nothing';
  };

  const kindOf = async (folder: string): Promise<'output' | 'nothing' | 'other'> => {
    const identity = await identityOf(folder);
    const before = known.get(identity);
    if (before !== undefined) return before;
    known.set(identity, 'other'); // what a circle of links comes back to
    const kind = await look(folder);
    known.set(identity, kind);
    return kind;
  };

  return async (folder) => (await kindOf(folder)) === 'output';
}
