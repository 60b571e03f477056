// A bundle from bytes (a zip, or the files of a folder): schema, sizes and hashes are checked before it is kept.
import { checkFile } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { BESIDE, type Beside, besideFile, generatorFile, trainerFile } from '../../contract/lookup.ts';
import { type Manifest, parseManifest, type Variant } from '../../contract/manifest.ts';

/** A phone's memory is the limit: runtime, weights and activations share some hundred megabytes. */
export const BUNDLE_BYTES = 64 * 1024 * 1024;
const PICTURE_SIDE = 512;

export interface CheckedBundle {
  manifest: Manifest;
  variant: Variant;
  /** The generator of that variant. */
  network: Uint8Array<ArrayBuffer>;
  /** Likewise, those that the model has and whose file was given too. */
  beside: ReadonlyMap<Beside, Uint8Array<ArrayBuffer>>;
  /** What a training can go on from, where it was given too. */
  trainer: Uint8Array<ArrayBuffer> | undefined;
}

/** A file by its name, or a zip of such files, whatever its name. */
export type NamedBytes = readonly [name: string, bytes: Uint8Array<ArrayBuffer>];

/** Of the default variant unless another is asked for. Throws UserError naming what is missing or wrong. */
export async function readBundle(given: readonly (File | NamedBytes)[], variant?: Variant): Promise<CheckedBundle> {
  const files = await namedFiles(given);
  const text = files.get('model.json');
  if (text === undefined)
    throw new UserError(
      'model.json: expected it in the bundle, got none; use a folder or zip made by pocketgen export',
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(text));
  } catch {
    throw new UserError('model.json: expected JSON, got something else; export the bundle again');
  }
  const manifest = parseManifest(json);
  const { width, height } = manifest.image;
  if (width > PICTURE_SIDE || height > PICTURE_SIDE)
    throw new UserError(`image: expected at most ${PICTURE_SIDE} pixels a side on a page, got ${width} x ${height}`);
  const entry = generatorFile(manifest, variant);
  if (entry.bytes > BUNDLE_BYTES)
    throw new UserError(`${entry.path}: expected at most ${BUNDLE_BYTES} bytes on a page, got ${entry.bytes}`);
  const bytes = files.get(entry.path);
  if (bytes === undefined)
    throw new UserError(`${entry.path}: expected it in the bundle, got none; add the whole folder`);
  await checkFile(entry, bytes);
  const beside = new Map<Beside, Uint8Array<ArrayBuffer>>();
  for (const role of BESIDE.filter((one) => manifest[one] !== undefined)) {
    const file = besideFile(manifest, role, entry.variant);
    const content = files.get(file.path);
    if (content === undefined) continue;
    await checkFile(file, content);
    beside.set(role, content);
  }
  const kept = trainerFile(manifest);
  const trainer = kept && files.get(kept.path);
  if (kept !== undefined && trainer !== undefined) await checkFile(kept, trainer);
  return { manifest, variant: entry.variant, network: bytes, beside, trainer };
}

/** Throws UserError for a file that is far larger than any bundle. */
async function bytesOf(given: File | NamedBytes): Promise<NamedBytes> {
  if (!(given instanceof File)) return given;
  if (given.size > BUNDLE_BYTES * 2)
    throw new UserError(`${given.name}: expected at most ${BUNDLE_BYTES * 2} bytes, got ${given.size}`);
  return [given.name, new Uint8Array(await given.arrayBuffer())];
}

const isZip = (name: string, bytes: Uint8Array) => /\.zip$/i.test(name) || (bytes[0] === 0x50 && bytes[1] === 0x4b);

/** By name without folders: a zip may hold the bundle's folder or its files, and Windows writes folders with backslashes. */
async function namedFiles(given: readonly (File | NamedBytes)[]): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, bytes] of await Promise.all(given.map(bytesOf))) {
    if (!isZip(name, bytes)) files.set(name, bytes);
    else for (const [inside, content] of await unzipped(name, bytes)) files.set(inside, content);
  }
  return files;
}

async function unzipped(name: string, bytes: Uint8Array): Promise<NamedBytes[]> {
  const { unzip } = await import('./unzip.ts');
  try {
    const content = unzip(bytes, (path, size) => size <= BUNDLE_BYTES && /\.(json|onnx|safetensors)$/.test(path));
    return content.map(([path, data]) => [path.split(/[\\/]/).pop() ?? path, data]);
  } catch (error) {
    throw new UserError(`${name}: expected a zip, got ${error instanceof Error ? error.message : 'something else'}`);
  }
}
