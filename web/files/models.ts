// Where models come from: models/index.json and models/<name>/ of the site, each kept on the device when it has proved itself,
// and bundles a person brought along (own.ts). Of everything there are two readings: what the device has, at once, and what
// the network says, which is checked before it replaces anything.
import { type Checked, freshDocument, keepDocument, keptDocument } from '../../client/files/documents.ts';
import { type RemoteBundle, remoteBundle } from '../../client/files/remote.ts';
import { sha256Hex } from '../../contract/bundle.ts';
import { trainerFile } from '../../contract/lookup.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { type ListedModel, parseModelList } from '../../contract/model-list.ts';
import { bundleVersion } from '../../contract/version.ts';
import { loadOwn, OWN } from './own.ts';
import { HINT, store } from './store.ts';

export interface ModelEntry extends ListedModel {
  /** Brought by the person; lives on this device only, and its name here begins with `own:`. */
  own: boolean;
  /** Why it cannot be opened. */
  problem?: string;
}

export interface LoadedModel extends RemoteBundle {
  own: boolean;
  /** Of model.json. */
  sha256: string;
  /** What addresses of the API name, so that they go on meaning the picture that is seen here. */
  version: string;
  /** What a training can go on from, checked; absent where the bundle was exported without it. */
  readTrainer?: () => Promise<Uint8Array<ArrayBuffer>>;
}

const LIST = 'models/index.json';

const addressOf = (path: string) => new URL(path, document.baseURI).href;

const fresh = <T>(path: string, parse: (json: unknown) => T) =>
  freshDocument(store, addressOf(path), parse, { name: path, hint: HINT });

const kept = <T>(path: string, parse: (json: unknown) => T) => keptDocument(store, addressOf(path), parse);

const listed = (list: readonly ListedModel[]): ModelEntry[] => list.map((entry) => ({ ...entry, own: false }));

/** The site's models as they were at the last visit; undefined where none are known. */
export async function keptModels(): Promise<ModelEntry[] | undefined> {
  const list = (await kept(LIST, parseModelList))?.value ?? [];
  return list.length === 0 ? undefined : listed(list);
}

/** Those of the server that serves the page, in its order. */
export async function freshModels(): Promise<ModelEntry[]> {
  const { text, value } = await fresh(LIST, parseModelList);
  await keepDocument(store, addressOf(LIST), text);
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

async function loaded(entry: ModelEntry, manifest: Checked<Manifest>): Promise<LoadedModel> {
  const folder = addressOf(`models/${entry.name}/`);
  const trainer = trainerFile(manifest.value);
  return {
    ...remoteBundle(store, folder, manifest, undefined, HINT),
    ...(trainer && {
      readTrainer: () =>
        store.read({ url: `${folder}${trainer.path}`, bytes: trainer.bytes, sha256: trainer.sha256, hint: HINT }),
    }),
    own: false,
    sha256: await sha256Hex(new TextEncoder().encode(manifest.text)),
    version: await bundleVersion(manifest.value),
  };
}

/** Whether one is a later state of the other: what is on the page stays where it is, and is drawn again. */
export function sameKind(a: Manifest, b: Manifest): boolean {
  const kind = ({ image, latent, classes, encoder, completer }: Manifest) =>
    JSON.stringify([image, latent, classes, encoder === undefined, completer === undefined]);
  return kind(a) === kind(b);
}
