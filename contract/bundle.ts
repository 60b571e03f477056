// Checking a bundle: files against their hashes, a running generator against the manifest's goldens.
import { UserError } from './errors.ts';
import type { Generator } from './generator.ts';
import type { FileEntry, Golden, Manifest, Variant } from './manifest.ts';
import type { Picture } from './picture.ts';
import { levelsOf } from './pixels.ts';

/** SHA-256 in lower-case hexadecimal. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** By WebCrypto, which a page has on https and localhost only; elsewhere by code that is fetched when it is needed. */
async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  if (subtle !== undefined) return new Uint8Array(await subtle.digest('SHA-256', new Uint8Array(bytes)));
  return (await import('@noble/hashes/sha2.js')).sha256(bytes);
}

/** Throws UserError naming the file if its size or hash is not the manifest's. */
export async function checkFile(entry: FileEntry, bytes: Uint8Array): Promise<void> {
  if (bytes.length !== entry.bytes)
    throw new UserError(`${entry.path}: expected ${entry.bytes} bytes, got ${bytes.length}; fetch or export it again`);
  const hash = await sha256Hex(bytes);
  if (hash !== entry.sha256)
    throw new UserError(`${entry.path}: expected SHA-256 ${entry.sha256}, got ${hash}; fetch or export it again`);
}

/**
 * The largest difference of two pictures' bytes, in levels of 255. RGBA is compared premultiplied, as the network gave
 * it: the straight colour of a pixel that is hardly seen moves by many levels where the network's moves by one.
 */
export function largestDifference(expected: Uint8Array, got: Uint8Array, channels: number): number {
  const [a, b] = [expected, got].map((data) => levelsOf({ channels, data })) as [Uint8Array, Uint8Array];
  let largest = a.length === b.length ? 0 : 255;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return largest;
}

export function goldenPixels(golden: Pick<Golden, 'pixels'>): Uint8Array {
  return Uint8Array.from(atob(golden.pixels), (character) => character.charCodeAt(0));
}

/**
 * Generates every golden of `variant` in one batch and compares. `maxLevels` 0 asks for the same bytes (wasm); native
 * and GPU providers are allowed 1. Returns the largest difference seen; throws UserError above `maxLevels`.
 */
export async function checkGoldens(
  manifest: Manifest,
  variant: Variant,
  generator: Generator,
  maxLevels: number,
): Promise<number> {
  const goldens = manifest.goldens.filter((golden) => golden.variant === variant);
  if (goldens.length === 0)
    throw new UserError(`${manifest.name}: expected at least one golden for ${variant}, got none; export it again`);
  const pictures = await generator.generate(
    goldens.map((golden) => ({ seed: golden.seed, class: golden.class, truncation: golden.truncation })),
  );
  const named = goldens.map((golden) => ({
    ...golden,
    name: `${manifest.name} ${variant}: golden of seed ${golden.seed}`,
  }));
  return levelsOff(named, pictures, manifest.image.channels, maxLevels);
}

/** Pictures beside those that were recorded: the largest difference seen. Throws UserError above `maxLevels`, naming which. */
export async function levelsOff(
  recorded: readonly (Pick<Golden, 'sha256' | 'pixels'> & { readonly name: string })[],
  pictures: readonly Picture[],
  channels: Manifest['image']['channels'],
  maxLevels: number,
): Promise<number> {
  let largest = 0;
  for (const [i, golden] of recorded.entries()) {
    const expected = goldenPixels(golden);
    const hash = await sha256Hex(expected);
    if (hash !== golden.sha256)
      throw new UserError(
        `${golden.name}: expected pixels of SHA-256 ${golden.sha256}, got ${hash}; export the bundle again`,
      );
    const levels = largestDifference(expected, pictures[i]?.data ?? new Uint8Array(), channels);
    if (levels > maxLevels)
      throw new UserError(
        `${golden.name}: expected ${maxLevels === 0 ? 'the same bytes' : `at most ${maxLevels} level of difference`}, got a difference of ${levels} levels of 255`,
      );
    largest = Math.max(largest, levels);
  }
  return largest;
}
