// Models that are opened when they are first asked for. Room is what memory allows: the one that was not asked for longest
// goes. Nothing is ever taken from under a request: a session does one run after another (contract/generator.ts), its
// release waits in the same line, and who holds a model that has gone opens it again with its next batch.
import { UserError } from '../../contract/errors.ts';
import type { Generator } from '../../contract/generator.ts';
import type { FileEntry, Variant } from '../../contract/manifest.ts';
import type { ServedModel } from '../models.ts';
import type { Once } from './once.ts';

/** How much larger a file's numbers are as float32, which is what a session keeps. */
const GROWTH: Readonly<Record<Variant, number>> = { fp32: 1, fp16: 2, int8: 4 };
/** Measured on onnxruntime-web 1.30: 3.2 to 3.5 MiB for a network of 2.56 MiB in float32 (docs/publish.md). */
const OVERHEAD = 1.4;
const FIXED_BYTES = 512 * 1024;
/** A bundle that is broken is read again after so long, not at every request. */
const BROKEN_MS = 10_000;

/** Bytes of memory that an open session of this file takes, a little more than measured. */
export function openBytes({ bytes, variant }: Pick<FileEntry, 'bytes' | 'variant'>): number {
  return FIXED_BYTES + Math.ceil(bytes * GROWTH[variant] * OVERHEAD);
}

export interface Shelf {
  /** The model, opened by `start` unless it is open. Throws UserError where it is broken or larger than there is room. */
  take(key: string, bytes: number, start: () => Promise<ServedModel>): Promise<ServedModel>;
  /** The model if it is open, without counting that as asked for. */
  peek(key: string): ServedModel | undefined;
  /** Bytes of the models that are open or being opened, as estimated. */
  used(): number;
}

export function createShelf(room: number, once: Once): Shelf {
  /** The one that was not asked for longest first. */
  const open = new Map<string, { model: ServedModel; bytes: number }>();
  const opening = new Map<symbol, { bytes: number; done: Promise<unknown> }>();
  const broken = new Map<string, { error: UserError; since: number }>();

  const used = () => [...open.values(), ...opening.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  /** Takes away what has to go; waits for others that are being opened where that is not enough. */
  async function makeRoom(bytes: number): Promise<void> {
    if (bytes > room) {
      const mebibytes = (size: number) => (size / 2 ** 20).toFixed(1);
      throw new UserError(
        `memory: expected a model that takes at most ${mebibytes(room)} MiB open, got one of ${mebibytes(bytes)}; serve it from a machine of your own`,
      );
    }
    while (used() + bytes > room) {
      const [oldest] = open;
      if (oldest !== undefined) {
        open.delete(oldest[0]);
        await oldest[1].model.close();
      } else {
        await Promise.race([...opening.values()].map(({ done }) => done));
      }
    }
  }

  async function put(key: string, bytes: number, start: () => Promise<ServedModel>): Promise<ServedModel> {
    await makeRoom(bytes);
    const mark = Symbol(key);
    const work = start();
    opening.set(mark, { bytes, done: work.catch(() => {}) });
    try {
      const model = await work;
      await open.get(key)?.model.close(); // opened twice, by who thought the first was stuck
      open.set(key, { model, bytes });
      return model;
    } catch (error) {
      if (error instanceof UserError) broken.set(key, { error, since: Date.now() });
      throw error;
    } finally {
      opening.delete(mark);
    }
  }

  return {
    async take(key, bytes, start) {
      const there = open.get(key);
      if (there !== undefined) {
        open.delete(key);
        open.set(key, there);
        return there.model;
      }
      for (const [one, { since }] of broken) if (Date.now() - since >= BROKEN_MS) broken.delete(one);
      const failure = broken.get(key);
      if (failure !== undefined) throw failure.error;
      return once(key, () => put(key, bytes, start));
    },
    peek: (key) => open.get(key)?.model,
    used,
  };
}

/** The generator of a model that may be closed between two batches and is opened again then. */
export function reopening(manifest: Generator['manifest'], take: () => Promise<ServedModel>): Generator {
  return {
    manifest,
    generate: async (requests) => (await take()).generator.generate(requests),
    decode: async (latents, classWeights) => (await take()).generator.decode(latents, classWeights),
  };
}
