// What the routes ask of whoever keeps models, and how one bundle is opened: checked against its hash and goldens, and
// warm before its first picture.
import { checkFile, checkGoldens } from '../contract/bundle.ts';
import { type Completer, checkCompleterGoldens, createCompleter } from '../contract/completer.ts';
import { checkEncoderGoldens, createEncoder, type Encoder } from '../contract/encoder.ts';
import {
  createGenerator,
  type Generator,
  inTurn,
  type PictureRequest,
  type SessionLike,
  type TensorConstructor,
} from '../contract/generator.ts';
import { completerFile, encoderFile, generatorFile } from '../contract/lookup.ts';
import { type FileEntry, type Manifest, parseManifest, type Variant } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import { encodePng } from '../contract/png.ts';
import { bundleVersion } from '../contract/version.ts';
import { createOnce } from './store/once.ts';

/** ONNX Runtime as the routes need it: how a session is made is the entry's business (workerd, Node wasm, native). */
export interface Engine {
  /** Shown in /healthz; `native` may differ from `wasm` by one level, so it is part of every ETag. */
  provider: 'wasm' | 'native';
  /** Levels of 255 that its pictures may differ from the goldens, and how much the numbers of its latents may. */
  maxLevels: number;
  maxLatent: number;
  Tensor: TensorConstructor;
  createSession(model: Uint8Array): Promise<SessionLike & { release(): Promise<void> }>;
}

export interface BundleSource {
  /** For messages, when the manifest cannot be read. */
  name: string;
  manifest(): Promise<unknown>;
  /** When the bundle was written, in seconds since 1970: OpenAI's clients expect it of every model. */
  created(): Promise<number>;
  read(path: string): Promise<Uint8Array>;
}

export interface ServedModel {
  manifest: Manifest;
  file: FileEntry;
  /** Stands for everything that decides a picture's bytes: the file and the provider. */
  hash: string;
  provider: Engine['provider'];
  generator: Generator;
  /** Seconds since 1970. */
  created: number;
  /** Milliseconds to read, check, open and warm (0 on Workers, whose clock stands still while starting). */
  openMs: number;
  /** Frees the session; nothing may be asked of it after. */
  close(): Promise<void>;
}

/** What a bundle has beside its generator. */
export interface Beside {
  /** The way back, opened when it is first asked for. Rejects with a UserError for a model without one, or one that fails its checks. */
  encoder(): Promise<Encoder>;
  /** What completes pictures, likewise. */
  completer(): Promise<Completer>;
}

/** What is known of a model before it is opened: enough for lists, addresses, ETags and what a request may ask for. */
export interface ModelEntry
  extends Pick<
    Manifest,
    'name' | 'title' | 'description' | 'kind' | 'image' | 'classes' | 'license' | 'defaultTruncation'
  > {
  /** `bundleVersion` of its manifest. */
  version: string;
  /** Of the file that is drawn with. */
  variant: Variant;
  /** Of that file, before compression. */
  bytes: number;
  /** Stands for everything that decides a picture's bytes: the file's SHA-256 and, where it is not wasm, the provider. */
  hash: string;
  /** Seconds since 1970. */
  created: number;
  /** Trained on this machine: a newer bundle may take its place at any moment. */
  changes: boolean;
  /** Undefined while it is not open. */
  opened: { provider: Engine['provider']; openMs: number } | undefined;
}

/** A model lent to one request. */
export interface Loan extends Beside {
  entry: ModelEntry;
  /** Its whole model.json, read without opening it. */
  manifest(): Promise<Manifest>;
  /**
   * Opens the model, or waits for who is opening it already: at the same time it is opened once. Rejects with a UserError
   * that says what is wrong with the bundle; the next request tries again.
   */
  open(): Promise<ServedModel>;
}

/**
 * Where models come from: built into the Worker, in a watched folder, in R2. A store opens them when it likes (at once, or when
 * they are first asked for) and closes them when it likes, but never while they are lent.
 */
export interface Models {
  /** The current version of each model, in the order in which they are offered. Opens none. */
  list(): Promise<readonly ModelEntry[]>;
  /** Models (or folders, where no name is known) that failed a check, and why. */
  failed(): ReadonlyMap<string, string>;
  /**
   * Lends a model until `work` has ended: its current version, or the one named if that is still kept, which is then the
   * same one all the while, whatever is published or removed meanwhile. Undefined, without `work`, if there is none.
   */
  lend<T>(name: string, version: string | undefined, work: (loan: Loan) => Promise<T>): Promise<T | undefined>;
}

/** Opens one bundle. `goldens`: how many of the variant's goldens to check. Throws UserError. */
export async function openModel(source: BundleSource, engine: Engine, goldens: number): Promise<ServedModel> {
  const start = performance.now();
  const manifest = parseManifest(await source.manifest());
  const file = generatorFile(manifest);
  const bytes = await source.read(file.path);
  await checkFile(file, bytes);
  const session = await inTurn(() => engine.createSession(bytes));
  const generator = createGenerator(manifest, session, engine.Tensor);
  const some = manifest.goldens.filter((golden) => golden.variant === file.variant).slice(0, goldens);
  const close = () => inTurn(() => session.release());
  try {
    await checkGoldens({ ...manifest, goldens: some }, file.variant, generator, engine.maxLevels);
  } catch (error) {
    await close();
    throw error;
  }
  // The first PNG of a program costs tens of milliseconds (compiling the encoder): let it be this one.
  encodePng({ width: 8, height: 8, channels: 1, data: new Uint8Array(64) });
  const hash = engine.provider === 'wasm' ? file.sha256 : `${engine.provider}-${file.sha256}`;
  const { provider } = engine;
  const created = await source.created();
  const openMs = performance.now() - start;
  return { manifest, file, hash, provider, generator, created, openMs, close };
}

