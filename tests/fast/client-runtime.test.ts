// What the client says of ONNX Runtime before it downloads it, against the package that is installed; and what importing it does.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { RUNTIME_FACTS, RUNTIME_NAMES, RUNTIME_VERSION } from '../../client/files/runtime.ts';
import { sha256Hex } from '../../contract/bundle.ts';

const folder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

test('the table of runtime files is of the installed onnxruntime-web, which the package carries', async () => {
  expect(json(join(folder, '..', 'package.json')).version).toBe(RUNTIME_VERSION);
  expect(json('client/package.json').dependencies).toBeUndefined();
  for (const build of ['wasm', 'jspi'] as const)
    for (const part of ['script', 'loader', 'binary'] as const) {
      const bytes = readFileSync(join(folder, RUNTIME_NAMES[build][part]));
      expect({ bytes: bytes.length, sha256: await sha256Hex(bytes) }).toEqual(RUNTIME_FACTS[build][part]);
    }
});

test('importing the client touches nothing of a browser', async () => {
  const touched: string[] = [];
  const names = ['window', 'document', 'navigator', 'localStorage', 'caches', 'Worker', 'indexedDB', 'location'];
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const);
  for (const name of names)
    Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) });
  try {
    expect(Object.keys(await import('../../client/index.ts')).sort()).toEqual([
      'RUNTIME_VERSION',
      'UserError',
      'clear',
      'files',
      'isCached',
      'open',
    ]);
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) delete (globalThis as Record<string, unknown>)[name];
      else Object.defineProperty(globalThis, name, descriptor);
    }
  }
  expect(touched).toEqual([]);
});
