// `pocketgen list`: what is published in a store.
import type { Command } from 'commander';
import { addStoreOption, megabytes, type StoreFlags } from '../publish/options.ts';
import { listModels } from '../publish/publish.ts';
import { openTarget } from '../publish/target.ts';

async function runList({ to, json }: StoreFlags & { json?: boolean }): Promise<void> {
  const store = await openTarget(to);
  const models = await listModels(store);
  if (json) return console.log(JSON.stringify(models, null, 2));
  if (models.length === 0) console.error(`${store.where}: no models; pocketgen publish BUNDLE --to ${to}`);
  for (const { name, current, versions, bytes, image } of models) {
    console.log(`${name}: ${image.width}x${image.height}, ${megabytes(bytes)}`);
    for (const { version, published } of versions)
      console.log(`  ${version}  ${published.slice(0, 16).replace('T', ' ')}${version === current ? '  current' : ''}`);
  }
}

export function registerList(command: Command): void {
  addStoreOption(command).option('--json', 'as JSON').action(runList);
}
