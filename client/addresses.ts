// Where ONNX Runtime's files are, if nobody says: the onnxruntime-web that was installed with this library, found by the import
// map or Node, else by the bundler. Never a CDN. At the top of the library, as its build puts the two scripts beside it.
import { RUNTIME_NAMES, type RuntimeBuild, type RuntimeFiles, runtimeAt } from './files/runtime.ts';
import { addressOf } from './files/source.ts';
import type { RemoteFile } from './files/store.ts';
import type { WasmPaths } from './types.ts';

const HINT =
  'set wasmPaths to the address of a folder with the files of onnxruntime-web/dist, of the version that this library depends on';

/** Of a folder, with or without the slash at its end. */
function inFolder(folder: string | URL, build: RuntimeBuild): RuntimeFiles<string> {
  const base = addressOf(folder).href.replace(/\/?$/, '/');
  const at = (part: keyof RuntimeFiles<string>) => new URL(RUNTIME_NAMES[build][part], base).href;
  return { script: at('script'), loader: at('loader'), binary: at('binary') };
}

/** Bundlers look for exactly this form, with the address written out, and give the file's new place. */
const BUNDLED: Record<RuntimeBuild, () => RuntimeFiles<URL>> = {
  wasm: () => ({
    script: new URL('./ort.wasm.min.mjs', import.meta.url),
    loader: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url),
    binary: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url),
  }),
  jspi: () => ({
    script: new URL('./ort.jspi.min.mjs', import.meta.url),
    loader: new URL('onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs', import.meta.url),
    binary: new URL('onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
  }),
};

/** The folder of the package where something resolves its name: an import map, Node, Deno, Bun. */
function installed(): string | undefined {
  try {
    const file = import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
    // webpack puts the new place of a file here, under a new name and without its neighbours.
    return file.endsWith(`/${RUNTIME_NAMES.wasm.binary}`) ? new URL('.', file).href : undefined;
  } catch {
    return undefined; // no import map, or a bundler has taken import.meta away
  }
}

/** Throws UserError for `wasmPaths` that are no addresses. */
export function runtimeFrom(wasmPaths: WasmPaths | undefined): (build: RuntimeBuild) => RuntimeFiles<RemoteFile> {
  return (build) => {
    const addresses = givenAddresses(wasmPaths, build);
    if (addresses !== undefined) return runtimeAt(build, addresses, HINT);
    const { script, loader, binary } = BUNDLED[build]();
    const bundled = { script: script.href, loader: loader.href, binary: binary.href };
    // webpack's minifier goes over every script that webpack moves.
    return runtimeAt(build, bundled, HINT, true);
  };
}

/** Undefined where only a bundler can know. */
function givenAddresses(wasmPaths: WasmPaths | undefined, build: RuntimeBuild): RuntimeFiles<string> | undefined {
  if (typeof wasmPaths === 'string' || wasmPaths instanceof URL) return inFolder(wasmPaths, build);
  const given = wasmPaths?.[build];
  if (given !== undefined) {
    const at = (part: keyof RuntimeFiles<string>) => addressOf(given[part]).href;
    return { script: at('script'), loader: at('loader'), binary: at('binary') };
  }
  const folder = installed();
  return folder === undefined ? undefined : inFolder(folder, build);
}
