// The folder of a bundle on disk: whose it is, and how a newer one takes its place.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../contract/errors.ts';
import { FORMAT, nameSchema } from '../contract/manifest.ts';
import { TRAINING_FILE } from '../contract/training.ts';
import { isLeftBehind } from '../train/data/tree.ts';

/** The name that a bundle in `out` gets: the folder's, which is part of addresses. */
export function bundleName(out: string): string {
  const name = basename(resolve(out)).toLowerCase();
  if (nameSchema.safeParse(name).success) return name;
  throw new UserError(
    `export: expected a folder named by at most 63 lower-case letters, digits and hyphens, got ${JSON.stringify(out)}; choose another name`,
  );
}

/**
 * Refuses a folder with anything in it that no bundle of ours put there, but for what file managers leave behind: the export replaces
 * it as a whole. Returns the bundle's name.
 */
export function checkBundleFolder(out: string): string {
  const name = bundleName(out);
  if (!existsSync(out)) return name;
  const expected = `export: expected ${out} to be a bundle or a new folder`;
  if (!statSync(out).isDirectory()) throw new UserError(`${expected}, got a file; choose another --out`);
  const own = new Set(
    existsSync(join(out, 'model.json')) ? filesOf(readFileSync(join(out, 'model.json'), 'utf8')) : [],
  );
  // training.json, also half-written: a training that has not made its first pictures yet has nothing else.
  const other = readdirSync(out).find(
    (name) => !own.has(name) && !name.startsWith(TRAINING_FILE) && !isLeftBehind(name),
  );
  if (other !== undefined)
    throw new UserError(`${expected}, got one with ${other} in it; move that or choose another --out`);
  return name;
}

/** Files of the bundle whose model.json this is, whatever its format version; none when it is somebody else's. */
function filesOf(text: string): string[] {
  try {
    const { files } = ownFiles.parse(JSON.parse(text));
    return ['model.json', 'preview.png', 'MODEL_CARD.md', ...files.map(({ path }) => path)];
  } catch {
    return [];
  }
}

const ownFiles = z.looseObject({ format: z.literal(FORMAT), files: z.array(z.looseObject({ path: z.string() })) });

/** Writing a bundle takes seconds: what was begun so long ago is of an export that was killed. */
const DEAD_AFTER = 10 * 60 * 1000;

/**
 * Sees to what killed exports into this place have left beside it: the bundle that was there is put back where nothing took its place,
 * other folders go after ten minutes.
 */
export function recoverFolder(out: string): void {
  const [parent, prefix] = [dirname(resolve(out)), `${basename(resolve(out))}.tmp-`];
  if (!existsSync(parent)) return;
  const left = readdirSync(parent)
    .filter((name) => name.startsWith(prefix) && /^\w{6}(-old)?$/.test(name.slice(prefix.length)))
    .map((name) => join(parent, name));
  const old = left.find((path) => path.endsWith('-old'));
  if (old !== undefined && !existsSync(out)) renameSync(old, out);
  const isWhole = existsSync(join(out, 'model.json'));
  for (const path of left) {
    // The time of its last renaming, too; another process may have put it in place by now.
    const changed = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Number.POSITIVE_INFINITY;
    const isSpare = isWhole || !path.endsWith('-old');
    if (isSpare && Date.now() - changed > DEAD_AFTER) rmSync(path, { recursive: true, force: true });
  }
}

/** An empty folder for what is to become `out`. What cannot be made is told with the folder that it would lie in. */
function folderBeside(out: string): string {
  const parent = dirname(resolve(out));
  mkdirSync(parent, { recursive: true });
  try {
    return mkdtempSync(`${resolve(out)}.tmp-`);
  } catch (error) {
    throw Object.assign(error as Error, { path: parent, syscall: 'make a folder in' });
  }
}

/**
 * Makes `out` anew: `write` fills a folder beside it, which then takes its place whole. For a moment between two renames there
 * is none, never one of both. A server leaves names with `.tmp-` in them alone.
 */
export function replaceFolder(out: string, write: (folder: string) => void): void {
  recoverFolder(out);
  const fresh = folderBeside(out);
  const old = `${fresh}-old`;
  try {
    write(fresh);
    if (existsSync(out)) renameSync(out, old);
    renameSync(fresh, out);
  } catch (error) {
    if (!existsSync(out) && existsSync(old)) renameSync(old, out);
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}
