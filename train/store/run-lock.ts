// One process trains in a run folder at a time: two would prune each other's checkpoints. The lock is the operating system's,
// taken through SQLite, so that it ends with its holder, however that ends. A file with a process number does not hold in
// containers (the next training is process 1 again) nor for a process that is dead but not yet reaped.
import { join } from 'node:path';
import { UserError } from '../../contract/errors.ts';

export const LOCK_FILE = 'lock.sqlite';
const SQLITE_BUSY = 5;

/** node:sqlite, whose API Node 22 still calls experimental at every start of a process. Node 20 has none. */
function sqlite(): typeof import('node:sqlite') | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * Locks the folder until the returned function is called or this process ends. The empty file stays: taking it away
 * would let a third process lock a new one while a second one holds the old. A Node without SQLite (before 22.13) locks
 * nothing, which it says.
 *
 * @throws UserError when another process trains there
 */
export function lockRun(dir: string): () => void {
  const locks = sqlite();
  if (locks === undefined) {
    console.error(
      `run ${dir}: Node ${process.version} cannot lock it, 22.13 or later can; train in it with one process at a time`,
    );
    return () => {};
  }
  const file = join(dir, LOCK_FILE);
  let database: InstanceType<typeof locks.DatabaseSync> | undefined;
  try {
    database = new locks.DatabaseSync(file);
    // The journal in memory: nothing is ever written, and no second file should lie about.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY)
      throw new UserError(
        `run ${dir}: expected nobody else to train here, got another process that does; wait for it or take another --out`,
      );
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `run ${dir}: expected a folder that can be written and locked, got ${reason}; take another --out`,
    );
  }
  const held = database;
  return () => held.close();
}
