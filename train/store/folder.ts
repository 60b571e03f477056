// A run's files in a folder of a disk, locked by run-lock.ts (lock.sqlite).
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { writeAtomically } from './atomic.ts';
import type { RunFiles } from './files.ts';
import { lockRun } from './run-lock.ts';
import { isSystemError, systemErrorSentence } from './system-error.ts';

export function folderFiles(dir: string): RunFiles {
  const at = (path: string): string => join(dir, path);
  return {
    name: dir,
    async lock() {
      mkdirSync(dir, { recursive: true });
      const release = lockRun(dir);
      return async () => release();
    },
    async read(path) {
      return existsSync(at(path)) ? new Uint8Array(readFileSync(at(path))) : undefined;
    },
    async write(path, bytes) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeAtomically(at(path), bytes);
    },
    async append(path, text) {
      const before = statSync(at(path), { throwIfNoEntry: false })?.size ?? 0;
      try {
        appendFileSync(at(path), text);
      } catch (error) {
        if (existsSync(at(path))) truncateSync(at(path), before);
        throw error;
      }
    },
    async list(folder) {
      return existsSync(at(folder)) ? readdirSync(at(folder)).sort() : [];
    },
    async rename(path, to) {
      renameSync(at(path), at(to));
    },
    async remove(path) {
      rmSync(at(path), { recursive: true, force: true });
    },
    within: (folder) => folderFiles(at(folder)),
    failure: (error) => (isSystemError(error) ? systemErrorSentence(error) : undefined),
  };
}
