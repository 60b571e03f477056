// A bundle folder as it is published: every file that its manifest names, checked, and those beside it that people look at.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkFile, checkGoldens, sha256Hex } from '../../contract/bundle.ts';
import { checkCompleterGoldens, createCompleter } from '../../contract/completer.ts';
import { checkEncoderGoldens, createEncoder } from '../../contract/encoder.ts';
import { createGenerator, inTurn } from '../../contract/generator.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { bundleVersion } from '../../contract/version.ts';
import { folderSource, manifestJson, readManifestText } from '../../edge/bundles.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import { inBundle } from '../../export/open.ts';

/** Files that the manifest does not name. */
const EXTRAS = ['preview.png', 'MODEL_CARD.md'];

export interface CheckedBundle {
  manifest: Manifest;
  version: string;
  /** SHA-256 of its model.json. */
  manifestSha256: string;
  manifestBytes: Uint8Array<ArrayBuffer>;
  /** By SHA-256. */
  blobs: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** SHA-256 by path. */
  extras: Readonly<Record<string, string>>;
}

/**
 * Reads a bundle and checks it as whoever serves it will: each file's hash, and every golden of every network on wasm.
 * Throws UserError.
 */
export async function readCheckedBundle(folder: string): Promise<CheckedBundle> {
  try {
    return await readChecked(folder);
  } catch (error) {
    throw inBundle(folder, error);
  }
}

async function readChecked(folder: string): Promise<CheckedBundle> {
  const text = await readManifestText(folder);
  const manifest = parseManifest(manifestJson(folder, text));
  const source = folderSource(folder);
  const engine = wasmEngine();
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of manifest.files) {
    const bytes = new Uint8Array(await source.read(file.path));
    await checkFile(file, bytes);
    blobs.set(file.sha256, bytes);
    if (file.role === 'trainer') continue;
    const session = await inTurn(() => engine.createSession(bytes));
    try {
      switch (file.role) {
        case 'generator': {
          const generator = createGenerator(manifest, session, engine.Tensor);
          await checkGoldens(manifest, file.variant, generator, engine.maxLevels);
          break;
        }
        case 'encoder': {
          const encoder = createEncoder(manifest, session, engine.Tensor);
          await checkEncoderGoldens(manifest, file.variant, encoder, engine.maxLatent);
          break;
        }
        case 'completer': {
          const completer = createCompleter(manifest, session, engine.Tensor);
          await checkCompleterGoldens(manifest, file.variant, completer, engine.maxLevels);
          break;
        }
        default:
          file.role satisfies never;
      }
    } finally {
      await inTurn(() => session.release());
    }
  }
  const extras: Record<string, string> = {};
  for (const path of EXTRAS) {
    if (!existsSync(join(folder, path))) continue;
    const bytes = new Uint8Array(await readFile(join(folder, path)));
    const sha256 = await sha256Hex(bytes);
    blobs.set(sha256, bytes);
    extras[path] = sha256;
  }
  const manifestBytes = new TextEncoder().encode(text);
  const manifestSha256 = await sha256Hex(manifestBytes);
  return { manifest, version: await bundleVersion(manifest), manifestSha256, manifestBytes, blobs, extras };
}
