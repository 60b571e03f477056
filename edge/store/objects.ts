// What a store of published models lies in: an R2 bucket, a folder, a server's own store over HTTP. Reading needs `get`
// alone; whoever publishes needs the rest. contract/published.ts says which objects there are.
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { contentOf } from '../../contract/published.ts';

/** Answers of a store over HTTP have it, so that nobody takes another server's 404 for an empty store. */
export const STORE_HEADER = 'X-Pocketgen-Store';

export interface StoredObject {
  bytes: Uint8Array<ArrayBuffer>;
  /** Stands for these bytes under this key; another after the object was replaced. */
  etag: string;
}

export interface ReadableStore {
  /** For messages: `bucket pocketgen-models`, a folder's path. */
  readonly where: string;
  /** Undefined: there is no such object. `unchanged`: its etag is still `known`. */
  get(key: string, known?: string): Promise<StoredObject | 'unchanged' | undefined>;
}

/** A store that a server reads: files of models are passed on without being held whole. */
export interface ServedStore extends ReadableStore {
  stream(key: string): Promise<ReadableStream | undefined>;
}

export interface ListedObject {
  key: string;
  /** When it was written, in milliseconds since 1970. */
  modified: number;
}

export interface ObjectStore extends ReadableStore {
  /** Writes an object that is named by its content; writing it again is as good as once. */
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Replaces the index if its etag is still `known` (undefined: if there is none yet). False, and nothing is written, if
   * somebody else was faster.
   */
  replaceIndex(bytes: Uint8Array<ArrayBuffer>, known: string | undefined): Promise<boolean>;
  list(): AsyncIterable<ListedObject>;
  remove(key: string): Promise<void>;
}

/** An object that is named by its content, checked against its name. Throws UserError if it is missing or another. */
export async function readContent(store: ReadableStore, key: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await store.get(key);
  if (object === undefined || object === 'unchanged')
    throw new UserError(`${store.where}: expected ${key}, got no such object; publish the model again`);
  const hash = await sha256Hex(object.bytes);
  if (hash !== contentOf(key))
    throw new UserError(`${store.where}: expected ${key} to have that SHA-256, got ${hash}; publish the model again`);
  return object.bytes;
}
