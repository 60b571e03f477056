// `npm run build:packages`, which packing runs: what the tarballs of `pocketgen` and `@pocketgen/client` hold besides sources.
//   dist/lib/      the command and the entries others import, as JavaScript, with the data that modules read from beside them
//   dist/types/    declarations of the entries, one file each
//   dist/web/      the page, unless the one there is current
//   client/dist/   the client: bundled with what it uses of contract/, its worker, its declarations, two scripts of ONNX Runtime
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
/** What those who install the client get beside it: everything else is bundled in. */
const CLIENT_EXTERNAL = /^(onnxruntime-web|react)(\/|$)/;

/** JavaScript of the command into dist/lib; declarations of everything, as tsc writes them, into dist/declarations. */
function compile(): void {
  for (const folder of ['lib', 'declarations', 'types']) rmSync(at('dist', folder), { recursive: true, force: true });
  const tsc = at('node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: ROOT, stdio: 'inherit' });
  for (const folder of DATA) cpSync(at(folder), at('dist/lib', folder), { recursive: true });
}

/** One declaration file for each entry, without the modules that nobody else should import. */
async function bundleDeclarations(
  input: Record<string, string>,
  dir: string,
  { external, inlined }: { external: RegExp; inlined: string[] },
): Promise<void> {
  const declared = Object.entries(input).map(([name, path]) => [name, at('dist/declarations', path)]);
  const bundle = await rolldown({
    input: Object.fromEntries(declared),
    external,
    plugins: [dts({ dtsInput: true, tsconfig: false, resolve: inlined })],
  });
  await bundle.write({ dir, format: 'es', entryFileNames: '[name].ts', chunkFileNames: 'shared-[hash].d.ts' });
  await bundle.close();
}

async function bundleClient(): Promise<void> {
  const dir = at('client/dist');
  await buildClient(dir);
  await bundleDeclarations({ 'index.d': 'client/index.d.ts' }, dir, { external: CLIENT_EXTERNAL, inlined: ['zod'] });
}

compile();
await bundleDeclarations({ 'edge/index.d': 'edge/index.d.ts', 'edge/node.d': 'edge/node.d.ts' }, at('dist/types'), {
  external: /^[^./]/,
  inlined: [],
});
await bundleClient();
await buildPage((line) => console.error(line));
