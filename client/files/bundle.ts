// A bundle from a person's files (a zip, or the files of a folder): schema, sizes and hashes are checked before it is kept.
import { unzipSync } from 'fflate';
import { checkFile } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { generatorFile, type Manifest, parseManifest } from '../../contract/manifest.ts';

/** A phone's memory is the limit: runtime, weights and activations share some hundred megabytes. */
export const BUNDLE_BYTES = 64 * 1024 * 1024;
const PICTURE_SIDE = 512;

export interface CheckedBundle {
  manifest: Manifest;
  /** The generator of the default variant. */
  network: Uint8Array<ArrayBuffer>;
}

/** Throws UserError naming what is missing or wrong. */
export async function readBundle(given: readonly File[]): Promise<CheckedBundle> {
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
  const entry = generatorFile(manifest);
  if (entry.bytes > BUNDLE_BYTES)
    throw new UserError(`${entry.path}: expected at most ${BUNDLE_BYTES} bytes on a page, got ${entry.bytes}`);
  const bytes = files.get(entry.path);
  if (bytes === undefined)
    throw new UserError(`${entry.path}: expected it in the bundle, got none; add the whole folder`);
  await checkFile(entry, bytes);
  return { manifest, network: bytes };
}

/** By name without folders: a zip may hold the bundle's folder or its files, and Windows writes folders with backslashes. */
async function namedFiles(given: readonly File[]): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of given) {
    if (file.size > BUNDLE_BYTES * 2)
      throw new UserError(`${file.name}: expected at most ${BUNDLE_BYTES * 2} bytes, got ${file.size}`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!/\.zip$/i.test(file.name)) files.set(file.name, bytes);
    else for (const [name, content] of await unzipped(file.name, bytes)) files.set(name, content);
  }
  return files;
}

async function unzipped(name: string, bytes: Uint8Array): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  try {
    // A small zip can claim gigabytes: only what fits is unpacked.
    const content = unzipSync(bytes, {
      filter: (file) => file.originalSize <= BUNDLE_BYTES && /\.(json|onnx)$/.test(file.name),
    });
    return Object.entries(content).map(([path, data]) => [path.split(/[\\/]/).pop() ?? path, new Uint8Array(data)]);
  } catch (error) {
    throw new UserError(`${name}: expected a zip, got ${error instanceof Error ? error.message : 'something else'}`);
  }
}
