// Files of a run that hold numbers, as safetensors with a digest: checkpoints, the whole state, of which the last two are
// kept; and the snapshot, the averaged generator at its best.
import { z } from 'zod';
import { createSha256 } from '../../contract/hash.ts';
import { fromHalf, toHalf } from '../../trace/storage.ts';
import type { Shapes, Values } from '../nn/tensors.ts';
import { RUN, type RunFiles } from './files.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const CHECKPOINT = 'pocketgen-checkpoint-2';
const SNAPSHOT = 'pocketgen-snapshot-2';
const KEPT = 2;

/** What a run needs besides tensors. Random numbers have no state: they follow from `images` and the recipe's seed. */
const progressSchema = z.strictObject({
  /** Real pictures shown so far. */
  images: z.int().nonnegative(),
  /** Product of every β1 and of every β2 so far: Adam's bias corrections. */
  beta1Product: z.number(),
  beta2Product: z.number(),
  /** Seconds of training so far, in all sessions. */
  seconds: z.number().nonnegative(),
});
export type Progress = Readonly<z.infer<typeof progressSchema>>;

export interface Checkpoint {
  readonly progress: Progress;
  readonly state: Values;
}

const snapshotSchema = z.strictObject({
  images: z.int().positive(),
  metrics: z.looseObject({
    samples: z.number(),
    kid: z.number(),
    kidError: z.number(),
    nearCopies: z.number().optional(),
  }),
  /** The lowest distance measured until then, which may be an earlier snapshot's. */
  lowest: z.strictObject({ kid: z.number(), kidError: z.number() }),
});

/** The averaged generator where it was best. */
export interface Snapshot extends Readonly<z.infer<typeof snapshotSchema>> {
  readonly weights: Values;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** SHA-256 over names and numbers: what "the same parameters" means. */
export function stateHash(state: Values): string {
  const hash = createSha256();
  for (const name of Object.keys(state).sort()) {
    const data = state[name] ?? new Float32Array();
    hash.update(utf8(name)).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.hex();
}

/** Of the facts as they are written, and of the numbers. */
const digest = (facts: string, state: Values): string =>
  createSha256()
    .update(utf8(facts))
    .update(utf8(stateHash(state)))
    .hex();

/** The state's tensors of these shapes as a file that knows when it was altered. */
export function seal(
  format: string,
  facts: object,
  state: Values,
  shapes: Shapes,
  dtype: 'F32' | 'F16' = 'F32',
): Uint8Array {
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const data = state[name];
      if (!data) throw new Error(`${format}: expected a tensor named ${name}`);
      return [name, { shape, data }];
    }),
  );
  const text = JSON.stringify(facts);
  const kept =
    dtype === 'F32'
      ? state
      : Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, fromHalf(toHalf(data))]));
  return encodeSafetensors({ metadata: { format, facts: text, sha256: digest(text, kept) }, tensors }, dtype);
}

/** @throws Error with what is wrong: another format version, truncated, altered, tensors of another network */
export function unseal(
  format: string,
  bytes: Uint8Array,
  shapesOf: (facts: unknown) => Shapes,
): { facts: unknown; state: Values } {
  const { metadata, tensors } = decodeSafetensors(bytes);
  if (metadata.format !== format) throw new Error(`expected format ${format}, got ${metadata.format ?? 'none'}`);
  const { facts: text = '' } = metadata;
  const facts: unknown = JSON.parse(text);
  const shapes = shapesOf(facts);
  const state: Values = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const found = tensors[name];
    if (found?.shape.join() !== shape.join()) {
      throw new Error(`expected tensor ${name} of shape [${shape}], got ${found ? `[${found.shape}]` : 'none'}`);
    }
    state[name] = found.data;
  }
  const hash = digest(text, state);
  if (hash !== metadata.sha256) throw new Error(`expected SHA-256 ${metadata.sha256}, got ${hash}`);
  return { facts, state };
}

/** @throws Error with what is wrong: another format version, truncated, altered, tensors of another network */
function decodeCheckpoint(bytes: Uint8Array, shapes: Shapes): Checkpoint {
  const { facts, state } = unseal(CHECKPOINT, bytes, () => shapes);
  return { progress: progressSchema.parse(facts), state };
}

export async function saveSnapshot(files: RunFiles, { weights, ...facts }: Snapshot, shapes: Shapes): Promise<void> {
  await files.write(RUN.best, seal(SNAPSHOT, facts, weights, shapes));
}

/** Undefined when there is none, or none that is whole: `warn` is told why. */
export async function loadSnapshot(
  files: RunFiles,
  shapes: Shapes,
  warn: (sentence: string) => void,
): Promise<Snapshot | undefined> {
  const bytes = await files.read(RUN.best);
  if (!bytes) return undefined;
  try {
    const { facts, state } = unseal(SNAPSHOT, bytes, () => shapes);
    return { ...snapshotSchema.parse(facts), weights: state };
  } catch (error) {
    warn(`snapshot ${RUN.best}: ${reasonOf(error)}; going on without it`);
    return undefined;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const pathOf = (name: string): string => `${RUN.checkpoints}/${name}`;

const listed = async (files: RunFiles): Promise<string[]> =>
  (await files.list(RUN.checkpoints)).filter((name) => name.endsWith('.safetensors'));

export async function saveCheckpoint(files: RunFiles, { progress, state }: Checkpoint, shapes: Shapes): Promise<void> {
  const path = pathOf(`${String(progress.images).padStart(10, '0')}.safetensors`);
  await files.write(path, seal(CHECKPOINT, progress, state, shapes));
  for (const old of (await listed(files)).slice(0, -KEPT)) await files.remove(pathOf(old));
}

/** Images that the newest one has seen, by its name; 0 where there is none. */
export const newestCheckpoint = async (files: RunFiles): Promise<number> =>
  Number.parseInt((await listed(files)).at(-1) ?? '0', 10);

/** The newest checkpoint that is whole; `warn` is told of every one that is refused, by name. */
export async function loadNewestCheckpoint(
  files: RunFiles,
  shapes: Shapes,
  warn: (sentence: string) => void,
): Promise<Checkpoint | undefined> {
  for (const name of (await listed(files)).reverse()) {
    try {
      return decodeCheckpoint((await files.read(pathOf(name))) ?? new Uint8Array(), shapes);
    } catch (error) {
      warn(`checkpoint ${name}: ${reasonOf(error)}; going back to the one before it`);
    }
  }
  return undefined;
}

/** Renames the checkpoints after `images`, which were refused: the next ones are written in their place. Says how many. */
export async function setAside(files: RunFiles, images: number): Promise<number> {
  const refused = (await listed(files)).filter((name) => Number.parseInt(name, 10) > images);
  for (const name of refused) await files.rename(pathOf(name), pathOf(`${name}.refused`));
  return refused.length;
}
