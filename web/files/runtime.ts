// ONNX Runtime's files as the page's build has placed them. Only those of the build in use are downloaded.

import jspiScript from 'onnxruntime-web/jspi?url';
import jspiLoader from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiBinary from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import wasmLoader from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import wasmScript from 'onnxruntime-web/wasm?url';
import { type RuntimeBuild, type RuntimeFiles, type Runtimes, runtimeAt } from '../../client/files/runtime.ts';
import type { RemoteFile } from '../../client/files/store.ts';
import { HINT, store } from './store.ts';

const PLACES: Runtimes<string> = {
  wasm: { script: wasmScript, loader: wasmLoader, binary: wasmBinary },
  jspi: { script: jspiScript, loader: jspiLoader, binary: jspiBinary },
};

export function runtimeFiles(build: RuntimeBuild): RuntimeFiles<RemoteFile> {
  const at = (part: keyof RuntimeFiles<string>) => new URL(PLACES[build][part], document.baseURI).href;
  return runtimeAt(build, { script: at('script'), loader: at('loader'), binary: at('binary') }, HINT);
}

/** Runtimes of earlier versions of the page make room: called when this one draws. */
export function dropOldRuntimes(): Promise<void> {
  const files = (['wasm', 'jspi'] as const).flatMap((build) => Object.values(runtimeFiles(build)));
  const [{ url }] = files as [RemoteFile];
  return store.dropOthers(url.slice(0, url.lastIndexOf('/') + 1), files);
}
