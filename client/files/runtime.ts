// ONNX Runtime's files: two builds of the one version that this library was tested with, their sizes (for the progress: a
// compressed answer does not say it) and SHA-256 (to notice a damaged copy, another version, a web page in their place).
import type { RemoteFile } from './store.ts';

/** `wasm`: CPU only, every browser. `jspi`: CPU and native WebGPU; needs WebAssembly JavaScript Promise Integration. */
export type RuntimeBuild = 'wasm' | 'jspi';

/** script: the JavaScript API; loader: Emscripten's glue, also the script of its threads; binary: the wasm itself. */
export interface RuntimeFiles<T> {
  script: T;
  loader: T;
  binary: T;
}

export type Runtimes<T> = Record<RuntimeBuild, RuntimeFiles<T>>;

/** Of onnxruntime-web. tests/fast/client-runtime.test.ts holds the table against the installed package. */
export const RUNTIME_VERSION = '1.30.0';

export const RUNTIME_NAMES: Runtimes<string> = {
  wasm: {
    script: 'ort.wasm.min.mjs',
    loader: 'ort-wasm-simd-threaded.mjs',
    binary: 'ort-wasm-simd-threaded.wasm',
  },
  jspi: {
    script: 'ort.jspi.min.mjs',
    loader: 'ort-wasm-simd-threaded.jspi.mjs',
    binary: 'ort-wasm-simd-threaded.jspi.wasm',
  },
};

export const RUNTIME_FACTS: Runtimes<{ bytes: number; sha256: string }> = {
  wasm: {
    script: { bytes: 50_126, sha256: '219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b' },
    loader: { bytes: 24_381, sha256: 'e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b' },
    binary: { bytes: 14_239_897, sha256: '3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2' },
  },
  jspi: {
    script: { bytes: 66_511, sha256: 'bc57179d923fda2d88d4a395359c8df44399dde087bf9ff44fc0e40ab398e4d9' },
    loader: { bytes: 50_918, sha256: '270e2c6da9f297239d301d329782b6446641cb1e16a77967690adcfca35f3268' },
    binary: { bytes: 16_758_545, sha256: 'a54c76f86b0f0d9572380cf1c6292a7b3903716ffcbcd6b0e5c7050bf430eb93' },
  },
};

/** The files of a build that lie at these addresses. `rewritten`: something may have minified the scripts among them. */
export function runtimeAt(
  build: RuntimeBuild,
  addresses: RuntimeFiles<string>,
  hint: string,
  rewritten = false,
): RuntimeFiles<RemoteFile> {
  const file = (part: keyof RuntimeFiles<unknown>): RemoteFile => ({
    url: addresses[part],
    ...RUNTIME_FACTS[build][part],
    hint,
    rewritten: rewritten && part !== 'binary',
  });
  return { script: file('script'), loader: file('loader'), binary: file('binary') };
}
