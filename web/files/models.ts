// Where models come from: models/index.json and models/<name>/ next to the page, and bundles a person brought along.
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { generatorFile, type Manifest, parseManifest } from '../../contract/manifest.ts';
import { type ListedModel, listedModel, parseModelList } from '../../contract/model-list.ts';
import type { Model } from '../engine/engine.ts';
import { fileBytes, openStore, type RemoteFile } from './store.ts';

export interface ModelEntry extends ListedModel {
  /** Brought by the person; lives on this device only, and its name here begins with `own:`. */
  own: boolean;
}

export interface LoadedModel extends Model {
  own: boolean;
  file: RemoteFile;
  /** Of model.json; undefined where the browser has no WebCrypto (not a secure context) and for own models. */
  sha256: string | undefined;
}

const JSON_STORE = 'pocketgen-models';
const OWN_STORE = 'pocketgen-own';
const OWN = 'own:';

interface Fetched {
  text: string;
  /** Keeps it as the copy for when there is no network. */
  keep(): Promise<void>;
}

/** The newest copy from the network, else the one kept on the device. */
async function freshText(path: string): Promise<Fetched> {
  const url = new URL(path, document.baseURI).href;
  const store = await openStore(JSON_STORE);
  try {
    const response = await fetch(url, { cache: 'no-cache' });
    if (!response.ok) throw new UserError(`${path}: expected the file, got status ${response.status} from the server`);
    const text = await response.text();
    const keep = async () => {
      const headers = { 'Content-Type': 'application/json' };
      await store?.put(url, new Response(text, { headers })).catch(() => undefined);
    };
    return { text, keep };
  } catch (error) {
    const kept = await store?.match(url);
    if (kept === undefined) throw error;
    return { text: await kept.text(), keep: async () => undefined };
  }
}

const ownUrl = (name: string, file: string) => new URL(`own-models/${name}/${file}`, document.baseURI).href;

async function readOwnManifest(name: string): Promise<Manifest | undefined> {
  const kept = await (await openStore(OWN_STORE))?.match(ownUrl(name, 'model.json'));
  return kept === undefined ? undefined : parseManifest(await kept.json());
}

const ownEntry = (manifest: Manifest): ModelEntry => ({
  ...listedModel(manifest, false),
  name: `${OWN}${manifest.name}`,
  own: true,
});

/** Those of the server that serves the page, in its order, then own ones. */
export async function listModels(): Promise<ModelEntry[]> {
  const own: ModelEntry[] = [];
  for (const { url } of (await (await openStore(OWN_STORE))?.keys()) ?? []) {
    const name = /own-models\/([^/]+)\/model\.json$/.exec(new URL(url).pathname)?.[1];
    // One of an older format is no reason for the page not to open.
    const manifest = name === undefined ? undefined : await readOwnManifest(name).catch(() => undefined);
    if (manifest !== undefined) own.push(ownEntry(manifest));
  }
  return [...(await listServed(own.length > 0)), ...own];
}

/** Without a list there are own models, or the page says what is wrong. */
async function listServed(optional: boolean): Promise<ModelEntry[]> {
  try {
    const { text, keep } = await freshText('models/index.json');
    const served = parseModelList(JSON.parse(text)).map((entry) => ({ ...entry, own: false }));
    await keep();
    return served;
  } catch (error) {
    if (optional) return [];
    throw error;
  }
}

/** The manifest, checked. Throws UserError naming what is wrong. */
export async function loadModel(entry: ModelEntry): Promise<LoadedModel> {
  if (entry.own) return loadOwn(entry.name.slice(OWN.length));
  const { text, keep } = await freshText(`models/${entry.name}/model.json`);
  const manifest = parseManifest(JSON.parse(text));
  const { path, bytes, sha256, variant } = generatorFile(manifest);
  const file = { url: new URL(`models/${entry.name}/${path}`, document.baseURI).href, bytes, sha256 };
  return {
    manifest,
    variant,
    own: false,
    file,
    sha256: isSecureContext ? await sha256Hex(new TextEncoder().encode(text)) : undefined,
    bytes,
    async read(options) {
      const content = await fileBytes(file, options);
      // Not before its file is here: without a network the kept manifest and the kept file must be of one bundle.
      await keep();
      return content;
    },
  };
}

/** Whether one is a later state of the other: what is on the page stays where it is, and is drawn again. */
export function sameKind(a: Manifest, b: Manifest): boolean {
  const kind = ({ image, latent, classes }: Manifest) => JSON.stringify([image, latent, classes]);
  return kind(a) === kind(b);
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
  return { manifest, variant, own: true, file, sha256: undefined, bytes: 0, read };
}

/** Keeps a checked bundle on the device. */
export async function keepOwn(manifest: Manifest, files: Map<string, Uint8Array<ArrayBuffer>>): Promise<ModelEntry> {
  const store = await openStore(OWN_STORE);
  if (store === undefined)
    throw new UserError('storage: expected room for the bundle, got none in this browser window');
  for (const [path, bytes] of files) await store.put(ownUrl(manifest.name, path), new Response(bytes));
  await store.put(ownUrl(manifest.name, 'model.json'), Response.json(manifest));
  return ownEntry(manifest);
}

export async function forgetOwn(entry: ModelEntry): Promise<void> {
  const store = await openStore(OWN_STORE);
  const prefix = ownUrl(entry.name.slice(OWN.length), '');
  for (const request of (await store?.keys()) ?? []) if (request.url.startsWith(prefix)) await store?.delete(request);
}
