// onnxruntime-web's wasm build, one thread, set up for where it runs. In workerd, wasm cannot be compiled from bytes
// and there is nothing to fetch while starting: the module is imported by the entry and instantiated here.
import * as ort from 'onnxruntime-web/wasm';
import type { Engine } from '../models.ts';

let memory: WebAssembly.Memory | undefined;

/** Bytes of wasm memory in use by ONNX Runtime (it grows and never shrinks). */
export function wasmMemoryBytes(): number {
  return memory?.buffer.byteLength ?? 0;
}

/** Remembers the memory that Emscripten's glue hands to the module. */
function noteMemory(imports: WebAssembly.Imports | undefined): void {
  for (const module of Object.values(imports ?? {}))
    for (const value of Object.values(module)) if (value instanceof WebAssembly.Memory) memory = value;
}

/** Runs `work` with WebAssembly.instantiate replaced, which is how the glue asks for its module. */
async function withInstantiate<T>(
  instantiate: (
    source: BufferSource,
    imports?: WebAssembly.Imports,
  ) => Promise<WebAssembly.WebAssemblyInstantiatedSource>,
  work: () => Promise<T>,
): Promise<T> {
  const original = WebAssembly.instantiate;
  Object.assign(WebAssembly, { instantiate });
  try {
    return await work();
  } finally {
    Object.assign(WebAssembly, { instantiate: original });
  }
}

const { wasm } = ort.env;

export const onnxruntimeVersion = ort.env.versions.web ?? 'unknown';

/** `module`: the compiled ort-wasm-simd-threaded.wasm, for workerd; absent where wasm may be compiled from a file. */
export function wasmEngine(module?: WebAssembly.Module): Engine {
  wasm.numThreads = 1; // byte-exact and no worker threads
  if (module !== undefined) wasm.wasmBinary = new ArrayBuffer(8); // keeps the glue from fetching anything
  const { instantiate } = WebAssembly;
  const hook = async (source: BufferSource, imports?: WebAssembly.Imports) => {
    noteMemory(imports);
    if (module === undefined) return instantiate(source, imports);
    return { module, instance: new WebAssembly.Instance(module, imports) };
  };
  return {
    provider: 'wasm',
    maxLevels: 0,
    maxLatent: 0,
    Tensor: ort.Tensor,
    createSession: (model) =>
      withInstantiate(hook, () => ort.InferenceSession.create(model, { executionProviders: ['wasm'] })),
  };
}
