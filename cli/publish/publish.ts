// Publishing, taking back, and what stays: the five things that are done to a store. docs/publish.md is the user's side.
import { UserError } from '../../contract/errors.ts';
import {
  blobKey,
  contentOf,
  manifestKey,
  type PublishedModel,
  type PublishedVersion,
  parsePublishedManifest,
  publishedSummary,
  shardKey,
} from '../../contract/published.ts';
import { versionedName } from '../../contract/version.ts';
import { isUnfinished } from '../../edge/store/folder.ts';
import { type ObjectStore, readContent } from '../../edge/store/objects.ts';
import type { CheckedBundle } from './bundle.ts';
import { changeModel, readIndex, readModels } from './change.ts';

/** Versions of a name that are kept, the current one among them. */
export const KEPT = 5;
/** Younger objects may belong to a publish under way. */
const PRUNE_AFTER_MS = 3_600_000;
/** Servers may go on reading by an earlier index for so long. */
const SETTLED_MS = 120_000;

const nameAndVersions = ({ name, versions }: PublishedModel): string =>
  versions.map(({ version }) => versionedName(name, version)).join(', ');

function notPublished(store: ObjectStore, name: string): UserError {
  return new UserError(`${store.where}: expected a published model, got ${name}; pocketgen list shows those there are`);
}

function versionOf(model: PublishedModel, version: string): PublishedVersion {
  const entry = model.versions.find((one) => one.version === version);
  if (entry !== undefined) return entry;
  throw new UserError(`version: expected one that is kept (${nameAndVersions(model)}), got ${version}`);
}

export interface Publication {
  /** False: the store had this very bundle as the current version already. */
  changed: boolean;
  /** Versions that are kept no longer. */
  dropped: string[];
}

/** Makes the bundle the current version of its name, and drops the oldest ones beyond `keep`. */
export async function publishBundle(store: ObjectStore, bundle: CheckedBundle, keep = KEPT): Promise<Publication> {
  const { manifest, version, manifestSha256, manifestBytes, blobs, extras } = bundle;
  const { name } = manifest;
  const entry: PublishedVersion = { version, published: new Date().toISOString(), manifest: manifestSha256, extras };
  const objects: [string, Uint8Array<ArrayBuffer>][] = [
    ...[...blobs].map(([sha256, bytes]): [string, Uint8Array<ArrayBuffer>] => [blobKey(sha256), bytes]),
    [manifestKey(name, entry), manifestBytes],
  ];
  let written = false;
  let publication: Publication = { changed: false, dropped: [] };

  await changeModel(store, name, async (model) => {
    const same = model?.versions.find((one) => sameFiles(one, entry));
    if (model !== undefined && same !== undefined && model.current === version) return model;
    // What this index names is there; anything else is written, even if an object of that name lies about, so that it is
    // young and a prune at the same time leaves it alone.
    if (same === undefined && !written) {
      for (const [key, bytes] of objects) await store.put(key, bytes);
      written = true;
    }
    const others = model?.versions.filter((one) => one.version !== version) ?? [];
    const versions = [entry, ...others];
    publication = { changed: true, dropped: versions.slice(keep).map((one) => one.version) };
    return { ...publishedSummary(manifest), current: version, versions: versions.slice(0, keep) };
  });

  // Reading it back is the proof, and puts right what a prune at the very same moment may have taken.
  for (const [key, bytes] of objects) {
    await readContent(store, key).catch(async () => {
      await store.put(key, bytes);
      await readContent(store, key);
    });
  }
  return publication;
}

/** Whether two entries have the same files; when they were published is another matter. */
function sameFiles(a: PublishedVersion, b: PublishedVersion): boolean {
  const files = ({ version, manifest, extras }: PublishedVersion) =>
    JSON.stringify([version, manifest, Object.entries(extras).sort()]);
  return files(a) === files(b);
}

/** Makes an earlier version the current one: the one published before the current, or the one named. Returns it. */
export async function rollback(store: ObjectStore, name: string, version?: string): Promise<string> {
  let chosen = version;
  await changeModel(store, name, async (model) => {
    if (model === undefined) throw notPublished(store, name);
    const at = model.versions.findIndex((one) => one.version === model.current);
    // The one before is looked up once: asked again, its own change may have been made already.
    const entry = chosen === undefined ? model.versions[at + 1] : versionOf(model, chosen);
    if (entry === undefined)
      throw new UserError(`${name}: expected a version before ${model.current}, got none that is kept`);
    chosen = entry.version;
    if (entry.version === model.current) return model;
    const key = manifestKey(name, entry);
    const manifest = parsePublishedManifest(key, await readContent(store, key));
    return { ...publishedSummary(manifest), current: entry.version, versions: model.versions };
  });
  return chosen ?? '';
}

/** Takes a model back, or one version of it that is not the current one. */
export async function unpublish(store: ObjectStore, name: string, version: string | undefined): Promise<void> {
  await changeModel(store, name, async (model) => {
    if (model === undefined) throw notPublished(store, name);
    if (version === undefined) return undefined;
    const entry = versionOf(model, version);
    if (version === model.current)
      throw new UserError(
        `version: expected one that is not the current one, got ${version}; roll back first, or unpublish ${name} whole`,
      );
    return { ...model, versions: model.versions.filter((one) => one !== entry) };
  });
}

/** All models of the store, by name. */
export async function listModels(store: ObjectStore): Promise<PublishedModel[]> {
  return readModels(store, (await readIndex(store)).index);
}

/**
 * Takes away what the index does not name and nobody has written within the last hour. Returns how many objects that were.
 * Throws UserError where there is no index, and where it was changed a moment ago: what that change has dropped may still be read.
 */
export async function prune(store: ObjectStore): Promise<number> {
  const { index, etag } = await readIndex(store);
  if (etag === undefined)
    throw new UserError(`${store.where}: expected a store, got a place in which nothing was ever published`);
  const now = Date.now();
  const age = now - Date.parse(index.updated);
  if (age < SETTLED_MS)
    throw new UserError(
      `${store.where}: expected no change within the last ${SETTLED_MS / 1000} s, got one ${Math.round(age / 1000)} s ago; prune it later`,
    );
  const models = await readModels(store, index);
  const kept = new Set(
    Object.values(index.shards).flatMap((sha256) => (sha256 === undefined ? [] : [shardKey(sha256)])),
  );
  for (const { name, versions } of models) {
    for (const entry of versions) {
      const key = manifestKey(name, entry);
      const { files } = parsePublishedManifest(key, await readContent(store, key));
      kept.add(key);
      for (const sha256 of [...files.map((file) => file.sha256), ...Object.values(entry.extras)])
        kept.add(blobKey(sha256));
    }
  }
  let removed = 0;
  for await (const { key, modified } of store.list()) {
    const ours = contentOf(key) !== undefined || isUnfinished(key);
    if (!ours || kept.has(key) || modified >= now - PRUNE_AFTER_MS) continue;
    await store.remove(key);
    removed++;
  }
  return removed;
}
