// Where a command is to write is looked at before it works, not after.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../contract/errors.ts';

export function checkOutFile(path: string): void {
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (!folder?.isDirectory())
    throw new UserError(`${path}: expected a file in an existing folder, got no folder ${dirname(path)}`);
  if (path === '' || statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(
      `${JSON.stringify(path)}: expected the name of a file to write, got ${path === '' ? 'nothing' : 'a folder'}`,
    );
}
