// Bundles on disk (Node): the folders of a models folder that hold a model.json, or a bundle folder itself.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { TRAINING_FILE } from '../contract/training.ts';
import type { BundleSource } from './models.ts';

export const MANIFEST_FILE = 'model.json';
/** In the name of a folder that an export is still writing, or is about to take away. */
const UNFINISHED = '.tmp-';

/** Absolute folders, sorted by name, of the bundles in a folder and of those that a training is yet to make; or the folder itself. */
export function modelFolders(folder: string): string[] {
  const path = resolve(folder);
  const holds = (one: string) => [MANIFEST_FILE, TRAINING_FILE].some((name) => existsSync(join(one, name)));
  if (holds(path)) return [path];
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !entry.name.includes(UNFINISHED))
    .map((entry) => join(path, entry.name))
    .filter((one) => statSync(one, { throwIfNoEntry: false })?.isDirectory() && holds(one))
    .sort();
}

/** Absolute folders of bundles, sorted by name. Throws UserError if there is none. */
export function bundleFolders(folder: string): string[] {
  const bundles = modelFolders(folder).filter((one) => existsSync(join(one, MANIFEST_FILE)));
  if (bundles.length > 0) return bundles;
  throw new UserError(
    `${folder}: expected model bundles (folders with a model.json), got none; run pocketgen export, or npm start`,
  );
}

export async function readManifestText(folder: string): Promise<string> {
  const path = join(folder, MANIFEST_FILE);
  return readFile(path, 'utf8').catch(() => {
    throw new UserError(`${path}: expected a file that can be read, got none; export the bundle again`);
  });
}

/** Throws UserError where `text` is no JSON. */
export function manifestJson(folder: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const path = join(folder, MANIFEST_FILE);
    throw new UserError(`${path}: expected JSON, got something else or a part of it; export the bundle again`);
  }
}

/** When its manifest was written, in whole seconds since 1970. */
export async function writtenAt(folder: string): Promise<number> {
  return Math.floor((await stat(join(folder, MANIFEST_FILE))).mtimeMs / 1000);
}

export function folderSource(folder: string): BundleSource {
  return {
    name: basename(folder),
    manifest: async () => manifestJson(folder, await readManifestText(folder)),
    created: () => writtenAt(folder),
    async read(path) {
      const bytes = await readFile(join(folder, path)).catch(() => {
        throw new UserError(`${join(folder, path)}: expected a file, got none; export the bundle again`);
      });
      return new Uint8Array(bytes);
    },
  };
}
