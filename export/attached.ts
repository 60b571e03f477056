// An encoder that `pocketgen encoder BUNDLE` has put into a bundle. It is in no run that the bundle is exported from, so an export in
// the bundle's place takes it along where it still fits.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { generatorFile } from '../contract/lookup.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { AttachedEncoder } from './encoder.ts';
import { readManifest, readNetwork } from './open.ts';

/** The manifest of a bundle that has one; undefined for anything else. */
export function withAttached(dir: string): Manifest | undefined {
  if (!existsSync(join(dir, 'model.json'))) return undefined;
  try {
    const manifest = readManifest(dir);
    return manifest.encoder && manifest.training.config.encoder !== undefined ? manifest : undefined;
  } catch (error) {
    // What no reader of this version takes is replaced like anything else.
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** Undefined where there is none that is whole: an export is what mends a damaged bundle. */
export async function readAttached(dir: string): Promise<AttachedEncoder | undefined> {
  const manifest = withAttached(dir);
  if (!manifest?.encoder) return undefined;
  try {
    const entries = manifest.files.filter(({ role }) => role === 'encoder');
    const models = await Promise.all(
      entries.map(async (file) => ({ variant: file.variant, bytes: await readNetwork(dir, file) })),
    );
    const { variant, sha256 } = generatorFile(manifest);
    return {
      entry: manifest.encoder,
      models,
      config: manifest.training.config.encoder,
      generator: { variant, sha256 },
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}
