// A run's files in the browser's private file system (OPFS), as a worker has them: written beside their names, then moved there.
import { type RunFiles, temporaryName } from '../../train/store/files.ts';
import { TrainedElsewhere } from './protocol.ts';

/** Of the private file system: a folder for each run. */
const RUNS = 'pocketgen-runs';

/** In every browser with these files, and in no list of types yet. */
type Movable = FileSystemFileHandle & { move(name: string): Promise<void> };
type Folder = FileSystemDirectoryHandle & { keys(): AsyncIterableIterator<string> };

async function runsFolder(): Promise<Folder> {
  const root = await navigator.storage.getDirectory();
  return (await root.getDirectoryHandle(RUNS, { create: true })) as Folder;
}

export async function listRuns(): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (await runsFolder()).keys()) names.push(name);
  return names.sort();
}

export const removeRun = async (id: string): Promise<void> => (await runsFolder()).removeEntry(id, { recursive: true });

/** What others ask whether a run is being trained by. */
export const lockOf = (id: string): string => `pocketgen-run:${id}`;

const makingOf = (id: string): string => `pocketgen-making:${id}`;

/** While a run's files are written, and it is none yet. */
export const whileMaking = <T>(id: string, work: () => Promise<T>): Promise<T> =>
  navigator.locks.request(makingOf(id), work) as Promise<T>;

/** By any tab. */
export async function isBeingMade(id: string): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === makingOf(id));
}

const isMissing = (error: unknown): boolean => error instanceof DOMException && error.name === 'NotFoundError';

/** A sentence where the device is full. */
export const noRoom = (error: unknown): string | undefined =>
  error instanceof DOMException && error.name === 'QuotaExceededError'
    ? 'expected room on this device, got none; free some'
    : undefined;

/** Undefined for what is not there. */
async function found<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function writeAt(handle: FileSystemFileHandle, bytes: Uint8Array, append: boolean): Promise<void> {
  const access = await handle.createSyncAccessHandle();
  try {
    if (!append) access.truncate(0);
    const start = append ? access.getSize() : 0;
    for (let at = 0; at < bytes.length; ) {
      const written = access.write(bytes.subarray(at), { at: start + at });
      if (written === 0) {
        access.truncate(start);
        throw new DOMException('no room', 'QuotaExceededError');
      }
      at += written;
    }
    access.flush();
  } finally {
    access.close();
  }
}

/** `name`: what the person calls the run. */
export function opfsFiles(id: string, name: string, folders: readonly string[] = []): RunFiles {
  async function open(path: string, create: boolean): Promise<[Folder, string]> {
    const parts = [id, ...folders, ...path.split('/').filter((part) => part !== '')];
    const file = parts.pop() ?? '';
    let folder = await runsFolder();
    for (const part of parts) folder = (await folder.getDirectoryHandle(part, { create })) as Folder;
    return [folder, file];
  }
  return {
    name,
    lock: () =>
      new Promise((resolve, reject) => {
        const busy = () =>
          new TrainedElsewhere(
            `${name}: expected nobody else to train it, got another tab that does; look on here, or close it`,
          );
        const request = navigator.locks.request(lockOf(id), { ifAvailable: true }, (lock) => {
          if (lock === null) return reject(busy());
          return new Promise<void>((release) =>
            resolve(async () => {
              release();
              await request; // until it has ended the lock is held
            }),
          );
        });
        request.catch(reject);
      }),
    async read(path) {
      const file = await found(open(path, false).then(([folder, last]) => folder.getFileHandle(last)));
      return file && new Uint8Array(await (await file.getFile()).arrayBuffer());
    },
    async write(path, bytes) {
      const [folder, file] = await open(path, true);
      const temporary = temporaryName(file, 0);
      const handle = (await folder.getFileHandle(temporary, { create: true })) as Movable;
      try {
        await writeAt(handle, bytes, false);
        await handle.move(file);
      } catch (error) {
        await folder.removeEntry(temporary).catch(() => undefined);
        throw error;
      }
    },
    async append(path, text) {
      const [folder, file] = await open(path, true);
      await writeAt(await folder.getFileHandle(file, { create: true }), new TextEncoder().encode(text), true);
    },
    async list(path) {
      const folder = await found(
        open(path, false).then(([parent, last]) => parent.getDirectoryHandle(last) as Promise<Folder>),
      );
      const names: string[] = [];
      if (folder) for await (const name of folder.keys()) names.push(name);
      return names.sort();
    },
    async rename(path, to) {
      const [folder, file] = await open(path, false);
      await ((await folder.getFileHandle(file)) as Movable).move(to.split('/').pop() ?? to);
    },
    async remove(path) {
      await found(open(path, false).then(([folder, last]) => folder.removeEntry(last, { recursive: true })));
    },
    within: (folder) => opfsFiles(id, `${name}/${folder}`, [...folders, folder]),
    failure: (error) => (noRoom(error) === undefined ? undefined : `${name}: ${noRoom(error)}`),
  };
}
