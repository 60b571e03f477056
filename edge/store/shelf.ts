// Models that are opened when they are first asked for. Room is what memory allows: the one that was not asked for longest
// goes. Nothing is ever taken from under a request: runs and releases of sessions wait in one line (contract/generator.ts),
// whoever waits for a model gets into that line before its room can go to another, and asks anew for each batch.
import { UserError } from '../../contract/errors.ts';
import type { FileEntry, Variant } from '../../contract/manifest.ts';
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

/** What stands on a shelf: a model, or an encoder. */
interface Opened {
  close(): Promise<void>;
}

/** Something that is asked of an open model: it must ask its session in the same turn in which it is called. */
type Work<M, T> = (model: M) => Promise<T>;

export interface Shelf<M> {
  /** Does `work` with the model, opened by `start` unless it is open. Throws UserError where it is broken or too large. */
  use<T>(key: string, bytes: number, start: () => Promise<M>, work: Work<M, T>): Promise<T>;
  /** The model if it is open, without counting that as asked for. */
  peek(key: string): M | undefined;
}

interface Waiting<M> {
  begin(model: M): void;
  fail(error: unknown): void;
}

/** `room`: bytes of memory for the models that are open, by openBytes. */
export function createShelf<M extends Opened>(room: number, once: Once): Shelf<M> {
  /** The one that was not asked for longest first. */
  const open = new Map<string, { model: M; bytes: number }>();
  const opening = new Map<symbol, { bytes: number; done: Promise<unknown> }>();
  const waiting = new Map<string, Waiting<M>[]>();
  const broken = new Map<string, { error: UserError; since: number }>();

  const used = () => [...open.values(), ...opening.values()].reduce((sum, { bytes }) => sum + bytes, 0);

  /** Begins `start` once there is room: takes away what has to go, and waits for others that are being opened. */
  async function inRoom(bytes: number, start: () => Promise<M>): Promise<M> {
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
    const mark = Symbol();
    const work = start().finally(() => opening.delete(mark));
    opening.set(mark, { bytes, done: work.catch(() => {}) });
    return work;
  }

  async function put(key: string, bytes: number, start: () => Promise<M>): Promise<void> {
    const line = () => {
      const all = waiting.get(key) ?? [];
      waiting.delete(key);
      return all;
    };
    try {
      const model = await inRoom(bytes, start);
      const twin = open.get(key); // opened twice, by who thought the first was stuck
      open.set(key, { model, bytes });
      // Before anybody else can ask for its room.
      for (const { begin } of line()) begin(model);
      await twin?.model.close();
    } catch (error) {
      if (error instanceof UserError) broken.set(key, { error, since: Date.now() });
      for (const { fail } of line()) fail(error);
    }
  }

  return {
    async use<T>(key: string, bytes: number, start: () => Promise<M>, work: Work<M, T>): Promise<T> {
      const there = open.get(key);
      if (there !== undefined) {
        open.delete(key);
        open.set(key, there);
        return work(there.model);
      }
      for (const [one, { since }] of broken) if (Date.now() - since >= BROKEN_MS) broken.delete(one);
      const failure = broken.get(key);
      if (failure !== undefined) throw failure.error;
      const result = new Promise<T>((resolve, reject) => {
        const begin = (model: M) => void work(model).then(resolve, reject);
        waiting.set(key, [...(waiting.get(key) ?? []), { begin, fail: reject }]);
      });
      // Whoever came between the end of an opening and its being forgotten is still waiting then.
      const begin = (): unknown =>
        once(key, () => put(key, bytes, start)).then(() => (waiting.has(key) ? begin() : undefined));
      void begin();
      return result;
    },
    peek: (key) => open.get(key)?.model,
  };
}
