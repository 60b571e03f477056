// `pocketgen prune`: what no published version uses, taken out of a store.
import type { Command } from 'commander';
import { addStoreOption, type StoreFlags } from '../publish/options.ts';
import { prune } from '../publish/publish.ts';
import { openTarget } from '../publish/target.ts';

export function registerPrune(command: Command): void {
  addStoreOption(command).action(async ({ to }: StoreFlags) => {
    const store = await openTarget(to);
    console.log(`${store.where}: ${await prune(store)} objects removed`);
  });
}
