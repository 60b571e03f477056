// Packages that not every command needs may be left out of an installation (`--omit=optional`), or may lack a library for
// this machine: what to tell the one whose command does need it.
import { createRequire } from 'node:module';
import { UserError } from '../contract/errors.ts';

const { optionalDependencies } = createRequire(import.meta.url)('pocketgen/package.json') as {
  optionalDependencies: Record<string, string>;
};

/** The sentence for an error of loading one of the optional packages; undefined for any other error. */
export function missingPackage(error: unknown): UserError | undefined {
  if (!(error instanceof Error)) return undefined;
  // "Cannot find package 'x' imported from …", "Cannot find module 'x'", and sharp's "Could not load the "sharp" module using …".
  const [, , named] = /^(Cannot find (?:package|module)|Could not load the) ['"]([^'"]+)['"]/.exec(error.message) ?? [];
  const name = Object.keys(optionalDependencies).find((known) => named === known || named?.startsWith(`${known}/`));
  if (name === undefined) return undefined;
  return new UserError(
    `${name}: expected the package and its library for ${process.platform} ${process.arch}, which this command needs, got none; ` +
      `run npm install ${name}@${optionalDependencies[name]}`,
  );
}
