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
import { UserError } from '../../contract/errors.ts';
import { HELD_OUT, PICTURES } from '../data/packed.ts';
import { isLeftBehind } from '../data/tree.ts';
import { writeAtomically } from './atomic.ts';
import { isWhole, RUN, type RunFiles } from './files.ts';
import { LOCK_FILE, lockRun } from './run-lock.ts';
import { isSystemError, systemErrorSentence } from './system-error.ts';

/** All that may lie in a folder whose config.json is not written yet: where a run is unpacked it comes last. */
const ofRuns = new Set<string>([...Object.values(RUN), PICTURES, HELD_OUT, LOCK_FILE]);

/** Refuses a file, and a folder with something in it that is no run: its owner would find run files among their own. Throws UserError. */
export function checkRunFolder(dir: string): void {
  const expected = `run ${dir}: expected a run or a new folder`;
  const found = statSync(dir, { throwIfNoEntry: false });
  if (found === undefined || existsSync(join(dir, RUN.config))) return;
  if (!found.isDirectory()) throw new UserError(`${expected}, got a file; choose another --out`);
  const other = readdirSync(dir).find((name) => isWhole(name) && !ofRuns.has(name) && !isLeftBehind(name));
  if (other !== undefined)
    throw new UserError(`${expected}, got one with ${other} in it; move that or choose another --out`);
}

export function folderFiles(dir: string): RunFiles {
  const at = (path: string): string => join(dir, path);
  return {
    name: dir,
    async lock() {
      checkRunFolder(dir);
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
