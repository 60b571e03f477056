// What went wrong, in one sentence for who builds with the library: what, expected, got, what to do.
import { UserError } from '../contract/errors.ts';
import type { Reason, Verdict } from './engine/ladder.ts';
import type { Provider } from './engine/protocol.ts';
import { RunnerError } from './engine/runner.ts';
import { isNetworkFailure, Unanswered } from './files/patience.ts';
import type { Source } from './types.ts';

/** A failure of the network or the runtime as a UserError that names it and has the first as its cause; others as they are. */
export function named(error: unknown, source: Source): unknown {
  if (error instanceof RunnerError) return caused(runnerSentence(error), error);
  if (!isNetworkFailure(error) || !(error instanceof Error)) return error;
  const given = typeof source === 'string' || source instanceof URL ? String(source) : "ONNX Runtime's files";
  const what = error instanceof Unanswered ? error.address : given;
  return caused(
    `${what}: expected an answer, got none (${error.message}); check the address and the network, and that the other ` +
      'host allows this page to read it (Access-Control-Allow-Origin, and Cross-Origin-Resource-Policy where the page is isolated)',
    error,
  );
}

function caused(message: string, cause: unknown): UserError {
  const error = new UserError(message);
  error.cause = cause;
  return error;
}

function runnerSentence({ why, message }: RunnerError): string {
  switch (why) {
    case 'unloaded':
      return `worker: expected worker.js beside the library's own file, got nothing (${message}); copy it there, or set worker to its address or to false`;
    case 'no-wasm':
      return 'WebAssembly: expected it, got nothing; Lockdown Mode turns it off';
    case 'crashed':
      return 'device: expected plain wasm to start, got a page that ended while it did; open it again to try once more';
    case 'memory':
      return `memory: expected enough for the model, got ${message}; use a variant with smaller weights or close other pages`;
    case 'silent':
      return 'device: expected an answer from ONNX Runtime, got none in time; set device to wasm';
    case 'wrong':
      return message;
    case 'lost':
    case 'error':
      return `ONNX Runtime: expected it to draw, got ${message}`;
    default:
      return why satisfies never;
  }
}

/** What a device must have for a provider that was asked for by name. */
const NEEDS: Partial<Record<Reason, string>> = {
  'no-adapter': 'a browser that gives a WebGPU adapter, got none; set device to auto',
  'no-jspi': 'a browser with WebAssembly JSPI, which the WebGPU runtime needs, got one without; set device to auto',
  'not-isolated':
    'a cross-origin isolated page, got one that is not; serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
  'one-core': 'two cores, got one; set device to wasm',
  'no-worker': 'a worker for the runtime, got worker: false; set device to wasm',
};

/** Throws UserError when the provider that was asked for cannot be had here, before anything is downloaded. */
export function demand(provider: Provider, refused: readonly Verdict[]): void {
  const reason = refused.find((verdict) => verdict.provider === provider)?.reason;
  if (reason !== undefined)
    throw new UserError(`device ${provider}: expected ${NEEDS[reason] ?? `it to be there, got ${reason}`}`);
}
