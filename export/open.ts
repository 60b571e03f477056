// Opens a bundle folder for generating: reads and checks model.json and the file of one variant, starts a session.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFile } from '../contract/bundle.ts';
import { type Completer, createCompleter } from '../contract/completer.ts';
import { createEncoder, type Encoder } from '../contract/encoder.ts';
import { UserError } from '../contract/errors.ts';
import { createGenerator, type Generator, type TensorConstructor } from '../contract/generator.ts';
import { completerFile, encoderFile, generatorFile } from '../contract/lookup.ts';
import { type FileEntry, type Manifest, parseManifest, type Variant } from '../contract/manifest.ts';
import { createSession, Tensor } from '../train/engines/onnxruntime.ts';
import type { Session, StartSession } from './bundle.ts';

/** `wasm` is the reference, the same bytes on every machine; `cpu` is onnxruntime-node, within one level of it. */
export const PROVIDERS = ['wasm', 'cpu'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What went wrong with a bundle, to be thrown: a UserError then says in which folder, for whoever works with several. */
export function inBundle(dir: string, error: unknown): unknown {
  const where = `bundle ${dir}: `;
  if (!(error instanceof UserError) || error.message.startsWith(where)) return error;
  return new UserError(where + error.message.replace('upgrade FOLDER', `upgrade ${dir}`));
}

export function readManifest(dir: string): Manifest {
  const path = join(dir, 'model.json');
  if (!existsSync(path)) {
    throw new UserError(`bundle ${dir}: expected a folder with model.json, got none; make one with pocketgen export`);
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new UserError(`bundle ${dir}: expected JSON in model.json, got something else; export the bundle again`);
  }
  try {
    return parseManifest(json);
  } catch (error) {
    throw inBundle(dir, error);
  }
}

/** The bytes of the variant's generator, checked against the manifest. */
export const readGenerator = (dir: string, manifest: Manifest, variant?: Variant): Promise<Uint8Array> =>
  readNetwork(dir, generatorFile(manifest, variant));

/** The bytes of a file of the bundle, checked against its manifest. */
export async function readNetwork(dir: string, entry: FileEntry): Promise<Uint8Array> {
  const path = join(dir, entry.path);
  if (!existsSync(path)) {
    throw new UserError(`bundle ${dir}: expected the file ${entry.path}, got none; export the bundle again`);
  }
  const bytes = new Uint8Array(readFileSync(path));
  await checkFile(entry, bytes).catch((error) => {
    throw inBundle(dir, error);
  });
  return bytes;
}

/** Starts ONNX Runtime on a model. */
export async function startSession(bytes: Uint8Array, provider: Provider): Promise<Session> {
  switch (provider) {
    case 'wasm': {
      const ort = await import('onnxruntime-web/wasm');
      ort.env.wasm.numThreads = 1;
      // The same graph optimisations everywhere: what they fuse decides the last bit.
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
      return { session: session as unknown as Session['session'], Tensor: ort.Tensor as unknown as TensorConstructor };
    }
    case 'cpu': {
      const session = await createSession(bytes, { executionProviders: ['cpu'] });
      return { session: session as unknown as Session['session'], Tensor: Tensor as unknown as TensorConstructor };
    }
    default:
      return provider satisfies never;
  }
}

/** The reference, which goldens are made on. */
export const onWasm: StartSession = (bytes) => startSession(bytes, 'wasm');

export interface OpenBundle {
  readonly manifest: Manifest;
  readonly generator: Generator;
  close(): Promise<void>;
}

/** @throws UserError when the bundle is damaged or has no such variant */
export async function openBundle(
  dir: string,
  options: { variant?: Variant; provider?: Provider } = {},
): Promise<OpenBundle> {
  const manifest = readManifest(dir);
  const bytes = await readGenerator(dir, manifest, options.variant);
  const { session, Tensor } = await startSession(bytes, options.provider ?? 'wasm');
  return { manifest, generator: createGenerator(manifest, session, Tensor), close: () => session.release() };
}

export interface OpenEncoder {
  readonly encoder: Encoder;
  close(): Promise<void>;
}

/** @throws UserError when the bundle has no encoder, no such variant of it, or is damaged */
export async function openEncoder(
  dir: string,
  manifest: Manifest,
  options: { variant?: Variant; provider?: Provider } = {},
): Promise<OpenEncoder> {
  const bytes = await readNetwork(dir, encoderFile(manifest, options.variant));
  const { session, Tensor } = await startSession(bytes, options.provider ?? 'wasm');
  return { encoder: createEncoder(manifest, session, Tensor), close: () => session.release() };
}

/** @throws UserError when the bundle completes no pictures, has no such variant, or is damaged */
export async function openCompleter(
  dir: string,
  manifest: Manifest,
  options: { variant?: Variant; provider?: Provider } = {},
): Promise<{ readonly completer: Completer; close(): Promise<void> }> {
  const bytes = await readNetwork(dir, completerFile(manifest, options.variant));
  const { session, Tensor } = await startSession(bytes, options.provider ?? 'wasm');
  return { completer: createCompleter(manifest, session, Tensor), close: () => session.release() };
}
