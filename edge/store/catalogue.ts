// What is published, as a server knows it: the index, read again when it is some seconds old, and the shards that were asked
// for. The index names a shard by its content, so only those that a publish has changed are read anew.
import {
  EMPTY_INDEX,
  INDEX_KEY,
  type PublishedModel,
  parseIndex,
  parseShard,
  type ShardDigit,
  type StoreIndex,
  shardKey,
  shardOf,
} from '../../contract/published.ts';
import { type ReadableStore, readContent } from './objects.ts';
import type { Once } from './once.ts';

/** An index that is so many times as old as it should be is waited for. */
const STALE = 6;
/** Milliseconds. The same for a name that it does not have: who has just published a model looks at it next. */
const STALE_FOR_UNKNOWN_MS = 1_000;

export interface Catalogue {
  /** Throws UserError where the store cannot be read. */
  find(name: string, version: string | undefined): Promise<PublishedModel | undefined>;
  all(): Promise<readonly PublishedModel[]>;
  /** Why the last look at the index failed; what was known before is served on. */
  trouble(): string | undefined;
}

interface Shard {
  sha256: string;
  models: ReadonlyMap<string, PublishedModel>;
}

/** `freshMs`: the index is read again when it is older; until that is done, the old one is used. */
export function openCatalogue(store: ReadableStore, freshMs: number, once: Once): Catalogue {
  const staleMs = freshMs * STALE;
  let known: { index: StoreIndex; etag: string | undefined; at: number } | undefined;
  let trouble: string | undefined;
  const shards = new Map<ShardDigit, Shard>();

  async function read(): Promise<void> {
    try {
      const object = await store.get(INDEX_KEY, known?.etag);
      const at = Date.now();
      // An index is never taken away: a store that has none any more is one that went away.
      if (object === undefined && known?.etag !== undefined)
        throw new Error(`expected ${INDEX_KEY}, got none any more`);
      if (object === undefined) known = { index: EMPTY_INDEX, etag: undefined, at };
      else if (object === 'unchanged') known = { index: EMPTY_INDEX, etag: undefined, ...known, at };
      else known = { index: parseIndex(object.bytes), etag: object.etag, at };
      trouble = undefined;
    } catch (error) {
      if (known === undefined) throw error;
      known.at = Date.now();
      trouble = `${store.where}: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** Waits only where what is known is older than `stale`. */
  async function indexOf(stale: number): Promise<StoreIndex> {
    const age = known === undefined ? Number.POSITIVE_INFINITY : Date.now() - known.at;
    const reading = age >= Math.min(freshMs, stale) ? once(INDEX_KEY, read) : undefined;
    if (age >= stale) await reading;
    return known?.index ?? EMPTY_INDEX;
  }

  async function shard(index: StoreIndex, digit: ShardDigit): Promise<Shard['models']> {
    const sha256 = index.shards[digit];
    if (sha256 === undefined) return new Map();
    const before = shards.get(digit);
    if (before?.sha256 === sha256) return before.models;
    const key = shardKey(sha256);
    return once(key, async () => {
      const models = new Map(parseShard(key, await readContent(store, key)).map((model) => [model.name, model]));
      shards.set(digit, { sha256, models });
      return models;
    });
  }

  /** A shard that is gone was pruned after a newer index took its place, which is read then. */
  async function newest<T>(stale: number, look: (index: StoreIndex) => Promise<T>): Promise<T> {
    const index = await indexOf(stale);
    try {
      return await look(index);
    } catch (error) {
      const newer = await indexOf(0);
      if (newer === index) throw error;
      return look(newer);
    }
  }

  return {
    async find(name, version) {
      const digit = await shardOf(name);
      const look = async (index: StoreIndex) => {
        const model = (await shard(index, digit)).get(name);
        const has = version === undefined || model?.versions.some((one) => one.version === version);
        return has ? model : undefined;
      };
      return (await newest(staleMs, look)) ?? newest(Math.min(staleMs, STALE_FOR_UNKNOWN_MS), look);
    },
    all: () =>
      newest(staleMs, async (index) => {
        const digits = Object.keys(index.shards) as ShardDigit[];
        const all = await Promise.all(digits.map((digit) => shard(index, digit)));
        return all.flatMap((models) => [...models.values()]);
      }),
    trouble: () => trouble,
  };
}
