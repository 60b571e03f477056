// What a manifest holds under a name: the file of a variant, the index of a class. Apart from the schema, which is large and
// which only who reads a manifest needs.
import { UserError } from './errors.ts';
import type { FileEntry, Manifest } from './manifest.ts';

/** The generator file of a variant (the manifest's default one if none is named). Throws UserError listing what exists. */
export function generatorFile(manifest: Manifest, variant: string = manifest.defaultVariant): FileEntry {
  return fileOf(manifest, 'generator', variant);
}

/** The encoder file of a variant, likewise. Throws UserError for a model that has no encoder. */
export function encoderFile(manifest: Manifest, variant: string = manifest.defaultVariant): FileEntry {
  if (!manifest.encoder) throw new UserError(`${manifest.name}: expected a model with an encoder, got one without`);
  return fileOf(manifest, 'encoder', variant);
}

/** The completer file of a variant, likewise. Throws UserError for a model that has none. */
export function completerFile(manifest: Manifest, variant: string = manifest.defaultVariant): FileEntry {
  if (!manifest.completer)
    throw new UserError(`${manifest.name}: expected a model that completes pictures, got one that only draws`);
  return fileOf(manifest, 'completer', variant);
}

/** What a bundle may have beside its generator. */
export const BESIDE = ['encoder', 'completer'] as const;
export type Beside = (typeof BESIDE)[number];

/** The file of one of them, as above. */
export const besideFile = (manifest: Manifest, role: Beside, variant?: string): FileEntry =>
  role === 'encoder' ? encoderFile(manifest, variant) : completerFile(manifest, variant);

/** The file that a training can go on from; undefined for a bundle that was exported without it. */
export const trainerFile = ({ files }: Manifest): FileEntry | undefined => files.find(({ role }) => role === 'trainer');

function fileOf(manifest: Manifest, role: FileEntry['role'], variant: string): FileEntry {
  const files = manifest.files.filter((f) => f.role === role);
  const file = files.find((f) => f.variant === variant);
  if (file === undefined)
    throw new UserError(`${manifest.name}: expected dtype ${files.map((f) => f.variant).join(' or ')}, got ${variant}`);
  return file;
}

/** Labels that are read as one: a folder's name may hold é as one character or as two. */
const folded = (label: string): string => label.normalize('NFC').trim().toLowerCase();

/** The index of a class named by its label (in any case, where no label has that case) or its index. Throws UserError listing the labels. */
export function classIndex(manifest: Pick<Manifest, 'name' | 'classes'>, name: string): number {
  const { classes } = manifest;
  if (classes.length === 0)
    throw new UserError(`class: expected none, as ${manifest.name} has no classes, got ${name}`);
  const wanted = folded(name);
  const byLabel = [classes.indexOf(name), classes.findIndex((label) => folded(label) === wanted)].find((i) => i >= 0);
  if (byLabel !== undefined) return byLabel;
  if (/^(0|[1-9][0-9]{0,5})$/.test(wanted) && Number(wanted) < classes.length) return Number(wanted);
  throw new UserError(
    `class: expected one of ${classes.join(', ')} or an index from 0 to ${classes.length - 1}, got ${name}`,
  );
}
