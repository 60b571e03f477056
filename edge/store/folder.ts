// A store in a folder (Node): objects are files, written under another name and renamed, so that none is ever seen half.
// Whoever replaces the index holds the operating system's lock, taken through SQLite, which ends with its process.
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { UserError } from '../../contract/errors.ts';
import { contentOf, INDEX_KEY } from '../../contract/published.ts';
import type { ObjectStore, ServedStore } from './objects.ts';

export const LOCK_FILE = 'lock.sqlite';
/** Files that are being written; prune takes away those of processes that were killed, and nothing else that lies there. */
export const UNFINISHED_FOLDER = 'tmp';
const UNFINISHED = new RegExp(`^${UNFINISHED_FOLDER}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`);
export const isUnfinished = (key: string): boolean => UNFINISHED.test(key);
/** The lock is held for the time of one small write. */
const LOCK_MS = 10_000;

export function folderStore(folder: string): ObjectStore & ServedStore {
  const root = resolve(folder);
  const pathOf = (key: string) => join(root, ...key.split('/'));

  function write(key: string, bytes: Uint8Array): void {
    const path = pathOf(key);
    const unfinished = join(root, UNFINISHED_FOLDER, crypto.randomUUID());
    for (const one of [path, unfinished]) mkdirSync(dirname(one), { recursive: true });
    const file = openSync(unfinished, 'wx');
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  }

  return {
    where: folder,
    async get(key, known) {
      const content = contentOf(key);
      if (known !== undefined && known === content) return 'unchanged';
      const bytes = await readFile(pathOf(key)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      if (bytes === undefined) return undefined;
      const etag = content ?? sha256(bytes);
      return etag === known ? 'unchanged' : { bytes: new Uint8Array(bytes), etag };
    },
    async stream(key) {
      const file = await open(pathOf(key)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return undefined;
      });
      return file && (Readable.toWeb(file.createReadStream()) as ReadableStream);
    },
    async put(key, bytes) {
      write(key, bytes);
    },
    async replaceIndex(bytes, known) {
      mkdirSync(root, { recursive: true });
      // From here to the release nothing is awaited: this process may want the lock for two requests at a time.
      const release = lock(join(root, LOCK_FILE));
      try {
        const etag = etagNow(pathOf(INDEX_KEY));
        if (etag !== known) return false;
        write(INDEX_KEY, bytes);
        return true;
      } finally {
        release();
      }
    },
    async *list() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const about = await stat(path).catch(() => undefined);
        if (about !== undefined)
          yield { key: path.slice(root.length + 1).replaceAll(sep, '/'), modified: about.mtimeMs };
      }
    },
    remove: (key) => rm(pathOf(key), { force: true }),
  };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function etagNow(path: string): string | undefined {
  try {
    return sha256(readFileSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** node:sqlite, whose API Node 22 still calls experimental at every start of a process. */
function sqlite(): typeof import('node:sqlite') {
  const { emitWarning, getBuiltinModule } = process as {
    emitWarning: unknown;
    getBuiltinModule?: NodeJS.Process['getBuiltinModule'];
  };
  process.emitWarning = () => {};
  try {
    const module: typeof import('node:sqlite') | undefined = getBuiltinModule?.('node:sqlite');
    if (module !== undefined) return module;
  } finally {
    Object.assign(process, { emitWarning });
  }
  throw new UserError(`node: expected 22.5 or newer to publish to a folder, got ${process.version}; use a newer one`);
}

/** Waits for the lock and returns what gives it back. A file with a process number would outlive a process that is killed. */
function lock(file: string): () => void {
  const { DatabaseSync } = sqlite();
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(file);
    // The journal in memory: nothing is ever written, and no second file should lie about.
    database.exec(`PRAGMA busy_timeout = ${LOCK_MS}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`);
  } catch (error) {
    database?.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${file}: expected a file that can be locked, got ${reason}; publish to another folder`);
  }
  const held = database;
  return () => held.close();
}
