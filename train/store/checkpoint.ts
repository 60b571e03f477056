// Files of a run that hold numbers, as safetensors with a digest: checkpoints, the whole state, of which the last two are
// kept; and the snapshot, the averaged generator at its best. Written beside their names and renamed.

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { fromHalf, toHalf } from '../../trace/storage.ts';
import type { Values } from '../nn/tensors.ts';
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

type Shapes = Readonly<Record<string, readonly number[]>>;

/** SHA-256 over names and numbers: what "the same parameters" means. */
export function stateHash(state: Values): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(state).sort()) {
    const data = state[name] ?? new Float32Array();
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** Writes through a temporary name and a rename, so that no reader ever sees half a file. */
export function writeAtomically(path: string, bytes: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      const data = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
      for (let at = 0; at < data.length; ) at += writeSync(file, data, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error instanceof Error && 'path' in error ? Object.assign(error, { path }) : error;
  }
}

/** Of the facts as they are written, and of the numbers. */
const digest = (facts: string, state: Values): string =>
  createHash('sha256').update(facts).update(stateHash(state)).digest('hex');

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

export function encodeCheckpoint({ progress, state }: Checkpoint, shapes: Shapes): Uint8Array {
  return seal(CHECKPOINT, progress, state, shapes);
}

/** @throws Error with what is wrong: another format version, truncated, altered, tensors of another network */
export function decodeCheckpoint(bytes: Uint8Array, shapes: Shapes): Checkpoint {
  const { facts, state } = unseal(CHECKPOINT, bytes, () => shapes);
  return { progress: progressSchema.parse(facts), state };
}

export function saveSnapshot(path: string, { weights, ...facts }: Snapshot, shapes: Shapes): void {
  writeAtomically(path, seal(SNAPSHOT, facts, weights, shapes));
}

/** Undefined when there is none, or none that is whole: `warn` is told why. */
export function loadSnapshot(path: string, shapes: Shapes, warn: (sentence: string) => void): Snapshot | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const { facts, state } = unseal(SNAPSHOT, readFileSync(path), () => shapes);
    return { ...snapshotSchema.parse(facts), weights: state };
  } catch (error) {
    warn(`snapshot ${basename(path)}: ${reasonOf(error)}; going on without it`);
    return undefined;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const fileName = (images: number): string => `${String(images).padStart(10, '0')}.safetensors`;

const listed = (dir: string): string[] =>
  readdirSync(dir)
    .filter((f) => f.endsWith('.safetensors'))
    .sort();

export function saveCheckpoint(dir: string, checkpoint: Checkpoint, shapes: Shapes): string {
  const path = join(dir, fileName(checkpoint.progress.images));
  writeAtomically(path, encodeCheckpoint(checkpoint, shapes));
  for (const old of listed(dir).slice(0, -KEPT)) rmSync(join(dir, old), { force: true });
  return path;
}

/** The newest checkpoint that is whole; `warn` is told of every one that is refused, by name. */
export function loadNewestCheckpoint(
  dir: string,
  shapes: Shapes,
  warn: (sentence: string) => void,
): Checkpoint | undefined {
  for (const name of listed(dir).reverse()) {
    try {
      return decodeCheckpoint(readFileSync(join(dir, name)), shapes);
    } catch (error) {
      warn(`checkpoint ${name}: ${reasonOf(error)}; going back to the one before it`);
    }
  }
  return undefined;
}

/** Renames the checkpoints after `images`, which were refused: the next ones are written in their place. Says how many. */
export function setAside(dir: string, images: number): number {
  const refused = listed(dir).filter((name) => Number.parseInt(name, 10) > images);
  for (const name of refused) renameSync(join(dir, name), join(dir, `${name}.refused`));
  return refused.length;
}
