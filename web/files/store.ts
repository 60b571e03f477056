// Large files (runtimes, models) kept on the device in Cache Storage, always checked against their SHA-256: a damaged
// copy is thrown away and fetched again. Downloads report their bytes and can be cancelled.
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';

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

/** WebCrypto exists in secure contexts only; elsewhere the goldens are the check. */
async function isIntact(file: RemoteFile, bytes: Uint8Array): Promise<boolean> {
  if (bytes.length !== file.bytes) return false;
  return !isSecureContext || (await sha256Hex(bytes)) === file.sha256;
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
  if (store === undefined) return;
  try {
    const type = file.url.endsWith('.mjs') ? 'text/javascript' : 'application/octet-stream';
    // The page may be cross-origin isolated, and the loader is the script of worker threads.
    const headers = {
      'Content-Type': file.url.endsWith('.wasm') ? 'application/wasm' : type,
      'Cross-Origin-Embedder-Policy': 'require-corp',
    };
    await store.put(storeKey(file), new Response(bytes, { headers }));
    for (const other of await store.keys()) if (isSuperseded(other.url, file)) await store.delete(other);
  } catch {
    // Out of quota: the page works, and does not claim to be ready offline.
  }
}

/** A bundle keeps one file on the device, whatever it was called in an older version; a runtime one of each name. */
function isSuperseded(kept: string, by: RemoteFile): boolean {
  if (kept === storeKey(by)) return false;
  const [old, next] = [new URL(kept).pathname, new URL(by.url).pathname];
  const folder = next.slice(0, next.lastIndexOf('/') + 1);
  return next.endsWith('.onnx') ? old.startsWith(folder) : old === next;
}

async function download(file: RemoteFile, fresh: boolean, options: FileOptions): Promise<Uint8Array<ArrayBuffer>> {
  const request: RequestInit = { cache: fresh ? 'reload' : 'default' };
  if (options.signal !== undefined) request.signal = options.signal;
  const response = await fetch(file.url, request);
  if (!response.ok || response.body === null)
    throw new UserError(`${nameOf(file)}: expected the file, got status ${response.status} from the server`);
  const bytes = new Uint8Array(file.bytes);
  let loaded = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, loaded);
    if (loaded + value.length > file.bytes) {
      await reader.cancel();
      return new Uint8Array(); // longer than it should be: another file
    }
    bytes.set(value, loaded);
    loaded += value.length;
    options.onProgress?.(loaded);
  }
}

function nameOf(file: RemoteFile): string {
  return decodeURIComponent(new URL(file.url).pathname.split('/').pop() ?? file.url);
}
