// `pocketgen publish`: bundles into a store that servers read, without a redeploy.
import type { Command } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { versionedName } from '../../contract/version.ts';
import { readManifest } from '../../export/open.ts';
import { foldersOf } from '../each-bundle.ts';
import { wholeFrom } from '../numbers.ts';
import { readCheckedBundle } from '../publish/bundle.ts';
import { addStoreOption, megabytes, type StoreFlags } from '../publish/options.ts';
import { KEPT, publishBundle } from '../publish/publish.ts';
import { openTarget } from '../publish/target.ts';

/** Bundles of one name would become versions of it, the last one the current: whose order means nothing. Throws UserError. */
function refuseTwins(folders: readonly string[]): void {
  const byName = new Map<string, string>();
  for (const folder of folders) {
    const { name } = readManifest(folder);
    const other = byName.get(name);
    if (other !== undefined)
      throw new UserError(
        `bundle ${folder}: expected a name of its own, got ${name}, which ${other} has; publish one of them`,
      );
    byName.set(name, folder);
  }
}

export async function runPublish(paths: string[], { to, keep }: StoreFlags & { keep: number }): Promise<void> {
  const store = await openTarget(to, process.env, { makes: true });
  const folders = foldersOf(paths);
  refuseTwins(folders);
  for (const folder of folders) {
    const bundle = await readCheckedBundle(folder);
    const { changed, dropped } = await publishBundle(store, bundle, keep);
    const bytes = [...bundle.blobs.values()].reduce((sum, blob) => sum + blob.length, bundle.manifestBytes.length);
    const what = changed ? `published, ${bundle.blobs.size + 1} files, ${megabytes(bytes)}` : 'was published already';
    const gone = dropped.length === 0 ? '' : `; kept no longer: ${dropped.join(', ')}`;
    console.log(`${versionedName(bundle.manifest.name, bundle.version)}: ${what}${gone}`);
  }
}

export function registerPublish(command: Command): void {
  addStoreOption(command)
    .argument('<bundle...>', 'bundle folders, or folders of bundles')
    .option('--keep <n>', 'versions of a name that are kept, this one among them', wholeFrom(1, 100), KEPT)
    .action(runPublish);
}
