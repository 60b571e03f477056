// Bundles on disk (Node): the folders of a models folder that hold a model.json, or a bundle folder itself.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../contract/errors.ts';
import type { BundleSource } from './models.ts';

/** Absolute folders of bundles, sorted by name. Throws UserError if there is none. */
export function bundleFolders(folder: string): string[] {
  const path = resolve(folder);
  if (existsSync(join(path, 'model.json'))) return [path];
  const inside = existsSync(path)
    ? readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && existsSync(join(path, entry.name, 'model.json')))
        .map((entry) => join(path, entry.name))
        .sort()
    : [];
  if (inside.length === 0)
    throw new UserError(
      `${folder}: expected model bundles (folders with a model.json), got none; run pocketgen export, or npm start`,
    );
  return inside;
}

export async function readManifest(folder: string): Promise<unknown> {
  const path = join(folder, 'model.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UserError(`${path}: expected a file, got none; export the bundle again`);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${path}: expected JSON, got something else or a part of it; export the bundle again`);
  }
}

export function folderSource(folder: string): BundleSource {
  return {
    name: basename(folder),
    manifest: () => readManifest(folder),
    async read(path) {
      const bytes = await readFile(join(folder, path)).catch(() => {
        throw new UserError(`${join(folder, path)}: expected a file, got none; export the bundle again`);
      });
      return new Uint8Array(bytes);
    },
  };
}
