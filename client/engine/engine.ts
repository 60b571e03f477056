// Runs the device ladder and keeps the winner: downloads what is needed, starts candidates in workers of their own,
// falls back with a reason when one fails, and queues batches so that a finger goes before the wall.
import type { Completion } from '../../contract/completer.ts';
import type { Beside } from '../../contract/lookup.ts';
import type { Manifest, Variant } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import type { RuntimeBuild, RuntimeFiles } from '../files/runtime.ts';
import type { ReadOptions, RemoteFile, Store } from '../files/store.ts';
import { createBeside, type OnBeside, onNothing } from './beside.ts';
import { crashes, forgiveCrash, markTrying, reasonNotToStart } from './crash.ts';
import { inspectDevice, memoryKey, recall, remember } from './device.ts';
import { type Choice, type Device, inUse, isFaster, type Plan, planLadder, type Verdict } from './ladder.ts';
import type { Provider, StartMessage } from './protocol.ts';
import { createQueue, Dropped, type Priority } from './queue.ts';
import { type Batch, failedVerdict, type Runner, RunnerError } from './runner.ts';

/** What the engine can run: a manifest and a way to get the bytes of its network. */
export interface Bundle {
  manifest: Manifest;
  variant: Variant;
  /** Bytes to download, for the progress bar; 0 when they are already here. */
  bytes: number;
  read(options: ReadOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Of the same variant; rejects with UserError where the model has none. */
  readBeside(role: Beside, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** It draws: what the device keeps of it is this from now on. */
  keep(): Promise<void>;
}

/** What differs between one engine and another. */
export interface EngineOptions {
  /** For the runtime's files. */
  store: Store;
  runtime(build: RuntimeBuild): RuntimeFiles<RemoteFile>;
  /** In a worker of its own (runner.ts), or in this thread (in-thread.ts), which can hold one provider only. */
  start(message: Omit<StartMessage, 'type'>, signal: AbortSignal): Promise<Runner>;
  inThread: boolean;
  /** Whether verdicts, and what was tried when the page died, are kept for the next visit. */
  remembers: boolean;
}

export type EngineStatus =
  | { phase: 'loading'; loaded: number; total: number }
  | { phase: 'starting' }
  | { phase: 'running'; provider: Provider; build: RuntimeBuild; verdicts: Verdict[]; measuring: boolean }
  | { phase: 'cancelled' }
  | { phase: 'failed'; error: unknown };

export interface EngineEvents {
  onStatus(status: EngineStatus): void;
  /** A provider gave up while in use, and another took over. */
  onFallback(verdict: Verdict): void;
  onDamaged(file: RemoteFile): void;
}

export interface Engine {
  readonly status: EngineStatus;
  /** Stops what runs, then loads `bundle`. Resolves when the first picture can be made, or another load or dispose() came between. */
  load(bundle: Bundle, choice: Choice): Promise<void>;
  /**
   * Goes over to a newer bundle of the same model while the one in use goes on drawing; batches under way are Dropped.
   * Rejects, and leaves everything as it was, when the newer one cannot be fetched or does not give its goldens.
   */
  renew(bundle: Bundle): Promise<void>;
  cancel(): void;
  /** What waits when `signal` aborts is not made; what is under way is made for nobody. */
  decode(
    latents: Float32Array[],
    classWeights: Float32Array[],
    priority: Priority,
    signal?: AbortSignal,
  ): Promise<Picture[]>;
  /** By the model's encoder, on wasm in a worker of its own, which the first call starts. */
  encode(pictures: Picture[], classWeights: Float32Array[]): Promise<Float32Array[]>;
  /** By its completer, likewise. */
  complete(completions: readonly Completion[]): Promise<Picture[]>;
  /** Drops what waits in the queue at `background` priority. */
  dropBackground(): void;
  /** Pictures in a batch that keeps the device answering a finger within about a frame or two. */
  batchSize(): number;
  /** Stops everything: what waits or is under way is Dropped, and so is what is asked for from now on. */
  dispose(): void;
}

/** One load of a bundle. What it found out is its own: an attempt still under way when another load begins cannot touch that one. */
interface Job {
  bundle: Bundle;
  /** Aborted by cancel() and by the next load: stops downloads and workers. */
  abort: AbortController;
  device: Device;
  plan: Plan;
  verdicts: Verdict[];
  runner?: Runner;
  onBeside?: OnBeside;
}

interface Parts {
  build: RuntimeBuild;
  binary: Uint8Array<ArrayBuffer>;
  model: Uint8Array<ArrayBuffer>;
}

export function createEngine(options: EngineOptions, events: EngineEvents): Engine {
  const { store, runtime, inThread, remembers } = options;
  let status: EngineStatus = { phase: 'starting' };
  let job: Job | undefined;
  let perPicture = 4;
  let loads = 0;
  const queue = createQueue(run);

  function report(next: EngineStatus): void {
    status = next;
    events.onStatus(next);
  }

  function reportRunning(mine: Job, measuring: boolean): void {
    const current = inUse(mine);
    if (current === undefined) return;
    const { provider } = current;
    report({ phase: 'running', provider, build: mine.plan.build, verdicts: [...mine.verdicts], measuring });
  }

  function reportFailure(error: unknown): void {
    const cancelled = error instanceof DOMException && error.name === 'AbortError';
    report(cancelled ? { phase: 'cancelled' } : { phase: 'failed', error });
  }

  async function load(bundle: Bundle, choice: Choice): Promise<void> {
    job?.abort.abort();
    job = undefined;
    queue.pause();
    queue.rejectAll(new Dropped());
    const ticket = ++loads;
    const abort = new AbortController();
    report({ phase: 'starting' });
    if (choice !== 'auto' && remembers) await forgiveCrash(choice);
    const crashed = remembers ? await crashes() : new Set<Provider>();
    if (ticket !== loads) return; // another load began meanwhile, or none is wanted any more
    const hopeless = await reasonNotToStart(crashed);
    if (hopeless !== undefined) {
      reportFailure(hopeless);
      throw hopeless;
    }
    const [device, jspiKept] = await Promise.all([inspectDevice(), store.isKept(runtime('jspi').binary)]);
    if (ticket !== loads) return;
    const memory = remembers ? recall(memoryKey(bundle, device)) : undefined;
    const plan = planLadder(device, { memory, crashed, choice, jspiKept, inThread });
    const mine: Job = { bundle, abort, device, plan, verdicts: [...plan.refused] };
    job = mine;
    try {
      const parts = await readParts(mine, reportLoading);
      await climb(mine, parts, plan.candidates);
    } catch (error) {
      if (job !== mine) return;
      reportFailure(error);
      throw error;
    }
  }

  async function renew(bundle: Bundle): Promise<void> {
    const old = job;
    const current = old === undefined ? undefined : inUse(old);
    if (old?.runner === undefined || current === undefined) return;
    const plan = { ...old.plan, known: current };
    const mine: Job = { bundle, abort: new AbortController(), device: old.device, plan, verdicts: [...old.verdicts] };
    // Leaving this model for another ends this too.
    const follow = () => mine.abort.abort();
    old.abort.signal.addEventListener('abort', follow);
    try {
      const parts = await readParts(mine, () => undefined);
      let attempt = await tryProvider(mine, parts, current.provider);
      if (attempt.runner === undefined && current.provider !== 'wasm') attempt = await tryProvider(mine, parts, 'wasm');
      mine.abort.signal.throwIfAborted();
      if (attempt.runner === undefined) throw attempt.error;
      old.abort.signal.removeEventListener('abort', follow);
      job = mine;
      adopt(mine, attempt.runner, attempt.verdict);
      old.abort.abort();
      const tried = mine.verdicts.map(({ provider }) => provider);
      const rest = plan.candidates.filter((provider) => !tried.includes(provider));
      reportRunning(mine, rest.length > 0);
      void compareRest(mine, parts, rest);
    } catch (error) {
      mine.abort.abort();
      throw error;
    }
  }

  function reportLoading(loaded: number, total: number): void {
    report({ phase: 'loading', loaded, total });
  }

  async function readParts(mine: Job, onProgress: (loaded: number, total: number) => void): Promise<Parts> {
    const { bundle, abort } = mine;
    const { build } = mine.plan;
    const { script, loader, binary } = runtime(build);
    const total = script.bytes + loader.bytes + binary.bytes + bundle.bytes;
    const loaded = { script: 0, loader: 0, binary: 0, model: 0 };
    const progress = (part: keyof typeof loaded) => (bytes: number) => {
      loaded[part] = bytes;
      // What is still under way when another part fails must not report over the failure.
      if (!abort.signal.aborted) onProgress(loaded.script + loaded.loader + loaded.binary + loaded.model, total);
    };
    const reading = { signal: abort.signal, onDamaged: events.onDamaged };
    const parts = Promise.all([
      store.read(binary, { ...reading, onProgress: progress('binary') }),
      bundle.read({ ...reading, onProgress: progress('model') }),
      // Small; the worker loads them by address, through the service worker when there is no network.
      store.read(script, { ...reading, onProgress: progress('script') }),
      store.read(loader, { ...reading, onProgress: progress('loader') }),
    ]);
    const [runtimeBytes, modelBytes] = await parts.catch((error: unknown) => {
      abort.abort();
      throw error;
    });
    abort.signal.throwIfAborted(); // what is kept is read to its end all the same
    return { build, binary: runtimeBytes, model: modelBytes };
  }

  /** Starts the candidates one after another. Resolves at the first that works; the rest are measured when it is quiet. */
  async function climb(mine: Job, parts: Parts, candidates: readonly Provider[]): Promise<void> {
    let last: unknown;
    for (const [at, provider] of candidates.entries()) {
      const rest = candidates.slice(at + 1);
      report({ phase: 'starting' });
      const attempt = await tryProvider(mine, parts, provider);
      mine.abort.signal.throwIfAborted();
      if (attempt.runner !== undefined) {
        adopt(mine, attempt.runner, attempt.verdict);
        reportRunning(mine, rest.length > 0);
        void compareRest(mine, parts, rest);
        return;
      }
      last = attempt.error;
    }
    // Everything that was asked for or remembered failed: the floor is always worth a try.
    if (!candidates.includes('wasm')) return climb(mine, parts, ['wasm']);
    throw last ?? new RunnerError('error', 'no provider');
  }

  interface Attempt {
    runner?: Runner;
    verdict: Verdict;
    error?: unknown;
  }

  /** Records why a provider failed, unless it was stopped because the load was aborted. */
  async function tryProvider(mine: Job, parts: Parts, provider: Provider): Promise<Attempt> {
    const { script, loader } = runtime(parts.build);
    const { manifest, variant } = mine.bundle;
    const threads = provider === 'wasm-threads' ? Math.min(4, mine.device.cores) : 1;
    const known = mine.plan.known?.provider === provider ? mine.plan.known : undefined;
    if (remembers) markTrying(provider, true);
    try {
      const started = await options.start(
        {
          network: 'generator',
          provider,
          threads,
          build: parts.build,
          script: script.url,
          loader: loader.url,
          binary: parts.binary,
          manifest,
          variant,
          model: parts.model,
          measure: known?.milliseconds === undefined,
        },
        mine.abort.signal,
      );
      const { levels } = started.started;
      const milliseconds = started.started.milliseconds ?? known?.milliseconds ?? 0;
      return { runner: started, verdict: { provider, milliseconds, levels } };
    } catch (error) {
      const verdict = failedVerdict(provider, error);
      if (!mine.abort.signal.aborted) settle(mine, verdict);
      return { verdict, error };
    } finally {
      if (remembers) markTrying(provider, false);
    }
  }

  function adopt(mine: Job, next: Runner, verdict: Verdict): void {
    const previous = inUse(mine);
    if (previous !== undefined) settle(mine, { ...previous, reason: 'slower' });
    settle(mine, verdict);
    mine.runner?.stop();
    mine.runner = next;
    perPicture = verdict.milliseconds ?? perPicture;
    next.onLost = (error) => void fallBack(mine, next.provider, error).catch(() => undefined); // the status tells
    queue.resume();
  }

  async function compareRest(mine: Job, parts: Parts, rest: readonly Provider[]): Promise<void> {
    for (const provider of rest) {
      await queue.idle();
      if (mine.abort.signal.aborted) return;
      const attempt = await tryProvider(mine, parts, provider);
      if (attempt.runner === undefined) continue;
      await queue.idle();
      if (mine.abort.signal.aborted) return;
      if (!isFaster(attempt.verdict, inUse(mine))) {
        attempt.runner.stop();
        settle(mine, { ...attempt.verdict, reason: 'slower' });
      } else adopt(mine, attempt.runner, attempt.verdict);
    }
    if (mine.abort.signal.aborted) return;
    const current = inUse(mine);
    if (current !== undefined) keepVerdicts(mine, current.provider);
    reportRunning(mine, false);
  }

  /** The provider in use failed: say why, forget it, go on with plain wasm. Rejects, as all drawing then does, if that fails too. */
  async function fallBack(mine: Job, provider: Provider, error: unknown): Promise<void> {
    if (job !== mine) return;
    queue.pause();
    mine.runner?.stop();
    delete mine.runner;
    const failure = failedVerdict(provider, error);
    const verdict: Verdict = failure.reason === 'error' ? { ...failure, reason: 'stopped' } : failure;
    settle(mine, verdict);
    keepVerdicts(mine, 'wasm');
    events.onFallback(verdict);
    try {
      const parts = await readParts(mine, reportLoading);
      await climb(mine, parts, ['wasm']);
    } catch (last) {
      if (job !== mine) throw new Dropped();
      reportFailure(last);
      queue.refuse(last);
      throw last;
    }
  }

  /** The queue's worker: one batch on the current runner, again on the next runner if that one dies under it. */
  async function run(latents: Float32Array[], classWeights: Float32Array[]): Promise<Picture[]> {
    const mine = job;
    const current = mine?.runner;
    if (mine === undefined || current === undefined) throw new Dropped();
    let batch: Batch;
    try {
      batch = await current.decode(latents, classWeights);
    } catch (error) {
      if (job !== mine) throw new Dropped();
      if (mine.runner !== current) return run(latents, classWeights); // replaced by a faster one meanwhile
      const memory = error instanceof RunnerError && error.why === 'memory';
      if (memory && latents.length > 1) return inHalves(latents, classWeights);
      const onWasm = current.provider === 'wasm';
      if (onWasm && !current.isLost) throw error;
      await fallBack(mine, current.provider, error);
      if (onWasm) throw error; // a second time it might be what the next worker dies of
      return run(latents, classWeights);
    }
    perPicture = 0.8 * perPicture + 0.2 * (batch.milliseconds / latents.length);
    return batch.pictures;
  }

  /** For the next visit. */
  function keepVerdicts({ bundle, device, verdicts }: Job, provider: Provider): void {
    if (remembers) remember(memoryKey(bundle, device), { provider, verdicts });
  }

  async function inHalves(latents: Float32Array[], classWeights: Float32Array[]): Promise<Picture[]> {
    const half = latents.length >> 1;
    const first = await run(latents.slice(0, half), classWeights.slice(0, half));
    return [...first, ...(await run(latents.slice(half), classWeights.slice(half)))];
  }

  const beside: OnBeside = (network, work) => {
    if (job) job.onBeside ??= createBeside(options, job.bundle, job.plan.build, job.abort.signal);
    return (job?.onBeside ?? onNothing)(network, work);
  };

  return {
    get status() {
      return status;
    },
    load,
    renew,
    cancel: () => job?.abort.abort(),
    decode: queue.push,
    encode: (pictures, classWeights) => beside('encoder', (runner) => runner.encode(pictures, classWeights)),
    complete: (completions) => beside('completer', (runner) => runner.complete(completions)),
    dropBackground: queue.dropBackground,
    batchSize: () => Math.max(1, Math.min(16, Math.floor(20 / Math.max(perPicture, 0.05)))),
    dispose() {
      loads++; // ends one that is still looking at the device, too
      job?.abort.abort();
      job = undefined;
      queue.refuse(new Dropped());
    },
  };
}

/** Replaces what was known about the verdict's provider. */
function settle(mine: Job, verdict: Verdict): void {
  mine.verdicts = [...mine.verdicts.filter((v) => v.provider !== verdict.provider), verdict];
}
