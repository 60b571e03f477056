// What @pocketgen/client is made of: every entry and the worker as modules without bare imports, and beside them the six files of
// onnxruntime-web that they run on (31 MB of its 140, always of the version that fits). Its tests use it as its users do.
// `node scripts/build-client.ts [FOLDER]`
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { type InputOptions, rolldown } from 'rolldown';
import { RUNTIME_NAMES } from '../client/files/runtime.ts';

const CLIENT = join(import.meta.dirname, '..', 'client');

/** Modules of ours, by the name of the built file. */
const ENTRIES = { index: 'index.ts', 'element/index': 'element/index.ts' } as const;

/** What sources name by `new URL('…', import.meta.url)` lies beside the built files: no bundler rewrites that for us. */
const built = {
  name: 'pocketgen-built-addresses',
  transform: (code: string) =>
    code
      .replaceAll("new URL('./worker.ts', import.meta.url)", "new URL('./worker.js', import.meta.url)")
      .replaceAll("new URL('../node_modules/onnxruntime-web/dist/", "new URL('./"),
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
  // A development server that looks for a script's map complains where there is none.
  for (const { script, loader, binary } of Object.values(RUNTIME_NAMES))
    for (const name of [script, `${script}.map`, loader, binary]) cpSync(join(runtime, name), join(folder, name));
}

if (import.meta.main) await buildClient(resolve(process.argv[2] ?? join(CLIENT, 'dist')));
