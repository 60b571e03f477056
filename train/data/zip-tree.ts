// A zip of pictures, read where it lies: nothing is unpacked to disk, so no name in it can lead out of it.
// Reading is yauzl's; limits and the checksum (which yauzl leaves to its user) are ours.
import { isUtf8 } from 'node:buffer';
import { basename } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { type Entry, getFileNameLowLevel, openPromise, validateFileName, type ZipFile } from 'yauzl';
import { UserError } from '../../contract/errors.ts';
import { tooLarge } from './folder-tree.ts';
import { join, mostFileBytes, type PictureTree, type TreeEntry, Unreadable } from './tree.ts';

/** Stated in docs/datasets.md. */
const mostEntries = 500_000;
const mostBytes = 64 * 2 ** 30;
/** Small zips may shrink as they like: only what would fill memory is suspicious. */
const ratioFrom = 256 * 2 ** 20;
const mostRatio = 200;

/** @throws UserError when it is no zip, damaged, encrypted, or beyond the limits */
export async function zipTree(source: string): Promise<PictureTree> {
  const zip = await openPromise(source, { autoClose: false, lazyEntries: true }).catch(failed(source));
  try {
    const { folders, files } = await entriesOf(zip, source);
    return {
      source,
      name: basename(source).replace(/\.zip$/i, ''),
      list: async (folder) => [...(folders.get(folder)?.values() ?? [])],
      read: async (file) => {
        const entry = files.get(file);
        if (entry === undefined) throw new Unreadable('it is not in the zip');
        return readEntry(zip, entry);
      },
      identity: async (folder) => folder,
      close: async () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function entriesOf(
  zip: ZipFile,
  source: string,
): Promise<{ folders: Map<string, Map<string, TreeEntry>>; files: Map<string, Entry> }> {
  const refuse = (expected: string, got: string, todo: string): never => {
    throw new UserError(`${source}: expected ${expected}, got ${got}; ${todo}`);
  };
  const unpack = 'unpack it yourself and name the folder';
  if (zip.entryCount > mostEntries) refuse(`a zip of at most ${mostEntries} files`, String(zip.entryCount), unpack);
  const folders = new Map([['', new Map<string, TreeEntry>()]]);
  const files = new Map<string, Entry>();
  let bytes = 0;
  const entries = zip.eachEntry()[Symbol.asyncIterator]();
  for (;;) {
    // Refuses absolute names and names with `..`; makes `/` of the backslashes in zips from Windows.
    const { value: entry, done } = await entries.next().catch(failed(source));
    if (done || entry === undefined) break;
    const path = nameOf(entry);
    const wrong = validateFileName(path);
    if (wrong !== null) failed(source)(new Error(wrong));
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    const isFolder = path.endsWith('/');
    if (!isFolder) bytes += entry.uncompressedSize;
    if (entry.isEncrypted()) refuse('a zip without a password', `an encrypted one (${path})`, unpack);
    if (bytes > mostBytes) refuse(`at most ${mostBytes / 2 ** 30} GiB in a zip`, 'more', unpack);
    if (bytes > ratioFrom && bytes > mostRatio * zip.fileSize)
      refuse(`pictures, which hardly shrink in a zip`, `more than ${mostRatio} times its own size`, unpack);
    let folder = '';
    for (const [depth, name] of names.entries()) {
      const last = depth === names.length - 1;
      const kind = !last || isFolder ? 'folder' : isLink(entry) ? 'other' : 'file';
      const at = join(folder, name);
      // Under a key that no name can be, so that both are listed.
      if (kind === 'file' && files.has(at)) folders.get(folder)?.set(`${name}/`, { name, kind: 'repeated' });
      folders.get(folder)?.set(name, { name, kind });
      if (kind === 'folder' && !folders.has(at)) folders.set(at, new Map());
      if (kind === 'file') files.set(at, entry);
      folder = at;
    }
  }
  return { folders, files };
}

/** The bit of a name that says it is UTF-8, and the field that has it in UTF-8 besides (APPNOTE.TXT 4.4.4, 4.6.9). */
const UTF8 = 0x800;
const UNICODE_PATH = 0x7075;

/**
 * By the letter of the format, a name that does not say it is UTF-8 is in code page 437, as yauzl reads it. Info-ZIP's `zip` on Linux
 * writes UTF-8 and does not say so; what was meant in that code page is hardly ever whole UTF-8.
 */
function nameOf({ fileName, fileNameRaw, generalPurposeBitFlag, extraFields }: Entry): string {
  const said = (generalPurposeBitFlag & UTF8) !== 0 || extraFields.some(({ id }) => id === UNICODE_PATH);
  return said || !isUtf8(fileNameRaw) ? fileName : getFileNameLowLevel(UTF8, fileNameRaw, [], false);
}

/** A symbolic link as Unix systems store it: the file type is in the upper half of the attributes. */
const isLink = ({ versionMadeBy, externalFileAttributes }: Entry): boolean =>
  versionMadeBy >>> 8 === 3 && ((externalFileAttributes >>> 16) & 0o170000) === 0o120000;

async function readEntry(zip: ZipFile, entry: Entry): Promise<Buffer> {
  if (entry.uncompressedSize > mostFileBytes) throw tooLarge(entry.uncompressedSize);
  if (!entry.canDecodeFileData())
    throw new Unreadable(
      `compressed by method ${entry.compressionMethod}, which is not read; make the zip with "deflate"`,
    );
  let bytes: Buffer;
  try {
    bytes = await buffer(await zip.openReadStreamPromise(entry));
  } catch (error) {
    throw new Unreadable(`damaged in the zip: ${(error as Error).message}`);
  }
  if (crc32(bytes) !== entry.crc32) throw new Unreadable('damaged in the zip: its checksum is another one');
  return bytes;
}

const failed =
  (source: string) =>
  (error: unknown): never => {
    const { message } = error as Error;
    throw new UserError(
      `${source}: expected a whole zip file, got one that cannot be read (${message}); make it again`,
    );
  };
