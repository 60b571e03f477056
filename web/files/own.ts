// Bundles that a person brought along, on this device only: in Cache Storage, or in memory until the page is closed where the
// browser keeps nothing (plain http) or has no room.

import type { CheckedBundle } from '../../client/files/bundle.ts';
import { isIntact, nameOf, type RemoteFile, storeKey } from '../../client/files/store.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { besideFile, generatorFile, trainerFile } from '../../contract/lookup.ts';
import { type FileEntry, type Manifest, parseManifest } from '../../contract/manifest.ts';
import { listedBundle } from '../../contract/model-list.ts';
import { bundleVersion } from '../../contract/version.ts';
import type { LoadedModel, ModelEntry } from './models.ts';
import { ownBundles as store } from './store.ts';

/** Its name on this page begins so: a model of the site may have the same one. */
export const OWN = 'own:';

interface OwnBundle {
  manifest: Manifest;
  read(file: RemoteFile): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** Those that could not be kept. */
const untilClosed = new Map<string, OwnBundle>();

const addressOf = (name: string, file: string) => new URL(`own-models/${name}/${file}`, document.baseURI).href;

const fileOf = ({ name }: Manifest, { path, bytes, sha256 }: FileEntry): RemoteFile => ({
  url: addressOf(name, path),
  bytes,
  sha256,
});

const entryOf = async (manifest: Manifest): Promise<ModelEntry> => ({
  ...(await listedBundle(manifest, false)),
  name: `${OWN}${manifest.name}`,
  own: true,
});

/** Throws UserError where the manifest is of another format. */
async function find(name: string): Promise<OwnBundle | undefined> {
  const here = untilClosed.get(name);
  if (here !== undefined) return here;
  const kept = await (await store.open())?.match(addressOf(name, 'model.json'));
  if (kept === undefined) return undefined;
  const manifest = parseManifest(await kept.json());
  const read = async (file: RemoteFile) => {
    const content = await (await (await store.open())?.match(storeKey(file)))?.arrayBuffer();
    return content === undefined ? undefined : new Uint8Array(content);
  };
  return { manifest, read };
}

/** Those of this device by name. One that this page cannot read any more says why, and can be removed. */
export async function listOwn(): Promise<ModelEntry[]> {
  const kept = ((await (await store.open())?.keys()) ?? []).flatMap(
    ({ url }) => /own-models\/([^/]+)\/model\.json$/.exec(new URL(url).pathname)?.[1] ?? [],
  );
  const names = [...new Set([...kept, ...untilClosed.keys()])].sort();
  return Promise.all(
    names.map(async (name): Promise<ModelEntry> => {
      try {
        const bundle = await find(name);
        if (bundle !== undefined) return entryOf(bundle.manifest);
        throw new UserError('model.json: expected it on this device, got nothing; add the bundle again');
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        return { name: `${OWN}${name}`, title: name, training: false, own: true, problem };
      }
    }),
  );
}

/** undefined: it is not on this device. */
export async function loadOwn(name: string): Promise<LoadedModel | undefined> {
  const bundle = await find(name);
  if (bundle === undefined) return undefined;
  const { manifest } = bundle;
  const entry = generatorFile(manifest);
  const file = fileOf(manifest, entry);
  const further = trainerFile(manifest);
  async function read(one: RemoteFile): Promise<Uint8Array<ArrayBuffer>> {
    const content = await bundle?.read(one);
    if (content !== undefined && (await isIntact(one, content))) return content;
    throw new UserError(
      `${nameOf(one)}: expected it whole on this device, got a damaged copy or none; add the bundle again`,
    );
  }
  return {
    manifest,
    variant: entry.variant,
    own: true,
    file,
    sha256: await sha256Hex(new TextEncoder().encode(JSON.stringify(manifest))),
    version: await bundleVersion(manifest),
    bytes: 0,
    read: () => read(file),
    readBeside: async (role) => read(fileOf(manifest, besideFile(manifest, role))),
    ...(further === undefined ? {} : { readTrainer: () => read(fileOf(manifest, further)) }),
    isKept: async () => !untilClosed.has(name),
    keep: async () => undefined,
  };
}

/** Keeps a checked bundle; `kept` is false where it will be gone with the page. One of the same name is replaced. */
export async function keepOwn({
  manifest,
  network,
  beside,
  trainer,
}: CheckedBundle): Promise<{ entry: ModelEntry; kept: boolean }> {
  const entry = await entryOf(manifest);
  const files = new Map([[storeKey(fileOf(manifest, generatorFile(manifest))), network]]);
  for (const [role, bytes] of beside) files.set(storeKey(fileOf(manifest, besideFile(manifest, role))), bytes);
  const further = trainerFile(manifest);
  if (further !== undefined && trainer !== undefined) files.set(storeKey(fileOf(manifest, further)), trainer);
  untilClosed.delete(manifest.name);
  // The manifest comes last: until it is there, the bundle before it is whole.
  const last = addressOf(manifest.name, 'model.json');
  let kept = true;
  for (const [key, bytes] of files) kept &&= await store.put(key, new Response(bytes));
  kept &&= await store.put(last, Response.json(manifest));
  if (kept) await drop(manifest.name, [...files.keys(), last]);
  else untilClosed.set(manifest.name, { manifest, read: async (file) => files.get(storeKey(file)) });
  return { entry, kept };
}

export async function forgetOwn(entry: ModelEntry): Promise<void> {
  const name = entry.name.slice(OWN.length);
  untilClosed.delete(name);
  await drop(name, []);
}

async function drop(name: string, except: readonly string[]): Promise<void> {
  const prefix = addressOf(name, '');
  const kept = await store.open();
  for (const { url } of (await kept?.keys()) ?? [])
    if (url.startsWith(prefix) && !except.includes(url)) await kept?.delete(url);
}