/** The same, and what the bundle has beside its generator, which goes when that goes. */
export async function openWhole(source: BundleSource, engine: Engine, goldens: number): Promise<ServedModel & Beside> {
  const model = await openModel(source, engine, goldens);
  const encoding = whenAsked(() => openEncoder(source, engine, goldens));
  const completing = whenAsked(() => openCompleter(source, engine, goldens));
  return {
    ...model,
    encoder: async () => (await encoding.get()).encoder,
    completer: async () => (await completing.get()).completer,
    async close() {
      await model.close();
      await encoding.close();
      await completing.close();
    },
  };
}

/** What is opened when it is first asked for, and kept. */
function whenAsked<N extends { close(): Promise<void> }>(open: () => Promise<N>) {
  const once = createOnce(() => undefined);
  let kept: N | undefined;
  return {
    get: async (): Promise<N> =>
      kept ??
      once('', async () => {
        const opened = await open();
        if (kept !== undefined) await opened.close();
        else kept = opened;
        return kept;
      }),
    close: async () => kept?.close(),
  };
}

export interface OpenEncoder {
  encoder: Encoder;
  close(): Promise<void>;
}

export interface OpenCompleter {
  completer: Completer;
  close(): Promise<void>;
}

/** Opens a bundle's encoder, checked as its generator is. Throws UserError. */
export async function openEncoder(source: BundleSource, engine: Engine, goldens: number): Promise<OpenEncoder> {
  const manifest = parseManifest(await source.manifest());
  const file = encoderFile(manifest);
  const bytes = await source.read(file.path);
  await checkFile(file, bytes);
  const session = await inTurn(() => engine.createSession(bytes));
  const encoder = createEncoder(manifest, session, engine.Tensor);
  const close = () => inTurn(() => session.release());
  const known = manifest.encoder?.goldens.filter(({ variant }) => variant === file.variant) ?? [];
  const some = { ...manifest, encoder: manifest.encoder && { ...manifest.encoder, goldens: known.slice(0, goldens) } };
  try {
    await checkEncoderGoldens(some, file.variant, encoder, engine.maxLatent);
  } catch (error) {
    await close();
    throw error;
  }
  return { encoder, close };
}

/** Opens a bundle's completer, checked as its generator is. Throws UserError. */
export async function openCompleter(source: BundleSource, engine: Engine, goldens: number): Promise<OpenCompleter> {
  const manifest = parseManifest(await source.manifest());
  const file = completerFile(manifest);
  const bytes = await source.read(file.path);
  await checkFile(file, bytes);
  const session = await inTurn(() => engine.createSession(bytes));
  const completer = createCompleter(manifest, session, engine.Tensor);
  const close = () => inTurn(() => session.release());
  const known = manifest.completer?.goldens.filter(({ variant }) => variant === file.variant) ?? [];
  const some = {
    ...manifest,
    completer: manifest.completer && { ...manifest.completer, goldens: known.slice(0, goldens) },
  };
  try {
    await checkCompleterGoldens(some, file.variant, completer, engine.maxLevels);
  } catch (error) {
    await close();
    throw error;
  }
  return { completer, close };
}

/** What is known of a bundle by its manifest, with what only its store knows. */
export async function entryOf(
  manifest: Manifest,
  more: Pick<ModelEntry, 'hash' | 'created' | 'changes' | 'opened'>,
): Promise<ModelEntry> {
  const { name, title, description, kind, image, classes, license, defaultTruncation } = manifest;
  const { variant, bytes } = generatorFile(manifest);
  const version = await bundleVersion(manifest);
  return {
    ...{ name, title, description, kind, image, classes, license, defaultTruncation },
    ...{ version, variant, bytes },
    ...more,
  };
}

/** The entry of a model that is open. */
export function entryOfOpen({ manifest, hash, created, provider, openMs }: ServedModel): Promise<ModelEntry> {
  return entryOf(manifest, { hash, created, changes: false, opened: { provider, openMs } });
}

/** Small batches: a larger one is no faster per picture and would raise wasm's memory for good. */
const BATCH = 16;

/** Pictures of any number of requests, batch after batch. */
export async function generate(model: ServedModel, requests: readonly PictureRequest[]): Promise<Picture[]> {
  return inBatches(requests, (some) => model.generator.generate(some));
}

export async function inBatches<T>(
  items: readonly T[],
  draw: (some: readonly T[]) => Promise<Picture[]>,
): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for (let at = 0; at < items.length; at += BATCH) pictures.push(...(await draw(items.slice(at, at + BATCH))));
  return pictures;
}
