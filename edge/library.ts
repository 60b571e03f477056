// The models folder of a Node server. It is looked at again every second: a bundle that appears, is replaced or is removed
// is taken over without a restart, after its checks; requests under way finish on the bundle they began with.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256Hex } from '../contract/bundle.ts';
import { UserError } from '../contract/errors.ts';
import { nameSchema } from '../contract/manifest.ts';
import { type ListedModel, listedModel } from '../contract/model-list.ts';
import { parseTraining, TRAINING_FILE, type Training } from '../contract/training.ts';
import { folderSource, MANIFEST_FILE, manifestJson, modelFolders, readManifestText } from './bundles.ts';
import { createLoans } from './lending.ts';
import {
  type Beside,
  type BundleSource,
  entryOfOpen,
  type Loan,
  type ModelEntry,
  type Models,
  type ServedModel,
} from './models.ts';
import type { ModelFiles } from './services.ts';

export interface LibraryOptions {
  /** Folder of bundles, or one bundle. */
  folder: string;
  open(source: BundleSource): Promise<ServedModel & Beside>;
  /** Told what a user should know: a bundle that is not served. */
  notice(message: string): void;
}

/** In lists: what is being trained, then bundles, those made last before the others. */
export interface Library extends Models, ModelFiles {
  training(name: string): Training | undefined;
  /** Looks at the folder once. What has changed since the last look is waited for until it stays the same. */
  look(): Promise<void>;
  watch(everyMs: number): void;
  close(): void;
}

interface OpenBundle {
  model: ServedModel & Beside;
  entry: ModelEntry;
  loans: ReturnType<typeof createLoans>;
}

/** A folder and what is served from it. */
interface Shelf {
  folder: string;
  /** Names, sizes and times of its files when it was last looked at; undefined: no bundle. */
  stamp: string | undefined;
  /** When its manifest was written, or its training last told something: milliseconds since 1970. */
  made: number;
  /** The stamp that was opened or refused. */
  taken: string | undefined;
  open: OpenBundle | undefined;
  /** model.json of the bundle that is open. */
  text: string;
  sha256: string;
  /** Networks of this bundle and the ones before it, by file name. */
  networks: Map<string, Uint8Array<ArrayBuffer>>;
  error: string | undefined;
  /** Refused, as another shelf's bundle has this name: taken when that is free. */
  wanted: string | undefined;
  training: Training | undefined;
}

/** A page that has read a manifest asks for its network next; so long may it take, in bundles. */
const NETWORKS_KEPT = 3;
/** A training that has written nothing for so long was killed. */
const SILENT_MS = 180_000;
/** Bundles that a copy or a checkout writes one after another have no more than this between them. */
const ONE_COPY_MS = 10_000;

