// `pocketgen unpublish`: a model, or an earlier version of it, taken out of a store.
import type { Command } from 'commander';
import { addStoreOption, modelOf, type StoreFlags } from '../publish/options.ts';
import { unpublish } from '../publish/publish.ts';
import { openTarget } from '../publish/target.ts';

export function registerUnpublish(command: Command): void {
  addStoreOption(command)
    .argument('<model>', 'NAME, or NAME@VERSION for one that is not the current one')
    .action(async (model: string, { to }: StoreFlags) => {
      const { name, version } = modelOf(model);
      await unpublish(await openTarget(to), name, version);
      console.log(`${model}: published no longer`);
    });
}
