// Where a command is to write is looked at before it works, not after.
import { realpathSync, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { UserError } from '../contract/errors.ts';

/** The file to write, where links lead. Throws UserError for what a file put in its place would be the end of: a device, a pipe, a socket. */
export function outFile(path: string): string {
  const refused = (got: string): UserError =>
    new UserError(`${JSON.stringify(path)}: expected the name of a file to write, got ${got}`);
  if (path === '') throw refused('nothing');
  if (path === '-') throw refused('-, which other programs take for standard output; name a file');
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (!folder?.isDirectory())
    throw new UserError(`${path}: expected a file in an existing folder, got no folder ${dirname(path)}`);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw refused('a folder');
  if (there !== undefined && !there.isFile()) throw refused('a device, pipe or socket; name another');
  return there === undefined ? path : realpathSync(path);
}

/** The same for a picture: under the name of another format nobody would take it for what it is. */
export function outPng(path: string): string {
  const extension = extname(path);
  if (!['', '.png'].includes(extension.toLowerCase()))
    throw new UserError(`${path}: expected a name that ends in .png, got ${extension}; pictures are written as PNG`);
  return outFile(path);
}
