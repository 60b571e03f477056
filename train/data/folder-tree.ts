// A folder of pictures on disk. Links are followed; who lists it sees to loops by identity().
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { mostFileBytes, type PictureTree, type TreeEntry, Unreadable } from './tree.ts';

export function folderTree(source: string): PictureTree {
  return {
    source,
    name: basename(resolve(source)),
    list: async (folder) => {
      const entries = await readdir(join(source, folder), { withFileTypes: true });
      return Promise.all(
        entries.map(async (entry): Promise<TreeEntry> => {
          const { name } = entry;
          const found = entry.isSymbolicLink() ? await stat(join(source, folder, name)).catch(() => undefined) : entry;
          if (found === undefined) return { name, kind: 'dangling' };
          return { name, kind: found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other' };
        }),
      );
    },
    read: (file) => readWhole(join(source, file)),
    identity: (folder) => realpath(join(source, folder)),
    close: async () => {},
  };
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > mostFileBytes) throw tooLarge(size);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable(systemReason(error));
  }
}

export const tooLarge = (bytes: number): Unreadable =>
  new Unreadable(`${Math.round(bytes / 2 ** 20)} MiB, more than the ${mostFileBytes / 2 ** 20} MiB that are read`);

/** What an error of the file system means for whoever owns the folder. */
export function systemReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it';
  if (code === 'ENOENT') return 'it is gone, or its name is not UTF-8';
  if (code === 'EMFILE' || code === 'ENFILE') return 'too many files are open on this machine';
  return code ?? message;
}
