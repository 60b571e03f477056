// Writes dist/edge/main.ts, the Worker's entry, with the imports of every bundle in ./models (or POCKETGEN_MODELS).
// wrangler runs this before each build: putting a bundle folder into models/ is all it takes to publish it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFile } from '../contract/bundle.ts';
import { UserError } from '../contract/errors.ts';
import { generatorFile, parseManifest } from '../contract/manifest.ts';
import { bundleFolders, readManifest } from './bundles.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Checks each bundle's default file, then writes the entry. Returns the models' names. */
export async function buildEntry(models: string, entry: string): Promise<string[]> {
  const from = (path: string) => JSON.stringify(`./${relative(dirname(entry), path).replaceAll('\\', '/')}`);
  const imports: string[] = [];
  const list: string[] = [];
  const names: string[] = [];
  for (const [i, folder] of bundleFolders(models).entries()) {
    const manifest = parseManifest(await readManifest(folder));
    const file = generatorFile(manifest);
    await checkFile(file, new Uint8Array(await readFile(join(folder, file.path))));
    imports.push(`import manifest${i} from ${from(join(folder, 'model.json'))};`);
    imports.push(`import file${i} from ${from(join(folder, file.path))};`);
    list.push(`  { name: ${JSON.stringify(basename(folder))}, manifest: manifest${i}, file: file${i} },`);
    names.push(manifest.name);
  }
  const runtime = join(ROOT, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm');
  const source = [
    '// Written by edge/build.ts.',
    `import { createWorker } from ${from(join(ROOT, 'edge/worker.ts'))};`,
    `import wasm from ${from(runtime)};`,
    ...imports,
    '',
    'export default await createWorker(',
    '  [',
    ...list,
    '  ],',
    '  wasm,',
    ');',
    '',
  ].join('\n');
  mkdirSync(dirname(entry), { recursive: true });
  writeFileSync(entry, source);
  return names;
}

if (process.argv[1] !== undefined && import.meta.filename === resolve(process.argv[1])) {
  try {
    const models = process.env.POCKETGEN_MODELS ?? join(ROOT, 'models');
    const names = await buildEntry(models, join(ROOT, 'dist/edge/main.ts'));
    console.log(`models in the Worker: ${names.join(', ')}`);
    // The page is made by `npm run build`; without it the Worker still serves the API.
    if (!existsSync(join(ROOT, 'dist/web'))) mkdirSync(join(ROOT, 'dist/web'), { recursive: true });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
