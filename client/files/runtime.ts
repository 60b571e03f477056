// The two builds of ONNX Runtime this page can use, and where their files are. Only the one in use is downloaded.
import jspiScript from 'onnxruntime-web/jspi?url';
import jspiLoader from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiBinary from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import wasmLoader from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import wasmScript from 'onnxruntime-web/wasm?url';
import { dropOthers, type RemoteFile } from './store.ts';

/** `wasm`: CPU only, every browser. `jspi`: CPU and native WebGPU; needs WebAssembly JavaScript Promise Integration. */
export type RuntimeBuild = 'wasm' | 'jspi';

interface Fact {
  bytes: number;
  sha256: string;
}
/** script: the JavaScript API; loader: Emscripten's glue, also the script of its threads; binary: the wasm itself. */
export interface RuntimeFiles<T> {
  script: T;
  loader: T;
  binary: T;
}
export interface RuntimeFacts extends Record<RuntimeBuild, RuntimeFiles<Fact>> {
  version: string;
}

const URLS = {
  wasm: { script: wasmScript, loader: wasmLoader, binary: wasmBinary },
  jspi: { script: jspiScript, loader: jspiLoader, binary: jspiBinary },
} satisfies Record<RuntimeBuild, RuntimeFiles<string>>;

export function runtimeFiles(build: RuntimeBuild): RuntimeFiles<RemoteFile> {
  const file = (part: keyof RuntimeFiles<unknown>): RemoteFile => ({
    url: new URL(URLS[build][part], document.baseURI).href,
    ...__RUNTIME__[build][part],
  });
  return { script: file('script'), loader: file('loader'), binary: file('binary') };
}

/** Runtimes of earlier versions of the page make room: called when this one draws. */
export function dropOldRuntimes(): Promise<void> {
  const files = (['wasm', 'jspi'] as const).flatMap((build) => Object.values(runtimeFiles(build)));
  const [{ url }] = files as [RemoteFile];
  return dropOthers(url.slice(0, url.lastIndexOf('/') + 1), files);
}
