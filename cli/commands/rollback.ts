// `pocketgen rollback`: an earlier version of a published model is the current one again.
import type { Command } from 'commander';
import { versionedName } from '../../contract/version.ts';
import { addStoreOption, modelOf, type StoreFlags } from '../publish/options.ts';
import { rollback } from '../publish/publish.ts';
import { openTarget } from '../publish/target.ts';

export function registerRollback(command: Command): void {
  addStoreOption(command)
    .argument('<model>', 'NAME: to the version published before the current one; NAME@VERSION: to that one')
    .action(async (model: string, { to }: StoreFlags) => {
      const { name, version } = modelOf(model);
      console.log(`${versionedName(name, await rollback(await openTarget(to), name, version))}: current now`);
    });
}
