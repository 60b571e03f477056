// `npm run build:packages`, which `npm pack` and `npm publish` run: JavaScript and declarations of the command and of the
// entries others import into dist/lib, with the data that modules read from beside themselves, and the page into dist/web.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildPage } from '../cli/page.ts';

const ROOT = join(import.meta.dirname, '..');
const LIB = join(ROOT, 'dist', 'lib');
/** Found by `new URL('./…', import.meta.url)` in the module next to them. */
const DATA = ['train/data/fashion-mnist', 'train/eval/judges'];

rmSync(LIB, { recursive: true, force: true });
execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const folder of DATA) cpSync(join(ROOT, folder), join(LIB, folder), { recursive: true });
await buildPage((line) => console.error(line));