export async function openLibrary({ folder, open, notice }: LibraryOptions): Promise<Library> {
  const shelves = new Map<string, Shelf>();
  let served: ReadonlyMap<string, OpenBundle> = new Map();
  let failed: ReadonlyMap<string, string> = new Map();
  let started = false;
  let looking: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function retire(bundle: OpenBundle | undefined): Promise<void> {
    await bundle?.loans.ended();
    await bundle?.model.close();
  }

  /** Whose bundle is served by that name. */
  const shelfNamed = (name: string): Shelf | undefined =>
    [...shelves.values()].find((shelf) => shelf.open?.entry.name === name);

  /** Opens what lies on the shelf now; what was served from it goes on being served if that fails. */
  async function take(shelf: Shelf): Promise<void> {
    const before = shelf.open;
    shelf.taken = shelf.stamp;
    shelf.error = undefined;
    shelf.wanted = undefined;
    if (shelf.stamp === undefined) {
      Object.assign(shelf, { open: undefined, text: '', sha256: '' });
    } else {
      try {
        const { model, text, network } = await openFolder(shelf.folder, open);
        const { name } = model.manifest;
        const other = shelfNamed(name);
        if (other !== undefined && other !== shelf) {
          await model.close();
          shelf.wanted = name;
          throw new UserError(hasNameOf(name, other));
        }
        shelf.networks.delete(network.path);
        shelf.networks.set(network.path, network.bytes);
        for (const path of [...shelf.networks.keys()].slice(0, -NETWORKS_KEPT)) shelf.networks.delete(path);
        const sha256 = await sha256Hex(new TextEncoder().encode(text));
        const bundle: OpenBundle = { model, entry: await entryOfOpen(model), loans: createLoans() };
        Object.assign(shelf, { open: bundle, text, sha256 });
      } catch (error) {
        // Replaced while it was read: the next look takes the newer one.
        if (stampOf(shelf.folder) !== shelf.stamp) return;
        shelf.error = error instanceof Error ? error.message : String(error);
        const instead = before === undefined ? '' : '; the bundle before it is served on';
        notice(`${shelf.folder} is not served: ${shelf.error}${instead}`);
        return;
      }
    }
    arrange();
    // Not awaited: the newer one is served from now on, the other closes when nobody draws with it any more.
    void retire(before);
  }

  function arrange(): void {
    const ordered = newestFirst([...shelves.values()]);
    served = new Map(
      ordered.flatMap(({ open, training }) => {
        if (open === undefined) return [];
        return [[open.entry.name, { ...open, entry: { ...open.entry, changes: training !== undefined } }] as const];
      }),
    );
    failed = new Map(ordered.flatMap((s) => (s.error === undefined ? [] : [[basename(s.folder), s.error] as const])));
  }

  async function lookOnce(): Promise<void> {
    const seen = new Set(modelFolders(folder));
    for (const path of new Set([...shelves.keys(), ...seen])) {
      const stamp = seen.has(path) ? stampOf(path) : undefined;
      const shelf = shelves.get(path) ?? emptyShelf(path);
      shelves.set(path, shelf);
      shelf.training = seen.has(path) ? readTraining(path) : undefined;
      const settled = !started || shelf.stamp === stamp;
      shelf.stamp = stamp;
      shelf.made = Math.max(manifestTime(path), Date.parse(shelf.training?.updated ?? '') || 0);
      if (settled && shelf.taken !== stamp) await take(shelf);
      if (!seen.has(path) && shelf.open === undefined) shelves.delete(path);
    }
    // Its own files say nothing of a name that has become free: the other bundle has gone, or is called otherwise now.
    for (const shelf of shelves.values()) {
      if (shelf.wanted === undefined || shelf.taken !== shelf.stamp) continue;
      const other = shelfNamed(shelf.wanted);
      if (other === undefined) await take(shelf);
      else shelf.error = hasNameOf(shelf.wanted, other);
    }
    started = true;
    arrange();
  }

  /** One look at a time: whoever asks for one has seen what was there when it asked. */
  function look(): Promise<void> {
    const next = looking.then(lookOnce, lookOnce);
    looking = next;
    return next;
  }

  /** What is served by a name goes before a folder that is called so and has nothing to serve. */
  const shelfOf = (name: string): Shelf | undefined =>
    shelfNamed(name) ??
    [...shelves.values()].find(({ open, folder }) => open === undefined && basename(folder) === name);

  const library: Library = {
    list: async () => [...served.values()].map(({ entry }) => entry),
    failed: () => failed,
    async lend(name, version, work) {
      const bundle = served.get(name);
      if (bundle === undefined || (version ?? bundle.entry.version) !== bundle.entry.version) return undefined;
      const { entry, model, loans } = bundle;
      const { encoder, completer } = model;
      const loan: Loan = { entry, manifest: async () => model.manifest, open: async () => model, encoder, completer };
      return loans.during(() => work(loan));
    },
    async file(name, version, path) {
      const shelf = shelfOf(name);
      if (shelf?.open === undefined) return undefined;
      const { entry: current, model } = shelf.open;
      if ((version ?? current.version) !== current.version) return undefined;
      const { manifest } = model;
      if (path === MANIFEST_FILE) return new TextEncoder().encode(shelf.text);
      const network = shelf.networks.get(path);
      if (network !== undefined) return network;
      const entry = manifest.files.find((file) => file.path === path);
      if (entry === undefined && !['preview.png', 'MODEL_CARD.md'].includes(path)) return undefined;
      const bytes = await readFile(join(shelf.folder, path)).catch(() => undefined);
      // One of another length is of a bundle that is not served yet.
      return bytes === undefined || (entry !== undefined && entry.bytes !== bytes.length)
        ? undefined
        : new Uint8Array(bytes);
    },
    async pageList() {
      const first: ListedModel[] = [];
      const pictured: ListedModel[] = [];
      const last: ListedModel[] = [];
      for (const { open, folder: path, training, error } of newestFirst([...shelves.values()])) {
        const name = basename(path);
        const underWay = training !== undefined && isUnderWay(training);
        if (open !== undefined) pictured.push(listedModel(open.entry, underWay));
        if (open !== undefined || training === undefined || !nameSchema.safeParse(name).success) continue;
        // What a training left and is refused is told in /healthz; no other pictures are coming.
        if (error !== undefined && !underWay) continue;
        // One that has no pictures is worth looking at only while they are coming.
        (underWay ? first : last).push({ name, title: name, training: true });
      }
      return [...first, ...pictured, ...last];
    },
    training(name) {
      const shelf = shelfOf(name);
      if (shelf?.training === undefined) return undefined;
      const { snapshot: _, ...training } = shelf.training;
      const { open, sha256 } = shelf;
      return {
        ...training,
        ...(training.state === 'training' && !isUnderWay(training) ? { state: 'stopped' } : {}),
        ...(open === undefined ? {} : { snapshot: { images: open.model.manifest.training.imagesSeen, sha256 } }),
      };
    },
    look,
    watch(everyMs) {
      // Asking again and again also works where the system tells nothing: network drives, folders mounted into containers.
      const again = async () => {
        await look().catch((error) => notice(`${folder}: ${error instanceof Error ? error.message : error}`));
        if (timer !== undefined) timer = setTimeout(again, everyMs);
      };
      timer = setTimeout(again, everyMs);
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
  await look();
  return library;
}

function emptyShelf(folder: string): Shelf {
  return {
    folder,
    stamp: undefined,
    made: 0,
    taken: undefined,
    open: undefined,
    text: '',
    sha256: '',
    networks: new Map(),
    error: undefined,
    wanted: undefined,
    training: undefined,
  };
}

const hasNameOf = (name: string, { folder }: Shelf): string =>
  `expected a name of its own, got ${name}, which ${folder} has`;

const isUnderWay = ({ state, updated }: Training): boolean =>
  state === 'training' && Date.now() - Date.parse(updated) <= SILENT_MS;

/**
 * What is being trained, then what was made last. Bundles written within moments of each other are of one copy or checkout
 * of a folder, whose order in time means nothing: those are sorted by folder.
 */
function newestFirst(shelves: readonly Shelf[]): Shelf[] {
  const byTime = [...shelves].sort((a, b) => b.made - a.made);
  const batches: Shelf[][] = [];
  for (const [i, shelf] of byTime.entries()) {
    const before = byTime[i - 1];
    if (before === undefined || before.made - shelf.made > ONE_COPY_MS) batches.push([]);
    batches.at(-1)?.push(shelf);
  }
  const ordered = batches.flatMap((batch) => batch.sort((a, b) => (a.folder < b.folder ? -1 : 1)));
  const trains = ({ training }: Shelf) => training !== undefined && isUnderWay(training);
  return [...byTime.filter(trains), ...ordered.filter((shelf) => !trains(shelf))];
}

/** 0 where there is no manifest. */
function manifestTime(folder: string): number {
  return statSync(join(folder, MANIFEST_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Changes whenever a file of the bundle does; undefined where there is no model.json. */
function stampOf(folder: string): string | undefined {
  try {
    const names = readdirSync(folder).filter((name) => !name.startsWith(TRAINING_FILE));
    if (!names.includes(MANIFEST_FILE)) return undefined;
    return names
      .sort()
      .map((name) => {
        const { ino, size, mtimeMs } = statSync(join(folder, name));
        return `${name} ${ino} ${size} ${mtimeMs}`;
      })
      .join('\n');
  } catch {
    return undefined; // it was taken away meanwhile
  }
}

/** Undefined when there is none, or none that can be understood: a bundle without it is served all the same. */
function readTraining(folder: string): Training | undefined {
  try {
    return parseTraining(JSON.parse(readFileSync(join(folder, TRAINING_FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Opens a bundle and keeps what was read of it: it is what the page gets, whatever lies there later. */
async function openFolder(folder: string, open: LibraryOptions['open']) {
  const text = await readManifestText(folder);
  const source = folderSource(folder);
  const networks = new Map<string, Uint8Array<ArrayBuffer>>();
  const model = await open({
    ...source,
    manifest: async () => manifestJson(folder, text),
    async read(path) {
      const bytes = new Uint8Array(await source.read(path));
      networks.set(path, bytes);
      return bytes;
    },
  });
  const bytes = networks.get(model.file.path) ?? new Uint8Array();
  return { model, text, network: { path: model.file.path, bytes } };
}
