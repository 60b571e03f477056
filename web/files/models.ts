// Where models come from: models/index.json and models/<name>/ next to the page, and bundles a person brought along.
import { UserError } from '../../contract/errors.ts';
import { generatorFile, type Manifest, parseManifest } from '../../contract/manifest.ts';
import type { Model } from '../engine/engine.ts';
import { fileBytes, openStore, type RemoteFile } from './store.ts';

export interface ModelEntry {
  name: string;
  title: string;
  /** Brought by the person; lives on this device only. */
  own: boolean;
}

export interface LoadedModel extends Model {
  own: boolean;
  file: RemoteFile;
}

const JSON_STORE = 'pocketgen-models';
const OWN_STORE = 'pocketgen-own';

/** The newest copy from the network, else the one kept on the device. */
async function freshJson(path: string): Promise<unknown> {
  const url = new URL(path, document.baseURI).href;
  const store = await openStore(JSON_STORE);
  const kept = await store?.match(url);
  try {
    const response = await fetch(url, { cache: 'no-cache' });
    if (!response.ok) throw new UserError(`${path}: expected the file, got status ${response.status} from the server`);
    const text = await response.text();
    const json: unknown = JSON.parse(text);
    await store
      ?.put(url, new Response(text, { headers: { 'Content-Type': 'application/json' } }))
      .catch(() => undefined);
    return json;
  } catch (error) {
    if (kept === undefined) throw error;
    return kept.json();
  }
}

const ownUrl = (name: string, file: string) => new URL(`own-models/${name}/${file}`, document.baseURI).href;

async function readOwnManifest(name: string): Promise<Manifest | undefined> {
  const kept = await (await openStore(OWN_STORE))?.match(ownUrl(name, 'model.json'));
  return kept === undefined ? undefined : parseManifest(await kept.json());
}

/** Names next to the page, then own ones. An own bundle has the name of its manifest, prefixed where the page has it too. */
export async function listModels(): Promise<ModelEntry[]> {
  const index = await freshJson('models/index.json').catch(() => []);
  const names = Array.isArray(index) ? index.filter((name): name is string => typeof name === 'string') : [];
  const shipped = names.map((name) => ({ name, title: titleOf(name), own: false }));
  const own: ModelEntry[] = [];
  for (const { url } of (await (await openStore(OWN_STORE))?.keys()) ?? []) {
    const name = /own-models\/([^/]+)\/model\.json$/.exec(new URL(url).pathname)?.[1];
    if (name !== undefined) own.push({ name: `own:${name}`, title: titleOf(name), own: true });
  }
  return [...shipped, ...own];
}

function titleOf(name: string): string {
  const words = name.replaceAll('-', ' ').replace(/\bgan\b/g, 'GAN');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The manifest, checked. Throws UserError naming what is wrong. */
export async function loadModel(entry: ModelEntry): Promise<LoadedModel> {
  if (entry.own) return loadOwn(entry.name.slice('own:'.length));
  const manifest = parseManifest(await freshJson(`models/${entry.name}/model.json`));
  const { path, bytes, sha256, variant } = generatorFile(manifest);
  const file = { url: new URL(`models/${entry.name}/${path}`, document.baseURI).href, bytes, sha256 };
  return { manifest, variant, own: false, file, bytes, read: (options) => fileBytes(file, options) };
}

async function loadOwn(name: string): Promise<LoadedModel> {
  const manifest = await readOwnManifest(name);
  if (manifest === undefined) throw new UserError(`${name}: expected a bundle on this device, got none; add it again`);
  const { path, bytes, sha256, variant } = generatorFile(manifest);
  const file = { url: ownUrl(name, path), bytes, sha256 };
  const read = async () => {
    const kept = await (await openStore(OWN_STORE))?.match(file.url);
    if (kept === undefined)
      throw new UserError(`${path}: expected it on this device, got nothing; add the bundle again`);
    return new Uint8Array(await kept.arrayBuffer());
  };
  return { manifest, variant, own: true, file, bytes: 0, read };
}

/** Keeps a checked bundle on the device. */
export async function keepOwn(manifest: Manifest, files: Map<string, Uint8Array<ArrayBuffer>>): Promise<ModelEntry> {
  const store = await openStore(OWN_STORE);
  if (store === undefined)
    throw new UserError('storage: expected room for the bundle, got none in this browser window');
  for (const [path, bytes] of files) await store.put(ownUrl(manifest.name, path), new Response(bytes));
  await store.put(ownUrl(manifest.name, 'model.json'), Response.json(manifest));
  return { name: `own:${manifest.name}`, title: titleOf(manifest.name), own: true };
}

export async function forgetOwn(entry: ModelEntry): Promise<void> {
  const store = await openStore(OWN_STORE);
  const prefix = ownUrl(entry.name.slice('own:'.length), '');
  for (const request of (await store?.keys()) ?? []) if (request.url.startsWith(prefix)) await store?.delete(request);
}
