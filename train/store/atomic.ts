// A file of a disk written whole or not at all.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { temporaryName } from './files.ts';

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
    throw error instanceof Error && 'path' in error ? Object.assign(error, { path }) : error;
  }
}
