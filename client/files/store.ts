// Large files (runtimes, models) kept on the device in Cache Storage, always checked against their SHA-256: a damaged
// copy is thrown away and fetched again. Downloads report their bytes and can be cancelled.
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import type { FileCache } from '../types.ts';
import { withLocal } from './local.ts';
import { patiently, Unanswered } from './patience.ts';

export interface RemoteFile {
  url: string;
  bytes: number;
  sha256: string;
  /** What to do where it is not to be had: the end of the error's sentence. */
  hint?: string;
  /** A script that a bundler may have minified, or a development server made longer: size and hash are about what it was before. */
  rewritten?: boolean;
}

export interface ReadOptions {
  signal?: AbortSignal;
  /** Called with the bytes had so far; once with all of them if the file was on the device. */
  onProgress?: (loaded: number) => void;
  /** The kept copy was damaged, or a download was, and the file is being fetched again. */
  onDamaged?: (file: RemoteFile) => void;
}

/** What the server has under the address is another file than asked for: the bundle was replaced, or what lies between is stale. */
export class OtherFile extends UserError {}

/** Files of the network, and copies of them on this device. */
export interface Store {
  readonly fetch: typeof fetch;
  /** undefined where nothing is kept. */
  open(): Promise<FileCache | undefined>;
  /**
   * The file's bytes, from the device if an intact copy is there. Throws AbortError when cancelled, OtherFile when what the
   * server has is not what was asked for, else UserError.
   */
  read(file: RemoteFile, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>>;
  isKept(file: RemoteFile): Promise<boolean>;
  /** Keeps it under any address. Whether it is kept now. */
  put(key: string, content: Response): Promise<boolean>;
  /**
   * Of the files that lie in `folder`, only these stay: called when they have proved themselves. What is in folders below it is
   * others': a bundle at the root of a site has the runtime and all other bundles there. `folder` ends with a slash.
   */
  dropOthers(folder: string, files: readonly RemoteFile[]): Promise<void>;
  /** True once something was not kept for want of room: everything works, and is not ready offline. */
  isFull(): boolean;
}

export const FILES = 'pocketgen-files';

/** The address a file is kept under: its own plus its hash, so that a new version never meets an old copy. */
export function storeKey(file: RemoteFile): string {
  const key = new URL(file.url);
  key.searchParams.set('sha256', file.sha256);
  return key.href;
}

export async function isIntact(file: RemoteFile, bytes: Uint8Array): Promise<boolean> {
  if (file.rewritten === true) return bytes.length > 0;
  return bytes.length === file.bytes && (await sha256Hex(bytes)) === file.sha256;
}

export interface StoreOptions {
  fetch?: typeof fetch | undefined;
  /** A name in Cache Storage, a cache, or nothing. */
  cache: string | FileCache | undefined;
}

export function createStore({ fetch: own, cache }: StoreOptions): Store {
  const anything = withLocal(own ?? ((input, init) => fetch(input, init)));
  const get: typeof fetch = (input, init) =>
    anything(input, init).catch((error: unknown) => {
      throw error instanceof TypeError ? new Unanswered(String(input), error) : error;
    });
  let full = false;

  /** Cache Storage is missing outside secure contexts and may refuse in private windows: then nothing is kept. */
  async function open(): Promise<FileCache | undefined> {
    if (typeof cache !== 'string') return cache;
    try {
      return await caches.open(cache);
    } catch {
      return undefined;
    }
  }

  async function read(file: RemoteFile, options: ReadOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    options.signal?.throwIfAborted();
    const store = await open();
    const kept = await store?.match(storeKey(file));
    let damaged = false;
    if (kept !== undefined) {
      const bytes = new Uint8Array(await kept.arrayBuffer());
      if (await isIntact(file, bytes)) {
        options.onProgress?.(file.bytes);
        return bytes;
      }
      damaged = true;
      await store?.delete(storeKey(file));
      options.onDamaged?.(file);
    }
    let bytes = await download(get, file, damaged, options);
    if (!(await isIntact(file, bytes))) {
      // A stale or damaged copy in the HTTP cache is worth one more try that goes around it.
      if (!damaged) {
        options.onDamaged?.(file);
        bytes = await download(get, file, true, options);
      }
      if (damaged || !(await isIntact(file, bytes)))
        throw new OtherFile(
          `${nameOf(file)}: expected ${file.bytes} bytes of SHA-256 ${file.sha256}, got another file${hintOf(file)}`,
        );
    }
    if (!isLocal(file)) await put(storeKey(file), new Response(bytes, { headers: headersOf(file) }));
    return bytes;
  }

  async function put(key: string, content: Response): Promise<boolean> {
    const store = await open();
    try {
      await store?.put(key, content);
      return store !== undefined;
    } catch (error) {
      full ||= error instanceof DOMException && error.name === 'QuotaExceededError';
      return false;
    }
  }

  return {
    fetch: get,
    open,
    read,
    put,
    isKept: async (file) => isLocal(file) || (await (await open())?.match(storeKey(file))) !== undefined,
    async dropOthers(folder, files) {
      const store = await open();
      const wanted = new Set(files.map(storeKey));
      for (const { url } of (await store?.keys()) ?? [])
        if (new URL('.', url).href === folder && url.includes('sha256=') && !wanted.has(url)) await store?.delete(url);
    },
    isFull: () => full,
  };
}

function headersOf(file: RemoteFile): Record<string, string> {
  const type = /\.m?js$/.test(file.url) ? 'text/javascript' : 'application/octet-stream';
  // The page may be cross-origin isolated, and the loader is the script of worker threads.
  return {
    'Content-Type': file.url.endsWith('.wasm') ? 'application/wasm' : type,
    'Cross-Origin-Embedder-Policy': 'require-corp',
  };
}

/** On a disk, where it needs no copy. */
const isLocal = ({ url }: RemoteFile) => url.startsWith('file:');

const hintOf = ({ hint }: RemoteFile) => (hint === undefined ? '' : `; ${hint}`);

/** Throws UserError where a host answers a page of its own instead of a file it does not have. */
export function refuseHtml(response: Response, name: string, hint = 'it may not be there, or not be public'): void {
  if (/^text\/html\b/.test(response.headers.get('Content-Type') ?? ''))
    throw new UserError(`${name}: expected the file, got a web page (HTML) from the server; ${hint}`);
}

/** A download from which nothing comes for so long is given up. */
const SILENCE_LIMIT = 20_000;

function download(
  get: typeof fetch,
  file: RemoteFile,
  fresh: boolean,
  options: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return patiently(SILENCE_LIMIT, options.signal, async (signal, heard) => {
    const response = await get(file.url, { cache: fresh ? 'reload' : 'default', signal });
    if (!response.ok || response.body === null)
      throw new UserError(
        `${nameOf(file)}: expected the file, got status ${response.status} from the server${hintOf(file)}`,
      );
    refuseHtml(response, nameOf(file), file.hint);
    if (file.rewritten === true) {
      const script = new Uint8Array(await response.arrayBuffer());
      // Shorter by a minifier, or longer by a development server's source map; the total counts what it was.
      options.onProgress?.(file.bytes);
      return script;
    }
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

export function nameOf(file: Pick<RemoteFile, 'url'>): string {
  return decodeURIComponent(new URL(file.url).pathname.split('/').pop() ?? file.url);
}
