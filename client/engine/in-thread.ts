// A runner without a worker: for Node, Deno and Bun, for service workers' pages that forbid workers, and for who has a worker of
// their own and calls the library there.
import type { StartMessage } from './protocol.ts';
import { type Runner, RunnerError } from './runner.ts';
import { sessionError, startSession } from './session.ts';

const runnerError = (error: unknown): RunnerError => {
  const { why, message } = sessionError(error);
  return new RunnerError(why, message);
};

/** Resolves when the session has proved itself; `signal` frees it, started or not. */
export async function startInThread(message: Omit<StartMessage, 'type'>, signal: AbortSignal): Promise<Runner> {
  let stopped = false;
  const session = await startSession(message, (lost) => {
    void lost.then(({ message: words }) => {
      if (!stopped) runner.onLost?.(new RunnerError('lost', words));
    });
  }).catch((error: unknown) => {
    throw runnerError(error);
  });

  const runner: Runner = {
    provider: message.provider,
    started: session.started,
    get isLost() {
      return stopped;
    },
    onLost: undefined,
    async decode(latents, classWeights) {
      if (stopped) throw new RunnerError('error', 'stopped');
      const before = performance.now();
      try {
        const pictures = await session.decode(latents, classWeights);
        return { pictures, milliseconds: performance.now() - before };
      } catch (error) {
        throw runnerError(error);
      }
    },
    async encode(pictures, classWeights) {
      if (stopped) throw new RunnerError('error', 'stopped');
      return session.encode(pictures, classWeights).catch((error: unknown) => {
        throw runnerError(error);
      });
    },
    async complete(completions) {
      if (stopped) throw new RunnerError('error', 'stopped');
      return session.complete(completions).catch((error: unknown) => {
        throw runnerError(error);
      });
    },
    stop() {
      if (stopped) return;
      stopped = true;
      void session.release();
    },
  };
  if (signal.aborted) {
    runner.stop();
    throw new RunnerError('error', 'stopped');
  }
  signal.addEventListener('abort', () => runner.stop(), { once: true });
  return runner;
}
