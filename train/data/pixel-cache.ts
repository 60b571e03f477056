// Decoded pictures kept in the cache folder, so that eval, report and a resumed run need not decode again. One file a
// source and way of decoding; in it each picture stands under the SHA-256 of its file, beside that of its pixels.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCacheDir } from './idx-sets.ts';

const MAGIC = 'pocketgen pixels 1\n';
const HASH = 32;
/** When all files together are larger, those not used for longest are deleted. */
const mostCacheBytes = 8 * 2 ** 30;

export interface KeptPicture {
  /** SHA-256 of the file. */
  file: Uint8Array;
  /** Premultiplied RGBA. */
  pixels: Uint8Array;
}

export interface PixelCache {
  /** Copies the pixels of the picture with this file to `pixels`; false if they are not there or damaged. */
  read(file: Uint8Array, pixels: Uint8Array): Promise<boolean>;
  /** Keeps these and no others. */
  write(pictures: readonly KeptPicture[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param key all that decides pixels besides the files, and the source
 * @param bytes of one picture's pixels
 */
export async function openPixelCache(key: readonly string[], bytes: number, cacheDir?: string): Promise<PixelCache> {
  const folder = join(cacheDir ?? defaultCacheDir(), 'pictures');
  const path = join(folder, `${createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32)}.pixels`);
  const file = await open(path).catch(() => undefined);
  /** By file: where its pixels begin, and their SHA-256. */
  const kept = new Map<string, { at: number; digest: Buffer }>();
  const head = MAGIC.length + 4;
  if (file) {
    const start = Buffer.alloc(head);
    await file.read(start, 0, head, 0);
    const count = start.toString('latin1', 0, MAGIC.length) === MAGIC ? start.readUInt32LE(MAGIC.length) : 0;
    const { size } = await file.stat();
    if (size === head + count * (2 * HASH + bytes)) {
      const table = Buffer.alloc(count * 2 * HASH);
      await file.read(table, 0, table.length, head);
      for (let i = 0; i < count; i++) {
        const entry = table.subarray(i * 2 * HASH, (i + 1) * 2 * HASH);
        const at = head + table.length + i * bytes;
        kept.set(entry.toString('hex', 0, HASH), { at, digest: entry.subarray(HASH) });
      }
      await utimes(path, new Date(), new Date()).catch(() => {}); // used now
    }
  }
  return {
    read: async (hash, pixels) => {
      const found = kept.get(Buffer.from(hash).toString('hex'));
      if (!file || !found) return false;
      await file.read(pixels, 0, bytes, found.at);
      return createHash('sha256').update(pixels).digest().equals(found.digest);
    },
    write: async (pictures) => {
      await mkdir(folder, { recursive: true });
      const part = `${path}.${process.pid}${PART}`;
      try {
        const out = await open(part, 'w');
        try {
          const count = Buffer.alloc(4);
          count.writeUInt32LE(pictures.length);
          const table = pictures.flatMap(({ file, pixels }) => [file, createHash('sha256').update(pixels).digest()]);
          await out.writeFile(Buffer.concat([Buffer.from(MAGIC, 'latin1'), count, ...table]));
          for (let i = 0; i < pictures.length; i += 256) {
            await out.writeFile(Buffer.concat(pictures.slice(i, i + 256).map(({ pixels }) => pixels)));
          }
        } finally {
          await out.close();
        }
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
      await prune(folder, path);
    },
    close: async () => file?.close(),
  };
}

/** A file that is being written is changed every moment: one of this age is of a process that was killed. */
const DEAD_AFTER = 60 * 60 * 1000;
const PART = '.tmp';

/**
 * Deletes what killed processes have left half-written, and what was not used for longest until the rest is small enough; never
 * `keep`. Other processes write here too, and rename and delete what was there a moment ago.
 */
async function prune(folder: string, keep: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const known = await stat(path).catch(() => undefined);
      return known ? [{ path, size: known.size, mtimeMs: known.mtimeMs }] : [];
    }),
  );
  const files = found.flat();
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size, mtimeMs } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    const isPart = path.endsWith(PART);
    const goes = isPart ? Date.now() - mtimeMs > DEAD_AFTER : total > mostCacheBytes && path !== keep;
    if (!goes) continue;
    await rm(path, { force: true });
    total -= size;
  }
}
