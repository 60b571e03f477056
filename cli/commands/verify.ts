// `pocketgen verify`: a bundle's hashes and goldens.
import type { Command } from 'commander';
import { verifyBundle } from '../../export/verify.ts';

export function registerVerify(command: Command): void {
  command.argument('<bundle>', 'bundle folder').action(async (dir: string) => {
    for (const { network, provider, goldens, largest } of await verifyBundle(dir, console.error)) {
      console.log(`${network} on ${provider}: ${goldens} goldens, largest difference ${largest}`);
    }
  });
}
