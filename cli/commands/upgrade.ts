// `pocketgen upgrade BUNDLE…`: bundles of earlier formats brought to the current one where they lie. Only model.json changes,
// in one rename, and only after every network has drawn the goldens as before.
import { join } from 'node:path';
import type { Command } from 'commander';
import { FORMAT_VERSION } from '../../contract/manifest.ts';
import { upgradeManifest } from '../../contract/upgrade.ts';
import { MANIFEST_FILE, manifestJson, readManifestText } from '../../edge/bundles.ts';
import { verifyManifest } from '../../export/verify.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { eachBundle } from '../each-bundle.ts';

/** What was done, in a line. Throws UserError, and leaves the bundle as it is, if it is not whole or draws otherwise. */
export async function upgradeBundle(folder: string): Promise<string> {
  const json = manifestJson(folder, await readManifestText(folder));
  const { manifest, from } = upgradeManifest(json);
  if (from === FORMAT_VERSION) return `${folder}: format ${from} already`;
  const checked = await verifyManifest(folder, manifest, console.error);
  writeAtomically(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  const networks = [...new Set(checked.map(({ network }) => network))].join(', ');
  const metrics = manifest.metrics === undefined && Object.hasOwn(json as object, 'metrics');
  return (
    `${folder}: format ${from} brought to ${FORMAT_VERSION}; ${networks} drew the goldens as before` +
    (metrics ? '; metrics of an earlier form are left out, pocketgen eval --record measures them anew' : '')
  );
}

export function registerUpgrade(command: Command): void {
  command
    .argument('<bundle...>', 'bundle folders, or folders of bundles')
    .action((paths: string[]) => eachBundle(paths, async (folder) => console.log(await upgradeBundle(folder))));
}
