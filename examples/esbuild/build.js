// esbuild moves no files along: the library's worker is bundled as an entry of its own, ONNX Runtime's files are copied.
import { cpSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const library = dirname(fileURLToPath(import.meta.resolve('@pocketgen/client')));

await build({
  absWorkingDir: here,
  entryPoints: { main: './main.ts', worker: '@pocketgen/client/worker.js' },
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  outdir: 'dist',
});
for (const file of ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
  cpSync(`${library}/${file}`, `${here}/dist/ort/${file}`);
