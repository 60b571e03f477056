// open() and what can be asked before it: which files are needed, whether they are here, and away with them.
import { UserError } from '../contract/errors.ts';
import { runtimeFrom } from './addresses.ts';
import { inspectDevice } from './engine/device.ts';
import { type Bundle, createEngine, type EngineOptions, type EngineStatus } from './engine/engine.ts';
import { type Choice, type Plan, PROVIDERS, planLadder } from './engine/ladder.ts';
import { startRunner } from './engine/runner.ts';
import { demand, named } from './errors.ts';
import type { RemoteBundle } from './files/remote.ts';
import type { RuntimeFiles } from './files/runtime.ts';
import { addressOf, bundleOf, dropKept, keptBundle, type SourceOptions } from './files/source.ts';
import { createStore, FILES, nameOf, OtherFile, type RemoteFile, type Store } from './files/store.ts';
import { createModel } from './model.ts';
import { spawnWorker } from './spawn.ts';
import type { DeviceReport, FileOptions, Model, NeededFile, OpenOptions, Source } from './types.ts';

/**
 * Opens a bundle and resolves when it draws, on plain wasm at first where `device` is auto; the others are measured when nothing
 * else is to be done. Throws UserError with one sentence that names the cause, or what `signal` gives.
 */
export async function open(source: Source, options: OpenOptions = {}): Promise<Model> {
  const { signal, onProgress, onDevice, device = 'auto' } = options;
  const store = storeOf(options);
  const engineOptions = engineOptionsOf(options, store);
  let bytes = { loaded: 0, total: 0 };
  let report: DeviceReport | undefined;

  function onStatus(status: EngineStatus): void {
    switch (status.phase) {
      case 'loading':
        bytes = { loaded: status.loaded, total: status.total };
        onProgress?.({ phase: 'loading', ...bytes });
        break;
      case 'starting':
        // Nothing before the total is known: whoever divides by it would divide by nothing.
        if (report === undefined && bytes.total > 0) onProgress?.({ phase: 'starting', ...bytes });
        break;
      case 'running':
        report = { provider: status.provider, verdicts: status.verdicts, measuring: status.measuring };
        onDevice?.(report);
        break;
      case 'cancelled':
      case 'failed':
        break; // what load() and decode() reject with
      default:
        status satisfies never;
    }
  }

  const engine = createEngine(engineOptions, { onStatus, onFallback: () => undefined, onDamaged: () => undefined });
  const cancel = () => engine.dispose();
  try {
    signal?.throwIfAborted();
    if (device !== 'auto') await planOf(device, engineOptions); // refused before anything is downloaded
    const wanted = wantedOf(options, store);
    let bundle = await bundleOf(source, wanted);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      await engine.load(bundle, device);
    } catch (error) {
      // One that is just being replaced: its manifest is of another version than its network.
      const kept = error instanceof OtherFile ? await keptBundle(source, wanted) : undefined;
      if (kept === undefined || signal?.aborted) throw error;
      await engine.load(kept, device);
      bundle = kept;
    }
    signal?.throwIfAborted();
    await bundle.keep();
    onProgress?.({ phase: 'ready', loaded: bytes.total, total: bytes.total });
    return createModel(bundle, engine, () => {
      if (report === undefined) throw new Error('the engine runs, and has said so');
      return report;
    });
  } catch (error) {
    engine.dispose();
    throw signal?.aborted ? signal.reason : named(error, source);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** What opening needs: names, addresses and bytes, before any of it is downloaded (but model.json, which says so). */
export async function files(source: Source, options: FileOptions = {}): Promise<NeededFile[]> {
  const store = storeOf(options);
  try {
    const bundle = await bundleOf(source, wantedOf(options, store));
    return await neededFor(bundle, options, store);
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : named(error, source);
  }
}

/** Whether everything is on the device, so that open() works without a network. Asks no network itself. */
export async function isCached(source: Source, options: FileOptions = {}): Promise<boolean> {
  const store = storeOf(options);
  const bundle = await keptBundle(source, wantedOf(options, store));
  return bundle !== undefined && (await neededFor(bundle, options, store)).every(({ cached }) => cached);
}

/** Removes what is kept of a bundle's address, or without one everything that is kept: bundles and runtimes. */
export async function clear(source?: string | URL, options: Pick<FileOptions, 'cache'> = {}): Promise<void> {
  const store = storeOf(options);
  if (source !== undefined) return dropKept(source, store);
  const kept = await store.open();
  for (const { url } of (await kept?.keys()) ?? []) await kept?.delete(url);
}

async function neededFor(bundle: Bundle, options: FileOptions, store: Store): Promise<NeededFile[]> {
  const { build } = await planOf(options.device ?? 'auto', engineOptionsOf(options, store));
  const runtime: RuntimeFiles<RemoteFile> = runtimeFrom(options.wasmPaths)(build);
  const remote = [...('file' in bundle ? [(bundle as RemoteBundle).file] : []), ...Object.values(runtime)];
  return Promise.all(
    remote.map(async (file: RemoteFile): Promise<NeededFile> => {
      const part = Object.values(runtime).includes(file) ? 'runtime' : 'model';
      return { name: nameOf(file), url: file.url, bytes: file.bytes, part, cached: await store.isKept(file) };
    }),
  );
}

/** What would be tried on this device. Throws UserError where what was asked for by name cannot be. */
async function planOf(choice: Choice, { store, runtime, inThread }: EngineOptions): Promise<Plan> {
  if (choice !== 'auto' && !PROVIDERS.includes(choice))
    throw new UserError(`device: expected auto, ${PROVIDERS.join(', ')}, got ${choice}`);
  const [device, jspiKept] = await Promise.all([inspectDevice(), store.isKept(runtime('jspi').binary)]);
  const plan = planLadder(device, { memory: undefined, crashed: new Set(), choice, jspiKept, inThread });
  if (choice !== 'auto') demand(choice, plan.refused);
  return plan;
}

function wantedOf({ variant, version, signal }: FileOptions, store: Store): SourceOptions {
  return { store, variant, version, signal };
}

function storeOf({ fetch, cache = true }: Pick<FileOptions, 'fetch' | 'cache'>): Store {
  return createStore({ fetch, cache: cache === true ? FILES : cache === false ? undefined : cache });
}

function engineOptionsOf(options: OpenOptions, store: Store): EngineOptions {
  const { worker = hasWorkers(), cache } = options;
  return {
    store,
    runtime: runtimeFrom(options.wasmPaths),
    inThread: worker === false,
    start:
      worker === false
        ? async (...start) => (await import('./engine/in-thread.ts')).startInThread(...start)
        : (message, signal) => startRunner((name) => spawn(worker, name), message, signal),
    remembers: 'document' in globalThis && cache !== false,
  };
}

/** Node, Deno and Bun have workers too (or none), and no reason to use one: nobody waits for a page to answer there. */
function hasWorkers(): boolean {
  const { navigator } = globalThis as { navigator?: Navigator };
  return 'Worker' in globalThis && navigator !== undefined && !/^(Node|Deno|Bun)\b/.test(navigator.userAgent);
}

function spawn(worker: true | string | URL | (() => Worker), name: string): Worker {
  if (worker === true) return spawnWorker(name);
  if (typeof worker === 'function') return worker();
  return new Worker(addressOf(worker), { type: 'module', name });
}
