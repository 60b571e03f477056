// The way back: a model's encoder, on plain wasm in a runner of its own that the first call starts.
import type { Picture } from '../../contract/picture.ts';
import type { RuntimeBuild } from '../files/runtime.ts';
import type { Bundle, EngineOptions } from './engine.ts';
import type { Runner } from './runner.ts';

/** pictures of the model's size; classWeights [count, classes], empty for an unconditional model. Latents [count, latent size]. */
export type Encode = (pictures: Picture[], classWeights: Float32Array[]) => Promise<Float32Array[]>;

/** Everything stops when `signal` aborts. After a failure the next call starts anew. */
export function createEncoding(
  { store, runtime, start }: EngineOptions,
  bundle: Bundle,
  build: RuntimeBuild,
  signal: AbortSignal,
): Encode {
  let runner: Promise<Runner> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function started(): Promise<Runner> {
    const { script, loader, binary } = runtime(build);
    const [model, bytes] = await Promise.all([bundle.readEncoder({ signal }), store.read(binary, { signal })]);
    const { manifest, variant } = bundle;
    const files = { script: script.url, loader: loader.url, binary: bytes, model };
    const how = { network: 'encoder', provider: 'wasm', threads: 1, measure: false } as const;
    return start({ ...how, ...files, build, manifest, variant }, signal);
  }

  async function encode(pictures: Picture[], classWeights: Float32Array[]): Promise<Float32Array[]> {
    runner ??= started();
    try {
      return await (await runner).encode(pictures, classWeights);
    } catch (error) {
      runner?.then((one) => one.stop()).catch(() => undefined);
      runner = undefined;
      throw error;
    }
  }

  return (pictures, classWeights) => {
    // A runner takes one batch at a time.
    const latents = last.then(() => encode(pictures, classWeights));
    last = latents.catch(() => undefined);
    return latents;
  };
}
