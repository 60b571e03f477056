// What a model has beside its generator (an encoder, a completer), each on plain wasm in a runner of its own that the first call starts.
import type { Beside } from '../../contract/lookup.ts';
import type { RuntimeBuild } from '../files/runtime.ts';
import type { Bundle, EngineOptions } from './engine.ts';
import { Dropped } from './queue.ts';
import type { Runner } from './runner.ts';

/** Does some work on one of them. */
export type OnBeside = <T>(network: Beside, work: (runner: Runner) => Promise<T>) => Promise<T>;

/** Before anything is loaded, and after. */
export const onNothing: OnBeside = () => Promise.reject(new Dropped());

/** Everything stops when `signal` aborts. After a failure the next call starts anew. */
export function createBeside(
  { store, runtime, start }: EngineOptions,
  bundle: Bundle,
  build: RuntimeBuild,
  signal: AbortSignal,
): OnBeside {
  const runners = new Map<Beside, Promise<Runner>>();
  const last = new Map<Beside, Promise<unknown>>();

  async function started(network: Beside): Promise<Runner> {
    const { script, loader, binary } = runtime(build);
    const [model, bytes] = await Promise.all([bundle.readBeside(network, { signal }), store.read(binary, { signal })]);
    const { manifest, variant } = bundle;
    const files = { script: script.url, loader: loader.url, binary: bytes, model };
    const how = { network, provider: 'wasm', threads: 1, measure: false } as const;
    return start({ ...how, ...files, build, manifest, variant }, signal);
  }

  async function done<T>(network: Beside, work: (runner: Runner) => Promise<T>): Promise<T> {
    const runner = runners.get(network) ?? started(network);
    runners.set(network, runner);
    try {
      return await work(await runner);
    } catch (error) {
      runner.then((one) => one.stop()).catch(() => undefined);
      runners.delete(network);
      throw error;
    }
  }

  return (network, work) => {
    // A runner takes one batch at a time.
    const result = (last.get(network) ?? Promise.resolve()).then(() => done(network, work));
    last.set(
      network,
      result.catch(() => undefined),
    );
    return result;
  };
}
