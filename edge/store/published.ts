// Models of a store (contract/published.ts): an R2 bucket on Workers, a folder on Node. What is published is served within
// seconds; a model is opened when it is first drawn with, after its hash and a golden were checked.
import { UserError } from '../../contract/errors.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { listedModel } from '../../contract/model-list.ts';
import {
  blobKey,
  manifestKey,
  type PublishedModel,
  type PublishedSummary,
  type PublishedVersion,
  parsePublishedManifest,
  publishedSummary,
} from '../../contract/published.ts';
import { versionedName } from '../../contract/version.ts';
import type { Engine, ModelEntry, Models } from '../models.ts';
import { Problem } from '../problem.ts';
import type { FileStream, ModelFiles } from '../services.ts';
import { openCatalogue } from './catalogue.ts';
import { readContent, type ServedStore } from './objects.ts';
import { type ModelShelf, modelShelf, onShelf, openedOn, type Shelved, type Shelving } from './shelved.ts';

export interface PublishedOptions {
  /** One that draws the goldens byte for byte: wasmEngine. */
  engine: Engine;
  /** Where they stand while they are open; one of their own if absent. */
  shelf?: ModelShelf | undefined;
  /** Goldens compared when a model is opened, at least one; all if absent. */
  goldens?: number | undefined;
  /** Milliseconds: the index is read again when it is older; ten seconds if absent. */
  freshMs?: number | undefined;
}

const FRESH_MS = 10_000;

/** A version of a model, and the file it draws with. */
interface Wanted {
  name: string;
  version: PublishedVersion;
  file: PublishedSummary;
}

/** Of manifests that are kept in memory, as text. */
const MANIFEST_BYTES = 8 * 2 ** 20;
/** So long is told what failed: it may have been taken back since. */
const FAILED_MS = 600_000;
const MANIFEST_FILE = 'model.json';

/** The models of a store, and their files for a page. Its errors are UserErrors or 503 Problems that say what is wrong. */
export function publishedModels(store: ServedStore, options: PublishedOptions): Models & ModelFiles {
  const { engine, shelf = modelShelf(), goldens = Number.POSITIVE_INFINITY, freshMs = FRESH_MS } = options;
  const { once } = shelf;
  const catalogue = openCatalogue(store, freshMs, once);
  /** The one that was not asked for longest first. */
  const manifests = new Map<string, { manifest: Manifest; bytes: number }>();
  const failed = new Map<string, { reason: string; at: number }>();

  async function manifestOf(name: string, version: PublishedVersion): Promise<Manifest> {
    const key = manifestKey(name, version);
    const known = manifests.get(key);
    if (known !== undefined) {
      manifests.delete(key);
      manifests.set(key, known);
      return known.manifest;
    }
    return once(key, async () => {
      const bytes = await readContent(store, key);
      const manifest = parsePublishedManifest(key, bytes);
      manifests.set(key, { manifest, bytes: bytes.length });
      let held = [...manifests.values()].reduce((sum, one) => sum + one.bytes, 0);
      for (const [oldest, { bytes: size }] of manifests) {
        if (held <= MANIFEST_BYTES || oldest === key) break;
        manifests.delete(oldest);
        held -= size;
      }
      return manifest;
    });
  }

  /** Why something failed to open is told in /healthz. */
  const shelving: Shelving = {
    ...{ engine, shelf, goldens },
    went(label, error) {
      if (error === undefined) failed.delete(label);
      else failed.set(label, { reason: error instanceof Error ? error.message : String(error), at: Date.now() });
    },
  };

  function shelved({ name, version, file }: Wanted): Shelved {
    const manifest = () => manifestOf(name, version);
    return {
      ...{ key: version.manifest, generator: file, manifest },
      source: {
        name: versionedName(name, version.version),
        manifest,
        created: async () => secondsOf(version),
        async read(path) {
          const named = (await manifest()).files.find((one) => one.path === path);
          if (named === undefined) throw new Error(`${name}: expected ${path} in its manifest, got none`);
          return readContent(store, blobKey(named.sha256));
        },
      },
    };
  }

  const entryOf = (summary: PublishedSummary, version: PublishedVersion): ModelEntry => {
    const { network, ...known } = summary;
    return {
      ...known,
      ...{ version: version.version, hash: network, created: secondsOf(version), changes: false },
      opened: openedOn(shelf, version.manifest),
    };
  };

  /** Who draws by a network compares its hash, so it is not held here for that. */
  const streamOf = (sha256: string): FileStream => ({
    etag: sha256.slice(0, 32),
    body: () => store.stream(blobKey(sha256)),
  });

  /** Newest first. */
  async function all(): Promise<PublishedModel[]> {
    const models = await catalogue.all();
    return [...models].sort((a, b) => (currentOf(a).published > currentOf(b).published ? -1 : 1));
  }

  async function find(name: string, version: string | undefined) {
    const model = await catalogue.find(name, version).catch((error: unknown) => {
      const reason = error instanceof UserError ? error.message : `${store.where} does not answer`;
      throw new Problem(503, `published models cannot be read: ${reason}`);
    });
    return model && { model, entry: versionOf(model, version ?? model.current) };
  }

  return {
    list: async () => (await all()).map((model) => entryOf(model, currentOf(model))),
    failed() {
      const trouble = catalogue.trouble();
      const told = trouble === undefined ? [] : [['published models', trouble] as const];
      for (const [label, { at }] of failed) if (Date.now() - at > FAILED_MS) failed.delete(label);
      return new Map([...[...failed].map(([label, { reason }]) => [label, reason] as const), ...told]);
    },
    async lend(name, version, work) {
      const found = await find(name, version);
      if (found === undefined) return undefined;
      const { model, entry } = found;
      const manifest = () => manifestOf(name, entry);
      const summary = entry.version === model.current ? model : publishedSummary(await manifest());
      const networks = onShelf(shelved({ name, version: entry, file: summary }), shelving);
      return work({ entry: entryOf(summary, entry), manifest, ...networks });
    },
    async pageList() {
      return (await all()).map((model) => listedModel({ ...model, version: model.current }, false));
    },
    async file(name, version, path) {
      const found = await find(name, version);
      if (found === undefined) return undefined;
      const { model, entry } = found;
      if (path === MANIFEST_FILE) return readContent(store, manifestKey(name, entry));
      const extra = entry.extras[path];
      if (extra !== undefined) return streamOf(extra);
      // Whoever has read an earlier manifest may ask for its network under the name alone.
      const others = version === undefined ? model.versions.filter((one) => one !== entry) : [];
      for (const one of [entry, ...others]) {
        const file = (await manifestOf(name, one)).files.find((each) => each.path === path);
        if (file !== undefined) return streamOf(file.sha256);
      }
      return undefined;
    },
  };
}

const secondsOf = ({ published }: PublishedVersion): number => Math.floor(Date.parse(published) / 1000);

function versionOf({ name, versions }: PublishedModel, version: string): PublishedVersion {
  const entry = versions.find((one) => one.version === version);
  if (entry === undefined) throw new Error(`${name}: expected version ${version} in its entry, got none`);
  return entry;
}

const currentOf = (model: PublishedModel): PublishedVersion => versionOf(model, model.current);
