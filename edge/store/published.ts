// Models of a store (contract/published.ts): an R2 bucket on Workers, a folder on Node. What is published is served within
// seconds; a model is opened when it is first drawn with, after its hash and a golden were checked.
import type { Completer } from '../../contract/completer.ts';
import type { Encoder } from '../../contract/encoder.ts';
import { UserError } from '../../contract/errors.ts';
import { completerFile, encoderFile } from '../../contract/lookup.ts';
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
import { splitVersion, versionedName } from '../../contract/version.ts';
import {
  type BundleSource,
  type Engine,
  type ModelEntry,
  type Models,
  type OpenCompleter,
  type OpenEncoder,
  openCompleter,
  openEncoder,
  openModel,
  type ServedModel,
} from '../models.ts';
import { Problem } from '../problem.ts';
import type { FileStream, ModelFiles } from '../services.ts';
import { openCatalogue } from './catalogue.ts';
import { readContent, type ServedStore } from './objects.ts';
import { createOnce, type KeepAlive } from './once.ts';
import { createShelf, openBytes } from './shelf.ts';

export interface PublishedOptions {
  /** One that draws the goldens byte for byte: wasmEngine. */
  engine: Engine;
  /** Bytes of memory for models that are open at the same time, as openBytes estimates them; 40 MiB if absent. */
  room?: number | undefined;
  /** Goldens compared when a model is opened, at least one; all if absent. */
  goldens?: number | undefined;
  /** Milliseconds: the index is read again when it is older; ten seconds if absent. */
  freshMs?: number | undefined;
  /** On Workers `waitUntil`, so that who begins to open a model may leave before it is open. */
  keepAlive?: KeepAlive | undefined;
}

/**
 * What an isolate of a Worker, which has 128 MB, can give to open models: ONNX Runtime takes 16 MiB before the first and grows
 * by a fifth at a time; the rest is JavaScript's, pictures being made and files passing through.
 */
export const ISOLATE_ROOM = 40 * 2 ** 20;
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
  const { engine, room = ISOLATE_ROOM, goldens = Number.POSITIVE_INFINITY, freshMs = FRESH_MS } = options;
  const { keepAlive = () => {} } = options;
  const once = createOnce(keepAlive);
  const catalogue = openCatalogue(store, freshMs, once);
  const shelf = createShelf<ServedModel | OpenEncoder | OpenCompleter>(room, once);
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

  const sourceOf = (label: string, { name, version }: Wanted, sha256: string): BundleSource => ({
    name: label,
    manifest: () => manifestOf(name, version),
    created: async () => secondsOf(version),
    read: () => readContent(store, blobKey(sha256)),
  });

  /** What `open` opens; why it failed, if it does, is told in /healthz. */
  async function noted<T>(label: string, open: () => Promise<T>): Promise<T> {
    try {
      const opened = await open();
      failed.delete(label);
      return opened;
    } catch (error) {
      failed.set(label, { reason: error instanceof Error ? error.message : String(error), at: Date.now() });
      throw error;
    }
  }

  function use<T>(wanted: Wanted, work: (model: ServedModel) => Promise<T>): Promise<T> {
    const { name, version, file } = wanted;
    const label = versionedName(name, version.version);
    const start = () => noted(label, () => openModel(sourceOf(label, wanted, file.network), engine, goldens));
    return shelf.use(version.manifest, openBytes(file), start, (one) => {
      if (!isModel(one)) throw new Error(`${label}: expected a generator on its shelf`);
      return work(one);
    });
  }

  /** An encoder has a place of its own: it goes when nobody sends pictures, and its generator stays. */
  async function encodeBy<T>(wanted: Wanted, work: (encoder: Encoder) => Promise<T>): Promise<T> {
    const { name, version } = wanted;
    const file = encoderFile(await manifestOf(name, version));
    const label = `${versionedName(name, version.version)} encoder`;
    const start = () => noted(label, () => openEncoder(sourceOf(label, wanted, file.sha256), engine, goldens));
    return shelf.use(`${version.manifest} encoder`, openBytes(file), start, (one) => {
      if (isModel(one) || !('encoder' in one)) throw new Error(`${label}: expected an encoder on its shelf`);
      return work(one.encoder);
    });
  }

  /** So has a completer. */
  async function completeBy<T>(wanted: Wanted, work: (completer: Completer) => Promise<T>): Promise<T> {
    const { name, version } = wanted;
    const file = completerFile(await manifestOf(name, version));
    const label = `${versionedName(name, version.version)} completer`;
    const start = () => noted(label, () => openCompleter(sourceOf(label, wanted, file.sha256), engine, goldens));
    return shelf.use(`${version.manifest} completer`, openBytes(file), start, (one) => {
      if (isModel(one) || !('completer' in one)) throw new Error(`${label}: expected a completer on its shelf`);
      return work(one.completer);
    });
  }

  const entryOf = (summary: PublishedSummary, version: PublishedVersion): ModelEntry => {
    const { network, ...known } = summary;
    const open = shelf.peek(version.manifest);
    return {
      ...known,
      ...{ version: version.version, hash: network, created: secondsOf(version), changes: false },
      opened: open && isModel(open) ? { provider: open.provider, openMs: open.openMs } : undefined,
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
      return work({
        entry: entryOf(summary, entry),
        manifest,
        async open() {
          const wanted = { name, version: entry, file: summary };
          const served = await use(wanted, async (model) => model);
          return {
            ...served,
            generator: {
              manifest: served.manifest,
              generate: (requests) => use(wanted, ({ generator }) => generator.generate(requests)),
              decode: (latents, weights) => use(wanted, ({ generator }) => generator.decode(latents, weights)),
            },
            encoder: async () => ({
              encode: (pictures, weights) => encodeBy(wanted, (encoder) => encoder.encode(pictures, weights)),
            }),
            completer: async () => ({
              complete: (completions) => completeBy(wanted, (completer) => completer.complete(completions)),
            }),
            close: async () => {}, // the shelf's business
          };
        },
      });
    },
    async pageList() {
      return (await all()).map((model) => listedModel({ ...model, version: model.current }, false));
    },
    async file(named, path) {
      const { name, version } = splitVersion(named);
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

const isModel = (one: ServedModel | OpenEncoder | OpenCompleter): one is ServedModel => 'generator' in one;

const secondsOf = ({ published }: PublishedVersion): number => Math.floor(Date.parse(published) / 1000);

function versionOf({ name, versions }: PublishedModel, version: string): PublishedVersion {
  const entry = versions.find((one) => one.version === version);
  if (entry === undefined) throw new Error(`${name}: expected version ${version} in its entry, got none`);
  return entry;
}

const currentOf = (model: PublishedModel): PublishedVersion => versionOf(model, model.current);
