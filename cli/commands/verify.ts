// `pocketgen verify BUNDLE…`: hashes and goldens of bundles.
import type { Command } from 'commander';
import { verifyBundle } from '../../export/verify.ts';
import { eachBundle } from '../each-bundle.ts';

export function registerVerify(command: Command): void {
  command.argument('<bundle...>', 'bundle folders, or folders of bundles').action((paths: string[]) =>
    eachBundle(paths, async (folder, several) => {
      const which = several ? `${folder}: ` : '';
      for (const { network, provider, goldens, largest } of await verifyBundle(folder, console.error))
        console.log(`${which}${network} on ${provider}: ${goldens} goldens, largest difference ${largest}`);
    }),
  );
}
