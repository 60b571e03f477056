// `npm run build:packages`, which packing runs: what the tarballs of `pocketgen` and `@pocketgen/client` hold besides sources.
//   dist/lib/      the command and the entries others import, as JavaScript, with the data that modules read from beside them
//   dist/types/    declarations of the entries, one file each
//   dist/web/      the page, unless the one there is current
//   client/dist/   the client (build-client.ts) and its declarations
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { buildPage } from '../cli/page.ts';
import { buildClient } from './build-client.ts';

const ROOT = join(import.meta.dirname, '..');
const at = (...parts: string[]): string => join(ROOT, ...parts);
/** Found by `new URL('./…', import.meta.url)` in the module next to them. */
const DATA = ['train/data/fashion-mnist', 'train/eval/judges'];
/** An import of a package, not of a file. */
const PACKAGE = /^[^./]/;

/** JavaScript of the command into dist/lib; declarations of everything, as tsc writes them, into dist/declarations. */
function compile(): void {
  for (const folder of ['lib', 'declarations', 'types']) rmSync(at('dist', folder), { recursive: true, force: true });
  const tsc = at('node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
  for (const folder of DATA) cpSync(at(folder), at('dist/lib', folder), { recursive: true });
}

/** One declaration file for each entry, without the modules that nobody else should import. */
async function bundleDeclarations(entries: string[], from: string, to: string): Promise<void> {
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [`${entry}.d`, at(from, `${entry}.d.ts`)])),
    external: PACKAGE,
    plugins: [dts({ dtsInput: true, tsconfig: false })],
  });
  await bundle.write({ dir: at(to), format: 'es', entryFileNames: '[name].ts', chunkFileNames: 'shared-[hash].d.ts' });
  await bundle.close();
}

compile();
await bundleDeclarations(['edge/index', 'edge/node', 'trace/index'], 'dist/declarations', 'dist/types');
await buildClient(at('client/dist'));
await bundleDeclarations(
  ['index', 'worker', 'element/index', 'element/react'],
  'dist/declarations/client',
  'client/dist',
);
await buildPage((line) => console.error(line));
