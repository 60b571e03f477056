// ONNX Runtime in the page, started as the page's trainer starts it.
import wasmLoader from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import wasmScript from 'onnxruntime-web/wasm?url';
import type { Runtime } from '../../train/engines/runtime.ts';
import { startRuntime } from '../../web/train/runtime.ts';

const at = (url: string): string => new URL(url, document.baseURI).href;

export async function wasmRuntime(threads: number): Promise<Runtime> {
  const binary = new Uint8Array(await (await fetch(at(wasmBinary))).arrayBuffer());
  return startRuntime({ script: at(wasmScript), loader: at(wasmLoader), binary, threads });
}
