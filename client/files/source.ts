// From what was named to a bundle that the engine can run: its manifest now, its network when it is read.
import { UserError } from '../../contract/errors.ts';
import { besideFile } from '../../contract/lookup.ts';
import type { Manifest, Variant } from '../../contract/manifest.ts';
import type { Bundle } from '../engine/engine.ts';
import type { Source } from '../types.ts';
import type { NamedBytes } from './bundle.ts';
import { type Checked, freshDocument, keptDocument } from './documents.ts';
import { patiently } from './patience.ts';
import { manifestOf, remoteBundle } from './remote.ts';
import { nameOf, refuseHtml, type Store } from './store.ts';

export interface SourceOptions {
  store: Store;
  variant?: Variant | undefined;
  /** The only one that will do. */
  version?: string | undefined;
  signal?: AbortSignal | undefined;
}

const HINT = "give open() the address of a bundle's folder, as pocketgen export makes it";

/** Throws UserError naming what is missing or wrong; what `signal` gives; TypeError or TimeoutError when no network answers. */
export async function bundleOf(source: Source, options: SourceOptions): Promise<Bundle> {
  const { store, variant, signal } = options;
  if (typeof source !== 'string' && !(source instanceof URL)) return bundleOfBytes(await given(source), options);
  const url = addressOf(source);
  if (/\.zip$/i.test(url.pathname)) return bundleOfBytes([await zipAt(store, url, signal)], options);
  const folder = folderOf(url);
  let manifest: Checked<Manifest>;
  try {
    manifest = await manifestAt(folder, options);
  } catch (error) {
    // No network, a bundle that is being replaced, or one of a later format: what the device has whole goes on drawing.
    const kept = signal?.aborted ? undefined : await keptBundle(source, options);
    if (kept === undefined) throw error;
    return kept;
  }
  return remoteBundle(store, folder, manifest, variant, HINT);
}

/** The bundle if all of it is on this device; no network is asked. */
export async function keptBundle(source: Source, options: SourceOptions): Promise<Bundle | undefined> {
  if (typeof source !== 'string' && !(source instanceof URL)) return bundleOf(source, options);
  const { store, variant } = options;
  const folder = folderOf(addressOf(source));
  const manifest = folder.startsWith('file:') ? await manifestAt(folder, options) : await keptManifest(folder, options);
  const bundle = manifest && remoteBundle(store, folder, manifest, variant, HINT);
  return (await bundle?.isKept()) ? bundle : undefined;
}

/** Everything of an address that the device keeps. */
export async function dropKept(source: string | URL, store: Store): Promise<void> {
  const folder = folderOf(addressOf(source));
  await store.dropOthers(folder, []);
  await (await store.open())?.delete(manifestOf(folder));
}

/** `name@version`: what is at such an address never changes, and what is kept of it is what the server has. */
const FIXED = /@([0-9a-f]{12})\/$/;

/** The schema comes when a bundle is opened: it is a third of this library. */
const manifestParser = async () => (await import('../../contract/manifest.ts')).parseManifest;

const versionOf = async (manifest: Manifest) => (await import('../../contract/version.ts')).bundleVersion(manifest);

const wantedVersion = (folder: string, version: string | undefined) => version ?? FIXED.exec(folder)?.[1];

/** Throws UserError for a bundle of another version than the one that will do. */
async function demandVersion(where: string, manifest: Manifest, version: string | undefined): Promise<void> {
  if (version === undefined) return;
  const got = await versionOf(manifest);
  if (got !== version)
    throw new UserError(`${where}: expected version ${version}, got ${got}; the bundle there has been replaced`);
}

/** Of a version that will do; undefined if the device keeps none. */
async function keptManifest(folder: string, { store, version }: SourceOptions): Promise<Checked<Manifest> | undefined> {
  const kept = await keptDocument(store, manifestOf(folder), await manifestParser());
  const wanted = wantedVersion(folder, version);
  return kept === undefined || wanted === undefined || (await versionOf(kept.value)) === wanted ? kept : undefined;
}

async function manifestAt(folder: string, options: SourceOptions): Promise<Checked<Manifest>> {
  const { store, signal, version } = options;
  const wanted = wantedVersion(folder, version);
  const kept = wanted && (await keptManifest(folder, options));
  if (kept) return kept;
  const fresh = await freshDocument(store, manifestOf(folder), await manifestParser(), { signal, hint: HINT });
  await demandVersion(folder, fresh.value, wanted);
  return fresh;
}

/** Absolute. Throws UserError where there is nothing that a relative one could be relative to. */
export function addressOf(source: string | URL): URL {
  if (source instanceof URL) return source;
  const { document, location } = globalThis as { document?: Document; location?: Location };
  const base = document?.baseURI ?? location?.href;
  if (URL.canParse(source, base)) return new URL(source, base);
  throw new UserError(`source: expected an absolute address, got ${source}; use new URL('${source}', import.meta.url)`);
}

function folderOf(url: URL): string {
  const folder = new URL(url);
  folder.pathname = folder.pathname.replace(/\/model\.json$/, '/').replace(/([^/])$/, '$1/');
  folder.search = '';
  folder.hash = '';
  return folder.href;
}

async function given(source: Exclude<Source, string | URL>): Promise<readonly (File | NamedBytes)[]> {
  if (source instanceof File) return [source];
  if (source instanceof Blob) return [['the zip', new Uint8Array(await source.arrayBuffer())]];
  if (source instanceof Uint8Array) return [['the bytes', source]];
  if (source instanceof ArrayBuffer) return [['the bytes', new Uint8Array(source)]];
  return source;
}

async function bundleOfBytes(
  files: readonly (File | NamedBytes)[],
  { variant, version }: SourceOptions,
): Promise<Bundle> {
  const { readBundle } = await import('./bundle.ts'); // an address needs nothing of it
  const { manifest, variant: read, network, beside } = await readBundle(files, variant);
  await demandVersion(manifest.name, manifest, version);
  return {
    manifest,
    variant: read,
    bytes: 0,
    read: async () => network,
    async readBeside(role) {
      besideFile(manifest, role, read); // says what the model is where it has none
      const content = beside.get(role);
      if (content !== undefined) return content;
      throw new UserError(
        `${manifest.name}: expected ${role === 'encoder' ? 'an encoder' : 'a completer'} and its file in the bundle, got none`,
      );
    },
    keep: async () => undefined,
  };
}

/** For a zip, whose size no manifest tells: so long nothing is heard until it is given up. */
const SILENCE_LIMIT = 20_000;

function zipAt(store: Store, url: URL, outer: AbortSignal | undefined): Promise<NamedBytes> {
  const name = nameOf({ url: url.href });
  return patiently(SILENCE_LIMIT, outer, async (signal) => {
    const response = await store.fetch(url.href, { signal });
    if (!response.ok) throw new UserError(`${name}: expected the file, got status ${response.status} from the server`);
    refuseHtml(response, name, HINT);
    return [name, new Uint8Array(await response.arrayBuffer())];
  });
}
