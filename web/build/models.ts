// Vite plugin: copies the model bundles (./models, or the folder POCKETGEN_MODELS) next to the page as static files, with
// models/index.json listing them (contract/model-list.ts). A folder without bundles is fine: the page then says so.
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';
import { checkFile } from '../../contract/bundle.ts';
import { UserError } from '../../contract/errors.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { listedBundle } from '../../contract/model-list.ts';

interface Bundle {
  folder: string;
  manifest: Manifest;
}

/** The manifest of a folder whose files are there and are the ones it names. Throws an Error of one sentence. */
async function checkedManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'model.json');
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new UserError(`${path}: expected JSON, got something else or a part of it; export the bundle again`);
  }
  const manifest = parseManifest(json);
  for (const file of manifest.files) {
    if (!existsSync(join(folder, file.path)))
      throw new UserError(`${file.path}: expected a file, got none; export the bundle again`);
    await checkFile(file, new Uint8Array(readFileSync(join(folder, file.path))));
  }
  return manifest;
}

/** The bundles of a folder that are whole, by folder name; `notice` is told of those that are left out. */
export async function findBundles(folder: string, notice: (message: string) => void = () => {}): Promise<Bundle[]> {
  if (!existsSync(folder)) return [];
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter(
      ({ name }) => !name.startsWith('.') && !name.includes('.tmp-') && existsSync(join(folder, name, 'model.json')),
    )
    .map(({ name }) => join(folder, name))
    .sort();
  const found: Bundle[] = [];
  for (const path of folders) {
    try {
      const manifest = await checkedManifest(path);
      const twin = found.find((other) => other.manifest.name === manifest.name);
      if (twin !== undefined)
        throw new UserError(`expected a name of its own, got ${manifest.name}, which ${twin.folder} has`);
      found.push({ folder: path, manifest });
    } catch (error) {
      notice(`${path} is left out: ${error instanceof Error ? error.message : error}`);
    }
  }
  return found;
}

/** The files of a bundle that the page can ask for: the manifest, what it names, and what is only looked at. */
function publicFiles({ folder, manifest }: Bundle): string[] {
  const seen = ['preview.png', 'MODEL_CARD.md'].filter((name) => existsSync(join(folder, name)));
  return ['model.json', ...manifest.files.map(({ path }) => path), ...seen];
}

export function modelsPlugin(): Plugin {
  const folder = resolve(process.env.POCKETGEN_MODELS ?? 'models');
  // Nothing trains on a static host.
  const listOf = async (bundles: Bundle[]) =>
    JSON.stringify(await Promise.all(bundles.map(({ manifest }) => listedBundle(manifest, false))));
  return {
    name: 'pocketgen-models',
    async generateBundle() {
      const bundles = await findBundles(folder, (message) => this.warn(message));
      this.emitFile({ type: 'asset', fileName: 'models/index.json', source: await listOf(bundles) });
      for (const bundle of bundles) {
        for (const name of publicFiles(bundle)) {
          const fileName = `models/${bundle.manifest.name}/${name}`;
          this.emitFile({ type: 'asset', fileName, source: readFileSync(join(bundle.folder, name)) });
        }
      }
    },
    configureServer(server) {
      server.middlewares.use('/models', async (request, response, next) => {
        const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
        const bundles = await findBundles(folder);
        if (path === '/index.json') return void response.end(await listOf(bundles));
        for (const bundle of bundles) {
          const name = publicFiles(bundle).find((file) => path === `/${bundle.manifest.name}/${file}`);
          if (name !== undefined) return void createReadStream(join(bundle.folder, name)).pipe(response);
        }
        next();
      });
    },
  };
}
