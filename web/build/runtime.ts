// What the page must know about ONNX Runtime's files before it downloads them: their size (for the progress bar: a
// compressed answer does not say it) and their SHA-256 (to notice a damaged copy). Runs in Node while Vite builds.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RuntimeFacts } from '../../client/files/runtime.ts';

export function runtimeFacts(): RuntimeFacts {
  const folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const { version } = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8')) as { version: string };
  const fact = (name: string) => {
    const bytes = readFileSync(join(folder, name));
    return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  };
  const facts = (entry: string, binary: string) => ({
    script: fact(`${entry}.min.mjs`),
    loader: fact(`${binary}.mjs`),
    binary: fact(`${binary}.wasm`),
  });
  return {
    version,
    wasm: facts('ort.wasm', 'ort-wasm-simd-threaded'),
    jspi: facts('ort.jspi', 'ort-wasm-simd-threaded.jspi'),
  };
}
