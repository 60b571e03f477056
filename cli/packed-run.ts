// `pocketgen train --resume FILE`: a run in a zip, from a page or another machine, goes on in a folder beside it, and goes back into
// the zip when it stops.
import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../contract/errors.ts';
import { HELD_OUT, PICTURES, unpackPictures } from '../train/data/packed.ts';
import type { PictureSet } from '../train/data/types.ts';
import { writeAtomically } from '../train/store/atomic.ts';
import { RUN, type RunFiles } from '../train/store/files.ts';
import { folderFiles } from '../train/store/folder.ts';
import { packRun, unpackRun } from '../train/store/packed-run.ts';
import { firstDifference, readConfig } from '../train/store/run.ts';

export interface ResumedRun {
  readonly dir: string;
  readonly files: RunFiles;
  readonly pictures: PictureSet;
  /** What quality is measured by, where the run has some. */
  readonly heldOut: PictureSet | undefined;
  readonly recipe: Awaited<ReturnType<typeof readConfig>>['recipe'];
  /** Writes the zip anew. */
  pack(): Promise<void>;
}

const newestOf = (paths: Iterable<string>): number =>
  Math.max(
    0,
    ...[...paths].flatMap((path) => {
      const [, images] = /(\d+)\.safetensors$/.exec(path) ?? [];
      return images === undefined ? [] : [Number(images)];
    }),
  );

/** Puts the zip's files into the folder, unless what lies there is the same run and has seen as much. All is checked before. */
async function unpackInto(dir: string, zip: string): Promise<RunFiles> {
  const files = folderFiles(dir);
  const packed = unpackRun(new Uint8Array(readFileSync(zip)));
  const theirs = await readConfig({ ...files, name: zip, read: async (path) => packed.get(path) });
  for (const path of [PICTURES, HELD_OUT]) {
    const bytes = packed.get(path);
    if (bytes !== undefined || path === PICTURES) unpackPictures(bytes ?? new Uint8Array());
  }
  const unlock = await files.lock();
  try {
    if (await files.read(RUN.config)) {
      const same = ({ recipe, dataset }: typeof theirs) => ({ recipe: { ...recipe, images: 0 }, dataset });
      const difference = firstDifference(same(await readConfig(files)), same(theirs));
      if (difference)
        throw new UserError(
          `--resume ${zip}: expected ${dir} to have the same run or none, got another (${difference}); choose another --out`,
        );
      if (newestOf(await files.list(RUN.checkpoints)) >= newestOf(packed.keys())) return files;
    }
    // What makes it a run comes last.
    const config = packed.get(RUN.config) ?? new Uint8Array();
    for (const [path, bytes] of packed) if (path !== RUN.config) await files.write(path, bytes);
    await files.write(RUN.config, config);
    return files;
  } finally {
    await unlock();
  }
}

export async function resumeRun(zip: string, out: string | undefined): Promise<ResumedRun> {
  if (!existsSync(zip)) throw new UserError(`--resume: expected a zip of a run, got ${zip}, which is not there`);
  const dir = out ?? zip.replace(/\.zip$/i, '');
  if (dir === zip) throw new UserError(`--resume: expected a file named .zip, got ${zip}; or name a folder with --out`);
  const files = await unpackInto(dir, zip);
  const pictures = unpackPictures((await files.read(PICTURES)) ?? new Uint8Array());
  const others = await files.read(HELD_OUT);
  const heldOut = others && unpackPictures(others);
  const { recipe } = await readConfig(files);
  return { dir, files, pictures, heldOut, recipe, pack: async () => writeAtomically(zip, await packRun(files)) };
}
