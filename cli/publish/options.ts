// What the commands on a store share: which store, which model.
import { type Command, Option } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { nameSchema } from '../../contract/manifest.ts';
import { splitVersion, versionSchema } from '../../contract/version.ts';

export interface StoreFlags {
  to: string;
}

export function addStoreOption(command: Command): Command {
  return command.addOption(
    new Option('--to <store>', 'r2, r2:BUCKET, the address of a pocketgen server, or a folder')
      .env('POCKETGEN_STORE')
      .default('r2'),
  );
}

/** `fashion-gan` or `fashion-gan@4f1c0a9be2d7`. */
export function modelOf(text: string): { name: string; version: string | undefined } {
  const { name, version } = splitVersion(text);
  if (nameSchema.safeParse(name).success && (version === undefined || versionSchema.safeParse(version).success))
    return { name, version };
  throw new UserError(`model: expected NAME or NAME@VERSION, got ${text}`);
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
