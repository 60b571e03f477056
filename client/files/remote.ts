// A bundle on a server: its network is read, checked and kept when the engine asks for it.
import { BESIDE, type Beside, besideFile, generatorFile } from '../../contract/lookup.ts';
import type { FileEntry, Manifest, Variant } from '../../contract/manifest.ts';
import type { Bundle } from '../engine/engine.ts';
import { type Checked, keepDocument, keptDocument } from './documents.ts';
import type { RemoteFile, Store } from './store.ts';

/** A bundle on a server, of which this device keeps one version. */
export interface RemoteBundle extends Bundle {
  file: RemoteFile;
  /** Whether this device has it without a network. */
  isKept(): Promise<boolean>;
  /**
   * It draws: the device keeps it for when there is no network, and drops the version before. What was kept of that one beside
   * its generator is kept of this one as well; while it cannot be had, the version before stays.
   */
  keep(): Promise<void>;
}

/** `folder` ends with a slash; `manifest` is that of its model.json. Throws UserError where there is no such variant. */
export function remoteBundle(
  store: Store,
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

  /** What the device has beside the generator of the version it keeps. */
  async function keptBeside(): Promise<Beside[]> {
    const { parseManifest } = await import('../../contract/manifest.ts');
    const before = (await keptDocument(store, manifestOf(folder), parseManifest))?.value;
    const isKept = (role: Beside) => before?.[role] !== undefined && store.isKept(at(besideFile(before, role)));
    const kept = await Promise.all(BESIDE.map(isKept));
    return BESIDE.filter((_, i) => kept[i]);
  }

  return {
    manifest,
    variant: entry.variant,
    file,
    bytes: file.bytes,
    read: (options) => store.read(file, options),
    readBeside: async (role, options) => store.read(at(besideFile(manifest, role, entry.variant)), options),
    isKept: () => store.isKept(file),
    async keep() {
      if (folder.startsWith('file:')) return;
      try {
        for (const role of await keptBeside())
          if (manifest[role] !== undefined) await store.read(at(besideFile(manifest, role, entry.variant)));
      } catch {
        return;
      }
      await keepDocument(store, manifestOf(folder), text);
      await store.dropOthers(folder, variantsOf(manifest, folder));
    },
  };
}

/** Those of the same version stay: another page, or another part of this one, may use them. */
const variantsOf = (manifest: Manifest, folder: string): RemoteFile[] =>
  manifest.files.map(({ path, bytes, sha256 }: FileEntry) => ({ url: `${folder}${path}`, bytes, sha256 }));

export const manifestOf = (folder: string) => `${folder}model.json`;
