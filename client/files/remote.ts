// A bundle on a server: its network is read, checked and kept when the engine asks for it.
import { besideFile, generatorFile } from '../../contract/lookup.ts';
import type { FileEntry, Manifest, Variant } from '../../contract/manifest.ts';
import type { Bundle } from '../engine/engine.ts';
import { type Checked, keepDocument } from './documents.ts';
import type { RemoteFile, Store } from './store.ts';

/** A bundle on a server, of which this device keeps one version. */
export interface RemoteBundle extends Bundle {
  file: RemoteFile;
  /** Whether this device has it without a network. */
  isKept(): Promise<boolean>;
  /** It draws: the device keeps it for when there is no network, and drops the version before. */
  keep(): Promise<void>;
}

/** Where a store keeps manifests apart from networks, `documents` is the one for those. */
export interface Stores {
  files: Store;
  documents: Store;
}

/** `folder` ends with a slash; `manifest` is that of its model.json. Throws UserError where there is no such variant. */
export function remoteBundle(
  { files, documents }: Stores,
  folder: string,
  { text, value: manifest }: Checked<Manifest>,
  variant?: Variant,
  hint?: string,
): RemoteBundle {
  const entry = generatorFile(manifest, variant);
  const at = ({ path, bytes, sha256 }: FileEntry): RemoteFile => ({
    url: `${folder}${path}`,
    bytes,
    sha256,
    ...(hint === undefined ? {} : { hint }),
  });
  const file = at(entry);
  return {
    manifest,
    variant: entry.variant,
    file,
    bytes: file.bytes,
    read: (options) => files.read(file, options),
    readBeside: async (role, options) => files.read(at(besideFile(manifest, role, entry.variant)), options),
    isKept: () => files.isKept(file),
    async keep() {
      if (folder.startsWith('file:')) return;
      await keepDocument(documents, manifestOf(folder), text);
      await files.dropOthers(folder, variantsOf(manifest, folder));
    },
  };
}

/** Those of the same version stay: another page, or another part of this one, may use them. */
const variantsOf = (manifest: Manifest, folder: string): RemoteFile[] =>
  manifest.files.map(({ path, bytes, sha256 }: FileEntry) => ({ url: `${folder}${path}`, bytes, sha256 }));

export const manifestOf = (folder: string) => `${folder}model.json`;
