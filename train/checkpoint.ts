// Checkpoints: the whole state of a run in one safetensors file, written beside its name and renamed, the last two kept.
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Values } from './engines/engine.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const FORMAT = 'pocketgen-checkpoint-1';
const KEPT = 2;

/** What a run needs besides tensors. Random numbers have no state: they follow from `images` and the recipe's seed. */
export interface Progress {
  /** Real pictures shown so far. */
  readonly images: number;
  /** Product of every β1 and of every β2 so far: Adam's bias corrections. */
  readonly beta1Product: number;
  readonly beta2Product: number;
  /** Seconds of training so far, in all sessions. */
  readonly seconds: number;
}

export interface Checkpoint {
  readonly progress: Progress;
  readonly state: Values;
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
    throw error;
  }
}

export function encodeCheckpoint({ progress, state }: Checkpoint, shapes: Shapes): Uint8Array {
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const data = state[name];
      if (!data) throw new Error(`checkpoint: expected a tensor named ${name}`);
      return [name, { shape, data }];
    }),
  );
  return encodeSafetensors({
    metadata: { format: FORMAT, sha256: stateHash(state), progress: JSON.stringify(progress) },
    tensors,
  });
}

/** @throws Error with what is wrong: another format version, truncated, altered, tensors of another network */
export function decodeCheckpoint(bytes: Uint8Array, shapes: Shapes): Checkpoint {
  const { metadata, tensors } = decodeSafetensors(bytes);
  if (metadata.format !== FORMAT) throw new Error(`expected format ${FORMAT}, got ${metadata.format ?? 'none'}`);
  const state: Values = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const found = tensors[name];
    if (found?.shape.join() !== shape.join()) {
      throw new Error(`expected tensor ${name} of shape [${shape}], got ${found ? `[${found.shape}]` : 'none'}`);
    }
    state[name] = found.data;
  }
  const hash = stateHash(state);
  if (hash !== metadata.sha256) throw new Error(`expected SHA-256 ${metadata.sha256}, got ${hash}`);
  return { progress: JSON.parse(metadata.progress ?? '{}') as Progress, state };
}

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
      const reason = error instanceof Error ? error.message : String(error);
      warn(`checkpoint ${name}: ${reason}; going back to the one before it`);
    }
  }
  return undefined;
}
