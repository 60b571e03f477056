// Where models come from: models/index.json and models/<name>/ of the site, each kept on the device when it has proved itself,
// and bundles a person brought along (own.ts). Of everything there are two readings: what the device has, at once, and what
// the network says, which is checked before it replaces anything.

import type { Model } from '../../client/engine/engine.ts';
import { patiently } from '../../client/files/patience.ts';
import {
  dropOthers,
  fileBytes,
  isKept,
  openStore,
  put,
  type RemoteFile,
  refuseHtml,
} from '../../client/files/store.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { generatorFile, type Manifest, parseManifest } from '../../contract/manifest.ts';
import { type ListedModel, parseModelList } from '../../contract/model-list.ts';
import { loadOwn, OWN } from './own.ts';

export interface ModelEntry extends ListedModel {
  /** Brought by the person; lives on this device only, and its name here begins with `own:`. */
  own: boolean;
  /** Why it cannot be opened. */
  problem?: string;
}

export interface LoadedModel extends Model {
  own: boolean;
  file: RemoteFile;
  /** Of model.json. */
  sha256: string;
  /** Whether this device has it without a network. */
  isKept(): Promise<boolean>;
  /** It draws: the device keeps it for when there is no network, and drops the version before. */
  keep(): Promise<void>;
}

const STORE = 'pocketgen-models';
const LIST = 'models/index.json';
/** For the list and a manifest, which are small. */
const ANSWER_LIMIT = 8000;

interface Checked<T> {
  text: string;
  value: T;
}

const addressOf = (path: string) => new URL(path, document.baseURI).href;

function checked<T>(path: string, text: string, parse: (json: unknown) => T): Checked<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(`${path}: expected JSON, got something else or a part of it; the server may be being updated`);
  }
  return { text, value: parse(json) };
}

/** From the network. Throws UserError naming what is wrong with the answer. */
function fresh<T>(path: string, parse: (json: unknown) => T): Promise<Checked<T>> {
  return patiently(ANSWER_LIMIT, undefined, async (signal) => {
    const response = await fetch(addressOf(path), { cache: 'no-cache', signal });
    if (!response.ok) throw new UserError(`${path}: expected the file, got status ${response.status} from the server`);
    refuseHtml(response, path);
    return checked(path, await response.text(), parse);
  });
}

/** From the device; undefined too where this page cannot read what another version kept. */
async function kept<T>(path: string, parse: (json: unknown) => T): Promise<Checked<T> | undefined> {
  const copy = await (await openStore(STORE))?.match(addressOf(path));
  try {
    return copy && checked(path, await copy.text(), parse);
  } catch {
    return undefined;
  }
}

async function keep(path: string, text: string): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  await put(await openStore(STORE), addressOf(path), new Response(text, { headers }));
}

const listed = (list: readonly ListedModel[]): ModelEntry[] => list.map((entry) => ({ ...entry, own: false }));

/** The site's models as they were at the last visit; undefined where none are known. */
export async function keptModels(): Promise<ModelEntry[] | undefined> {
  const list = (await kept(LIST, parseModelList))?.value ?? [];
  return list.length === 0 ? undefined : listed(list);
}

/** Those of the server that serves the page, in its order. */
export async function freshModels(): Promise<ModelEntry[]> {
  const { text, value } = await fresh(LIST, parseModelList);
  await keep(LIST, text);
  return listed(value);
}

const manifestPath = ({ name }: ModelEntry) => `models/${name}/model.json`;

/** The model if all of it is on this device. Throws UserError for an own one that this page cannot read. */
export async function keptModel(entry: ModelEntry): Promise<LoadedModel | undefined> {
  if (entry.own) return loadOwn(entry.name.slice(OWN.length));
  const manifest = await kept(manifestPath(entry), parseManifest);
  const model = manifest && (await loaded(entry, manifest));
  return (await model?.isKept()) ? model : undefined;
}

/** The model as the server has it now. Throws UserError naming what is wrong. */
export async function freshModel(entry: ModelEntry): Promise<LoadedModel> {
  return loaded(entry, await fresh(manifestPath(entry), parseManifest));
}

async function loaded(entry: ModelEntry, { text, value: manifest }: Checked<Manifest>): Promise<LoadedModel> {
  const { path, bytes, sha256, variant } = generatorFile(manifest);
  const folder = addressOf(`models/${entry.name}/`);
  const file = { url: `${folder}${path}`, bytes, sha256 };
  return {
    manifest,
    variant,
    own: false,
    file,
    sha256: await sha256Hex(new TextEncoder().encode(text)),
    bytes,
    read: (options) => fileBytes(file, options),
    isKept: () => isKept(file),
    async keep() {
      await keep(manifestPath(entry), text);
      await dropOthers(folder, [file]);
    },
  };
}

/** Whether one is a later state of the other: what is on the page stays where it is, and is drawn again. */
export function sameKind(a: Manifest, b: Manifest): boolean {
  const kind = ({ image, latent, classes }: Manifest) => JSON.stringify([image, latent, classes]);
  return kind(a) === kind(b);
}
