// Writes dist/edge/main.ts, the Worker's entry, with the imports of every bundle in ./models (or POCKETGEN_MODELS).
// wrangler runs this before each build: putting a bundle folder into models/ is all it takes to publish it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFile } from '../contract/bundle.ts';
import { UserError } from '../contract/errors.ts';
import { completerFile, encoderFile, generatorFile } from '../contract/lookup.ts';
import { parseManifest } from '../contract/manifest.ts';
import { bundleFolders, MANIFEST_FILE, manifestJson, readManifestText, writtenAt } from './bundles.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The bundle, if its manifest and the files of its default variant are whole, and its name is not among `taken`. */
async function checkedBundle(folder: string, taken: readonly string[]) {
  const manifest = parseManifest(manifestJson(folder, await readManifestText(folder)));
  if (taken.includes(manifest.name))
    throw new UserError(`expected a name of its own, got ${manifest.name}, which another folder has`);
  const file = generatorFile(manifest);
  const beside = {
    ...(manifest.encoder && { encoder: encoderFile(manifest) }),
    ...(manifest.completer && { completer: completerFile(manifest) }),
  };
  for (const one of [file, ...Object.values(beside)]) {
    const bytes = await readFile(join(folder, one.path)).catch(() => {
      throw new UserError(`${one.path}: expected a file, got none; export the bundle again`);
    });
    await checkFile(one, new Uint8Array(bytes));
  }
  return { folder, manifest, file, beside, created: await writtenAt(folder) };
}

/**
 * Checks each bundle's default files, then writes the entry. A bundle that fails is left out and `notice` is told.
 * Returns the models' names; throws UserError when none is left.
 */
export async function buildEntry(models: string, entry: string, notice: (message: string) => void): Promise<string[]> {
  const from = (path: string) => JSON.stringify(`./${relative(dirname(entry), path).replaceAll('\\', '/')}`);
  const imports: string[] = [];
  const list: string[] = [];
  const names: string[] = [];
  for (const folder of bundleFolders(models)) {
    const bundle = await checkedBundle(folder, names).catch((error) => {
      if (!(error instanceof UserError)) throw error;
      notice(`${folder} is left out: ${error.message}`);
    });
    if (bundle === undefined) continue;
    const i = names.push(bundle.manifest.name) - 1;
    imports.push(`import manifest${i} from ${from(join(folder, MANIFEST_FILE))};`);
    imports.push(`import file${i} from ${from(join(folder, bundle.file.path))};`);
    const name = JSON.stringify(basename(folder));
    const files = [`file: file${i}`];
    for (const [role, { path }] of Object.entries(bundle.beside)) {
      imports.push(`import ${role}${i} from ${from(join(folder, path))};`);
      files.push(`${role}: ${role}${i}`);
    }
    list.push(`  { name: ${name}, manifest: manifest${i}, created: ${bundle.created}, ${files.join(', ')} },`);
  }
  if (names.length === 0)
    throw new UserError(`${models}: expected at least one bundle that is whole, got none; see the lines above`);
  const runtime = join(ROOT, 'node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm');
  const source = [
    '// Written by edge/build.ts.',
    `import { createWorker } from ${from(join(ROOT, 'edge/worker.ts'))};`,
    `import wasm from ${from(runtime)};`,
    `import webp from ${from(join(ROOT, 'node_modules/@jsquash/webp/codec/dec/webp_dec.wasm'))};`,
    ...imports,
    '',
    'export default await createWorker(',
    '  [',
    ...list,
    '  ],',
    '  { wasm, webp },',
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
    const names = await buildEntry(models, join(ROOT, 'dist/edge/main.ts'), console.error);
    console.log(`models in the Worker: ${names.join(', ')}`);
    // The page is made by `npm run build`; without it the Worker still serves the API.
    if (!existsSync(join(ROOT, 'dist/web'))) mkdirSync(join(ROOT, 'dist/web'), { recursive: true });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
