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
    return new URL('.', import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')).href;
  } catch {
    return undefined; // no import map, or a bundler has taken import.meta away
  }
}

/** Throws UserError for `wasmPaths` that are no addresses. */
export function runtimeFrom(wasmPaths: WasmPaths | undefined): (build: RuntimeBuild) => RuntimeFiles<RemoteFile> {
  return (build) => runtimeAt(build, addressesOf(wasmPaths, build), HINT);
}

function addressesOf(wasmPaths: WasmPaths | undefined, build: RuntimeBuild): RuntimeFiles<string> {
  if (typeof wasmPaths === 'string' || wasmPaths instanceof URL) return inFolder(wasmPaths, build);
  const given = wasmPaths?.[build];
  if (given !== undefined) {
    const at = (part: keyof RuntimeFiles<string>) => addressOf(given[part]).href;
    return { script: at('script'), loader: at('loader'), binary: at('binary') };
  }
  const folder = installed();
  if (folder !== undefined) return inFolder(folder, build);
  const { script, loader, binary } = BUNDLED[build]();
  return { script: script.href, loader: loader.href, binary: binary.href };
}
