// The page's side of one worker: start it, send it one batch at a time, learn why it failed.
import type { Completion } from '../../contract/completer.ts';
import type { Picture } from '../../contract/picture.ts';
import type { Verdict } from './ladder.ts';
import type { Answer, FailureCause, FromWorker, Provider, Started, StartMessage, Work } from './protocol.ts';

/** Beside what a worker says of itself: it did not answer, did not load, cannot be, or is not started again by itself. */
type Cause = FailureCause | 'silent' | 'unloaded' | 'no-wasm' | 'crashed';

export class RunnerError extends Error {
  override readonly name = 'RunnerError';
  readonly why: Cause;
  constructor(why: Cause, message: string) {
    super(message);
    this.why = why;
  }
}

export function failedVerdict(provider: Provider, error: unknown): Verdict {
  const reason = error instanceof RunnerError ? error.why : 'error';
  return { provider, reason, detail: error instanceof Error ? error.message : String(error) };
}

export interface Batch {
  pictures: Picture[];
  milliseconds: number;
}

export interface Runner {
  readonly provider: Provider;
  readonly started: Started;
  /** It is of no more use: its worker died, did not answer in time, or was stopped. */
  readonly isLost: boolean;
  /** One at a time. Rejects with RunnerError. */
  decode(latents: Float32Array[], classWeights: Float32Array[]): Promise<Batch>;
  /** Of an encoder, likewise. */
  encode(pictures: Picture[], classWeights: Float32Array[]): Promise<Float32Array[]>;
  /** Of a completer. */
  complete(completions: readonly Completion[]): Promise<Picture[]>;
  /** Called once if the worker becomes useless on its own (the GPU went away) while nothing is under way. */
  onLost: ((error: RunnerError) => void) | undefined;
  /** Rejects the batch under way, frees the worker's memory and its GPU. */
  stop(): void;
}

/** Each kind of work without its number. */
type Unnumbered<T> = T extends Work ? Omit<T, 'id'> : never;

/** A GPU driver that hangs answers nothing: after this the candidate is dropped. */
const START_LIMIT = 45_000;
const DECODE_LIMIT = 30_000;

/** Resolves when the worker has proved itself. `signal` stops it, started or not; none is spawned after it. */
export function startRunner(
  spawn: (name: string) => Worker,
  message: Omit<StartMessage, 'type'>,
  signal: AbortSignal,
): Promise<Runner> {
  if (signal.aborted) return Promise.reject(new RunnerError('error', 'stopped'));
  let worker: Worker;
  try {
    worker = spawn(message.provider);
  } catch (error) {
    // Of another origin, or forbidden by the page's policy.
    return Promise.reject(new RunnerError('unloaded', error instanceof Error ? error.message : String(error)));
  }
  let pending: { id: number; resolve: (answer: Answer) => void; reject: (error: RunnerError) => void } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lost: RunnerError | undefined;
  let nextId = 1;

  return new Promise((resolve, reject) => {
    let running = false;

    function limit(milliseconds: number): void {
      clearTimeout(timer);
      timer = setTimeout(() => stopped(new RunnerError('silent', 'no answer')), milliseconds);
    }

    function stopped(error: RunnerError): void {
      if (lost !== undefined) return;
      lost = error;
      clearTimeout(timer);
      worker.terminate();
      const waiting = pending;
      pending = undefined;
      if (!running) reject(error);
      else if (waiting !== undefined) waiting.reject(error);
      else runner.onLost?.(error);
    }

    function ask(work: Unnumbered<Work>): Promise<Answer> {
      if (lost !== undefined) return Promise.reject(lost);
      if (pending !== undefined) return Promise.reject(new RunnerError('error', 'a batch is already under way'));
      return new Promise((resolveBatch, rejectBatch) => {
        const id = nextId++;
        pending = { id, resolve: resolveBatch, reject: rejectBatch };
        limit(DECODE_LIMIT);
        worker.postMessage({ ...work, id });
      });
    }

    const runner: Omit<Runner, 'started'> = {
      provider: message.provider,
      get isLost() {
        return lost !== undefined;
      },
      onLost: undefined,
      async decode(latents, classWeights) {
        const answer = await ask({ type: 'decode', latents, classWeights });
        if (answer.type !== 'pictures') throw new RunnerError('error', `got ${answer.type} for latents`);
        return answer;
      },
      async encode(pictures, classWeights) {
        const answer = await ask({ type: 'encode', pictures, classWeights });
        if (answer.type !== 'latents') throw new RunnerError('error', `got ${answer.type} for pictures`);
        return answer.latents;
      },
      async complete(completions) {
        const answer = await ask({ type: 'complete', completions });
        if (answer.type !== 'pictures') throw new RunnerError('error', `got ${answer.type} for completions`);
        return answer.pictures;
      },
      stop() {
        runner.onLost = undefined;
        lost ??= new RunnerError('error', 'stopped');
        clearTimeout(timer);
        pending?.reject(lost);
        pending = undefined;
        worker.terminate();
        reject(lost); // no effect once it has started
      },
    };
    signal.addEventListener('abort', () => runner.stop(), { once: true });

    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      switch (data.type) {
        case 'started':
          running = true;
          clearTimeout(timer);
          resolve(Object.assign(runner, { started: data }));
          break;
        case 'pictures':
        case 'latents':
          if (pending?.id !== data.id) break;
          clearTimeout(timer);
          {
            const { resolve: done } = pending;
            pending = undefined;
            done(data);
          }
          break;
        case 'failed':
          if (data.id === undefined) stopped(new RunnerError(data.cause, data.message));
          else if (pending?.id === data.id) {
            clearTimeout(timer);
            const { reject: undo } = pending;
            pending = undefined;
            undo(new RunnerError(data.cause, data.message));
          }
          break;
        default:
          data satisfies never;
      }
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      // Without words it is the script itself that could not be had.
      if (event.message) stopped(new RunnerError('error', event.message));
      else stopped(new RunnerError('unloaded', 'the worker could not be loaded'));
    });
    limit(START_LIMIT);
    worker.postMessage({ type: 'start', ...message });
  });
}
