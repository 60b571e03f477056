// One open model for all elements of a page that draw from the same bundle on the same device: one download, one runtime,
// one worker. Opened for the first of them, closed a moment after the last has gone. The client itself is loaded when a model
// is first needed: a page that shows nothing but the edge's pictures never loads it.
import type { Model } from '../types.ts';
import type { Bundle } from './wish.ts';

type OnProgress = (loaded: number, total: number) => void;

/** What one element holds of a shared model. */
export interface Loan {
  readonly model: Promise<Model>;
  /** Once: with the last one the model's memory and its worker go. */
  release(): void;
}

interface Shared {
  model: Promise<Model>;
  ready: boolean;
  users: Set<{ onProgress: OnProgress }>;
  abort: AbortController;
  closing: ReturnType<typeof setTimeout> | undefined;
}

/** A list drawn anew or another route takes its elements out and puts others in: those find the model still open. */
const LINGER_MS = 1000;

const models = new Map<string, Shared>();

function keyOf({ address, device, runtime, version }: Bundle): string {
  return JSON.stringify([address, device, runtime, version]);
}

export function isSame(a: Bundle, b: Bundle): boolean {
  return keyOf(a) === keyOf(b);
}

/** Whether it draws at once. */
export function isOpen(bundle: Bundle): boolean {
  return models.get(keyOf(bundle))?.ready === true;
}

/** `onProgress` is called with the bytes of model and runtime while they arrive. */
export function borrow(bundle: Bundle, onProgress: OnProgress): Loan {
  const key = keyOf(bundle);
  const shared = models.get(key) ?? start(bundle);
  models.set(key, shared);
  clearTimeout(shared.closing);
  const user = { onProgress };
  shared.users.add(user);
  return {
    model: shared.model,
    release() {
      shared.users.delete(user);
      if (shared.users.size === 0) shared.closing = setTimeout(() => close(key, shared), LINGER_MS);
    },
  };
}

function start(bundle: Bundle): Shared {
  const { address, device, runtime, version } = bundle;
  const abort = new AbortController();
  const users: Shared['users'] = new Set();
  const options = {
    ...{ device, version },
    signal: abort.signal,
    ...(runtime === undefined ? {} : { wasmPaths: runtime }),
    onProgress({ phase, loaded, total }: { phase: string; loaded: number; total: number }) {
      if (phase === 'loading') for (const { onProgress } of users) onProgress(loaded, total);
    },
  };
  const model = import('../index.ts').then(({ open }) => open(address, options));
  const shared: Shared = { model, ready: false, users, abort, closing: undefined };
  model.then(
    () => {
      shared.ready = true;
    },
    // As the browser does for an image that cannot be had; elements with an edge show its picture all the same.
    (error: unknown) => {
      if (!abort.signal.aborted) console.warn(error instanceof Error ? error.message : error);
    },
  );
  return shared;
}

function close(key: string, shared: Shared): void {
  models.delete(key);
  shared.abort.abort();
  shared.model.then(
    (model) => model.dispose(),
    () => undefined,
  );
}
