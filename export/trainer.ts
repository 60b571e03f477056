// What another training can go on from, out of a bundle. Apart from open.ts, which serves without tfjs.
import { UserError } from '../contract/errors.ts';
import type { Manifest } from '../contract/manifest.ts';
import { decodeTrainer, type NamedTrainer } from '../train/trainer.ts';
import { readManifest, readNetwork } from './open.ts';

/** What another training can go on from. @throws UserError for a bundle that was exported without it, or is damaged */
export async function readTrainer(dir: string, manifest: Manifest = readManifest(dir)): Promise<NamedTrainer> {
  const entry = manifest.files.find(({ role }) => role === 'trainer');
  if (!entry)
    throw new UserError(
      `bundle ${dir}: expected one that training can go on from, got one without a trainer file; export its run with --trainer`,
    );
  return { name: manifest.name, trainer: decodeTrainer(await readNetwork(dir, entry)) };
}
