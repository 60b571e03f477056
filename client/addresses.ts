// Where ONNX Runtime's files are: where somebody says, else beside this library. Never a CDN.
import { RUNTIME_NAMES, RUNTIME_VERSION, type RuntimeBuild, type RuntimeFiles, runtimeAt } from './files/runtime.ts';
import { addressOf } from './files/source.ts';
import type { RemoteFile } from './files/store.ts';
import type { WasmPaths } from './types.ts';

const HINT = `copy the ort files that lie beside this library, or set wasmPaths to the folder of onnxruntime-web ${RUNTIME_VERSION}'s`;

/** Of a folder, with or without the slash at its end. */
function inFolder(folder: string | URL, build: RuntimeBuild): RuntimeFiles<string> {
  const base = addressOf(folder).href.replace(/\/?$/, '/');
  const at = (part: keyof RuntimeFiles<string>) => new URL(RUNTIME_NAMES[build][part], base).href;
  return { script: at('script'), loader: at('loader'), binary: at('binary') };
}

/**
 * The files beside the library, where its build copies them and shortens these addresses to. Written out one by one, as that is what
 * bundlers look for; a page without one, Vite's development server and Node find them as they are.
 */
const BESIDE: Record<RuntimeBuild, () => RuntimeFiles<URL>> = {
  wasm: () => ({
    script: new URL('../node_modules/onnxruntime-web/dist/ort.wasm.min.mjs', import.meta.url),
    loader: new URL('../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.mjs', import.meta.url),
    binary: new URL('../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm', import.meta.url),
  }),
  jspi: () => ({
    script: new URL('../node_modules/onnxruntime-web/dist/ort.jspi.min.mjs', import.meta.url),
    loader: new URL('../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.jspi.mjs', import.meta.url),
    binary: new URL('../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
  }),
};

/** Throws UserError for `wasmPaths` that are no addresses. */
export function runtimeFrom(wasmPaths: WasmPaths | undefined): (build: RuntimeBuild) => RuntimeFiles<RemoteFile> {
  return (build) => {
    const addresses = givenAddresses(wasmPaths, build);
    if (addresses !== undefined) return runtimeAt(build, addresses, HINT);
    const { script, loader, binary } = BESIDE[build]();
    const beside = { script: script.href, loader: loader.href, binary: binary.href };
    // webpack's minifier goes over every script that webpack moves, and Vite's development server over every script.
    return runtimeAt(build, beside, HINT, true);
  };
}

function givenAddresses(wasmPaths: WasmPaths | undefined, build: RuntimeBuild): RuntimeFiles<string> | undefined {
  if (typeof wasmPaths === 'string' || wasmPaths instanceof URL) return inFolder(wasmPaths, build);
  const given = wasmPaths?.[build];
  if (given === undefined) return undefined;
  const at = (part: keyof RuntimeFiles<string>) => addressOf(given[part]).href;
  return { script: at('script'), loader: at('loader'), binary: at('binary') };
}
