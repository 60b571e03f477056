// How a store changes: everything new is written first, under names of its own, and the index last, on condition that nobody
// has replaced it meanwhile. Who is stopped before that has changed nothing; who comes second reads again and goes on.
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import {
  EMPTY_INDEX,
  encodeIndex,
  encodeShard,
  INDEX_KEY,
  type PublishedModel,
  parseIndex,
  parseShard,
  type ShardDigit,
  type StoreIndex,
  shardKey,
  shardOf,
} from '../../contract/published.ts';
import { type ObjectStore, readContent } from '../../edge/store/objects.ts';

/** So often may others be faster; each time one of them has got its change in. */
const ATTEMPTS = 100;
const LONGEST_WAIT_MS = 300;

/** The index as it is now; an empty one, without an etag, where nothing was published yet. */
export async function readIndex(store: ObjectStore): Promise<{ index: StoreIndex; etag: string | undefined }> {
  const object = await store.get(INDEX_KEY);
  if (object === undefined || object === 'unchanged') return { index: EMPTY_INDEX, etag: undefined };
  return { index: parseIndex(object.bytes), etag: object.etag };
}

async function readShard(store: ObjectStore, index: StoreIndex, digit: ShardDigit): Promise<PublishedModel[]> {
  const sha256 = index.shards[digit];
  if (sha256 === undefined) return [];
  const key = shardKey(sha256);
  return parseShard(key, await readContent(store, key));
}

/** Whether the index has these bytes: a store that is asked again after a lost answer says that somebody was faster. */
async function isIndex(store: ObjectStore, bytes: Uint8Array): Promise<boolean> {
  const object = await store.get(INDEX_KEY);
  return typeof object === 'object' && Buffer.compare(object.bytes, bytes) === 0;
}

/** All models of an index, by name. */
export async function readModels(store: ObjectStore, index: StoreIndex): Promise<PublishedModel[]> {
  const digits = Object.keys(index.shards) as ShardDigit[];
  const shards = await Promise.all(digits.map((digit) => readShard(store, index, digit)));
  return shards.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Changes one model. `edit` is given what the store has of it and returns what it is to have: undefined to remove it, the
 * same object for no change. It is asked again when another change was faster, or when its own was made and the answer lost, and must
 * have written whatever its answer names before it returns. Throws what `edit` throws.
 */
export async function changeModel(
  store: ObjectStore,
  name: string,
  edit: (model: PublishedModel | undefined) => Promise<PublishedModel | undefined>,
): Promise<void> {
  const digit = await shardOf(name);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { index, etag } = await readIndex(store);
    const models = await readShard(store, index, digit);
    const before = models.find((model) => model.name === name);
    const after = await edit(before);
    if (after === before) return;
    const others = models.filter((model) => model !== before);
    const shards = { ...index.shards };
    delete shards[digit];
    if (after !== undefined || others.length > 0) {
      const bytes = encodeShard(after === undefined ? others : [...others, after]);
      const sha256 = await sha256Hex(bytes);
      await store.put(shardKey(sha256), bytes);
      shards[digit] = sha256;
    }
    const next = encodeIndex({ ...index, updated: new Date().toISOString(), shards });
    if ((await store.replaceIndex(next, etag)) || (await isIndex(store, next))) return;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_WAIT_MS));
  }
  throw new UserError(
    `${store.where}: expected to be the only one to publish now and then, got ${ATTEMPTS} others; try again`,
  );
}
