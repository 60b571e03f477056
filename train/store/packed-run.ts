// A run as one zip, its pictures included: how a training goes from a page to a command and back.
import { unzipSync, zipSync } from 'fflate';
import { UserError } from '../../contract/errors.ts';
import { HELD_OUT, PICTURES, unpackPictures } from '../data/packed.ts';
import { pickPictures } from '../data/picture-set.ts';
import type { PictureSet } from '../data/types.ts';
import { isWhole, RUN, type RunFiles } from './files.ts';

/** What is taken along: nothing that a run can do without, and of nothing more than a run has. */
const FILES = [RUN.config, RUN.stats, RUN.best, RUN.judge, PICTURES, HELD_OUT] as const;
const FOLDERS = [RUN.checkpoints, RUN.samples] as const;

export async function packRun(run: RunFiles): Promise<Uint8Array<ArrayBuffer>> {
  const files: Record<string, Uint8Array> = {};
  const take = async (path: string): Promise<void> => {
    const bytes = await run.read(path);
    if (bytes) files[path] = bytes;
  };
  for (const path of FILES) await take(path);
  for (const folder of FOLDERS)
    for (const name of await run.list(folder)) if (isWhole(name)) await take(`${folder}/${name}`);
  // Numbers hardly get smaller.
  return new Uint8Array(zipSync(files, { level: 0 }));
}

/** The run's files in a zip by their paths. @throws UserError for anything else */
export function unpackRun(zip: Uint8Array): Map<string, Uint8Array<ArrayBuffer>> {
  const other = (got: string): UserError =>
    new UserError(`run: expected a zip of a run with its pictures, got ${got}; export it from the page again`);
  let content: Record<string, Uint8Array>;
  try {
    content = unzipSync(zip);
  } catch {
    throw other('something else');
  }
  const wanted = (path: string): boolean =>
    FILES.some((file) => file === path) || FOLDERS.some((folder) => new RegExp(`^${folder}/[\\w.-]+$`).test(path));
  // Zipped by hand, everything may lie in one folder; deeper than the run's own lies that of its encoder.
  const depth = (path: string): number => path.split('/').length;
  const [config] = Object.keys(content)
    .filter((path) => path === RUN.config || path.endsWith(`/${RUN.config}`))
    .sort((a, b) => depth(a) - depth(b));
  const top = config?.slice(0, -RUN.config.length) ?? '';
  const files = new Map(
    Object.entries(content).flatMap(([path, bytes]) => {
      const inside = path.startsWith(top) ? path.slice(top.length) : '';
      return wanted(inside) ? [[inside, new Uint8Array(bytes)] as const] : [];
    }),
  );
  for (const path of [RUN.config, PICTURES]) if (!files.has(path)) throw other(`one without ${path}`);
  return files;
}

/** The pictures that a run took along; undefined where it has read them from elsewhere. Throws UserError for files that were cut or altered. */
export async function takenAlong(files: RunFiles): Promise<{ train: PictureSet; test: PictureSet } | undefined> {
  const [pictures, heldOut] = [await files.read(PICTURES), await files.read(HELD_OUT)];
  if (pictures === undefined) return undefined;
  const train = unpackPictures(pictures);
  return { train, test: heldOut === undefined ? pickPictures(train, []) : unpackPictures(heldOut) };
}
