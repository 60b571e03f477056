// Large files (runtimes, models) kept on the device in Cache Storage, always checked against their SHA-256: a damaged
// copy is thrown away and fetched again. Downloads report their bytes and can be cancelled.
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { patiently } from './patience.ts';

export interface RemoteFile {
  url: string;
  bytes: number;
  sha256: string;
}

export interface FileOptions {
  signal?: AbortSignal;
  /** Called with the bytes had so far; once with all of them if the file was on the device. */
  onProgress?: (loaded: number) => void;
  /** The kept copy was damaged, or a download was, and the file is being fetched again. */
  onDamaged?: (file: RemoteFile) => void;
}

export const STORE = 'pocketgen-files';

/** What the server has under the address is another file than asked for: the bundle was replaced, or what lies between is stale. */
export class OtherFile extends UserError {}

/** Cache Storage is missing outside secure contexts and may refuse in private windows: then nothing is kept. */
export async function openStore(name = STORE): Promise<Cache | undefined> {
  try {
    return await caches.open(name);
  } catch {
    return undefined;
  }
}

/** The address a file is kept under: its own plus its hash, so that a new version never meets an old copy. */
export function storeKey(file: RemoteFile): string {
  const key = new URL(file.url);
  key.searchParams.set('sha256', file.sha256);
  return key.href;
}

export async function isIntact(file: RemoteFile, bytes: Uint8Array): Promise<boolean> {
  return bytes.length === file.bytes && (await sha256Hex(bytes)) === file.sha256;
}

export async function isKept(file: RemoteFile): Promise<boolean> {
  return (await (await openStore())?.match(storeKey(file))) !== undefined;
}

/**
 * The file's bytes, from the device if an intact copy is there. Throws AbortError when cancelled, OtherFile when what the
 * server has is not what was asked for, else UserError.
 */
export async function fileBytes(file: RemoteFile, options: FileOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const store = await openStore();
  const kept = await store?.match(storeKey(file));
  let damaged = false;
  if (kept !== undefined) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    if (await isIntact(file, bytes)) {
      options.onProgress?.(bytes.length);
      return bytes;
    }
    damaged = true;
    await store?.delete(storeKey(file));
    options.onDamaged?.(file);
  }
  let bytes = await download(file, damaged, options);
  if (!(await isIntact(file, bytes))) {
    // A stale or damaged copy in the HTTP cache is worth one more try that goes around it.
    if (!damaged) {
      options.onDamaged?.(file);
      bytes = await download(file, true, options);
    }
    if (damaged || !(await isIntact(file, bytes)))
      throw new OtherFile(`${nameOf(file)}: expected ${file.bytes} bytes of SHA-256 ${file.sha256}, got another file`);
  }
  await keep(store, file, bytes);
  return bytes;
}

async function keep(store: Cache | undefined, file: RemoteFile, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const type = file.url.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
  // The page may be cross-origin isolated, and the loader is the script of worker threads.
  const headers = {
    'Content-Type': file.url.endsWith('.wasm') ? 'application/wasm' : type,
    'Cross-Origin-Embedder-Policy': 'require-corp',
  };
  await put(store, storeKey(file), new Response(bytes, { headers }));
}

let full = false;

/** True once something was not kept for want of room: the page works, and is not ready offline. */
export function isFull(): boolean {
  return full;
}

/** Whether it is kept now. */
export async function put(store: Cache | undefined, key: string, content: Response): Promise<boolean> {
  try {
    await store?.put(key, content);
    return store !== undefined;
  } catch (error) {
    full ||= error instanceof DOMException && error.name === 'QuotaExceededError';
    return false;
  }
}

/** Of the files whose address begins with `prefix`, only these stay: called when they have proved themselves. */
export async function dropOthers(prefix: string, files: readonly RemoteFile[]): Promise<void> {
  const store = await openStore();
  const wanted = new Set(files.map(storeKey));
  for (const { url } of (await store?.keys()) ?? [])
    if (url.startsWith(prefix) && !wanted.has(url)) await store?.delete(url);
}

/** Throws UserError where a host answers a page of its own instead of a file it does not have. */
export function refuseHtml(response: Response, name: string): void {
  if (/^text\/html\b/.test(response.headers.get('Content-Type') ?? ''))
    throw new UserError(
      `${name}: expected the file, got a web page (HTML) from the server; copy all of the page's folder to the host`,
    );
}

/** A download from which nothing comes for so long is given up. */
const SILENCE_LIMIT = 20_000;

function download(file: RemoteFile, fresh: boolean, options: FileOptions): Promise<Uint8Array<ArrayBuffer>> {
  return patiently(SILENCE_LIMIT, options.signal, async (signal, heard) => {
    const response = await fetch(file.url, { cache: fresh ? 'reload' : 'default', signal });
    if (!response.ok || response.body === null)
      throw new UserError(`${nameOf(file)}: expected the file, got status ${response.status} from the server`);
    refuseHtml(response, nameOf(file));
    const bytes = new Uint8Array(file.bytes);
    let loaded = 0;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return bytes.subarray(0, loaded);
      heard();
      if (loaded + value.length > file.bytes) {
        await reader.cancel();
        return new Uint8Array(); // longer than it should be: another file
      }
      bytes.set(value, loaded);
      loaded += value.length;
      options.onProgress?.(loaded);
    }
  });
}

function nameOf(file: RemoteFile): string {
  return decodeURIComponent(new URL(file.url).pathname.split('/').pop() ?? file.url);
}
