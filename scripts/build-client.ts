// The JavaScript of @pocketgen/client: every entry and the worker as modules without bare imports, and two scripts of ONNX Runtime.
// Its tests use what it writes as its users do. `node scripts/build-client.ts [FOLDER]`
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { type InputOptions, rolldown } from 'rolldown';
import { RUNTIME_NAMES } from '../client/files/runtime.ts';

const CLIENT = join(import.meta.dirname, '..', 'client');

/** Modules of ours, by the name of the built file. */
const ENTRIES = { index: 'index.ts', 'element/index': 'element/index.ts' } as const;

/** Files that are named by `new URL('./…', import.meta.url)`, which no bundler rewrites for us: they keep their place and lose .ts. */
const built = {
  name: 'pocketgen-built-addresses',
  transform: (code: string) =>
    code.replaceAll("new URL('./worker.ts', import.meta.url)", "new URL('./worker.js', import.meta.url)"),
};

/** Writes the package's JavaScript into `folder`, which is emptied first. */
export async function buildClient(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const input = Object.fromEntries(
    Object.entries(ENTRIES)
      .map(([name, file]) => [name, join(CLIENT, file)] as const)
      .filter(([, file]) => existsSync(file)),
  );
  const common = { platform: 'browser', plugins: [built], logLevel: 'warn' } satisfies InputOptions;
  const library = await rolldown({ input, ...common });
  // Chunks lie beside index.js: what they address by import.meta.url does too.
  await library.write({ dir: folder, format: 'es', chunkFileNames: '[name]-[hash].js' });
  await library.close();
  // One file: a page without a bundler has no import map in its workers, and Vite bundles workers as one.
  const worker = await rolldown({ input: join(CLIENT, 'worker.ts'), ...common });
  await worker.write({ file: join(folder, 'worker.js'), format: 'es', codeSplitting: false });
  await worker.close();
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  for (const { script } of Object.values(RUNTIME_NAMES)) cpSync(join(runtime, script), join(folder, script));
}

if (import.meta.main) await buildClient(resolve(process.argv[2] ?? join(CLIENT, 'dist')));
