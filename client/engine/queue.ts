// A queue of batches for a worker that takes one at a time: what a finger waits for goes before what fills the wall.
import type { Picture } from '../../contract/picture.ts';

export type Priority = 'interactive' | 'background';

/** Rejects a batch that was dropped because nobody waits for it any more. */
export class Dropped extends Error {
  override readonly name = 'Dropped';
}

interface Job {
  latents: Float32Array[];
  classWeights: Float32Array[];
  resolve(pictures: Picture[]): void;
  reject(error: unknown): void;
}

export function createQueue(run: (latents: Float32Array[], classWeights: Float32Array[]) => Promise<Picture[]>) {
  const waiting: Record<Priority, Job[]> = { interactive: [], background: [] };
  let busy = false;
  let paused = true;
  /** What everybody is rejected with while there is nobody to draw. */
  let refusal: unknown;
  let idlers: (() => void)[] = [];

  function isIdle(): boolean {
    return !busy && waiting.interactive.length + waiting.background.length === 0;
  }

  async function pump(): Promise<void> {
    if (busy || paused) return;
    const job = waiting.interactive.shift() ?? waiting.background.shift();
    if (job === undefined) {
      const waking = idlers;
      idlers = [];
      for (const wake of waking) wake();
      return;
    }
    busy = true;
    try {
      job.resolve(await run(job.latents, job.classWeights));
    } catch (error) {
      job.reject(error);
    } finally {
      busy = false;
      void pump();
    }
  }

  function rejectAll(error: unknown): void {
    for (const job of [...waiting.interactive.splice(0), ...waiting.background.splice(0)]) job.reject(error);
  }

  return {
    /** When `signal` aborts it rejects with its reason: at once, also where the batch is under way already. */
    push(
      latents: Float32Array[],
      classWeights: Float32Array[],
      priority: Priority,
      signal?: AbortSignal,
    ): Promise<Picture[]> {
      return new Promise<Picture[]>((resolve, reject) => {
        if (refusal !== undefined) return reject(refusal);
        if (signal?.aborted) return reject(signal.reason);
        const leave = () => {
          const at = waiting[priority].indexOf(job);
          if (at >= 0) waiting[priority].splice(at, 1);
          reject(signal?.reason);
        };
        const stay = () => signal?.removeEventListener('abort', leave);
        const job: Job = {
          latents,
          classWeights,
          resolve: (pictures) => {
            stay();
            resolve(pictures);
          },
          reject: (error) => {
            stay();
            reject(error);
          },
        };
        signal?.addEventListener('abort', leave, { once: true });
        waiting[priority].push(job);
        void pump();
      });
    },
    dropBackground(): void {
      for (const job of waiting.background.splice(0)) job.reject(new Dropped());
    },
    rejectAll,
    /** Rejects what waits, and what comes until it is paused (then it waits) or resumed. */
    refuse(error: unknown): void {
      refusal = error;
      rejectAll(error);
    },
    pause(): void {
      paused = true;
      refusal = undefined;
    },
    resume(): void {
      paused = false;
      refusal = undefined;
      void pump();
    },
    /** Resolves when nothing runs or waits. */
    idle(): Promise<void> {
      return isIdle() ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve));
    },
  };
}
