// WebP's decoder on Node, which may compile it from its file.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

export async function webpModule(): Promise<WebAssembly.Module> {
  const path = createRequire(import.meta.url).resolve('@jsquash/webp/codec/dec/webp_dec.wasm');
  return WebAssembly.compile(new Uint8Array(await readFile(path)));
}
