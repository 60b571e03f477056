// A file of a disk written whole or not at all.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { temporaryName } from './files.ts';
import { isSystemError } from './system-error.ts';

/** Writes through a temporary name and a rename, so that no reader ever sees half a file. */
export function writeAtomically(path: string, bytes: Uint8Array | string): void {
  const temporary = temporaryName(path, process.pid);
  try {
    const file = openSync(temporary, 'w');
    try {
      const data = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
      for (let at = 0; at < data.length; ) at += writeSync(file, data, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    // Errors of writing name no file, others the temporary one.
    throw isSystemError(error) ? Object.assign(error, { path }) : error;
  }
}
