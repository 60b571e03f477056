// Vite plugin: copies the model bundles (./models, or the folder POCKETGEN_MODELS) next to the page as static files, with
// models/index.json listing them (contract/model-list.ts). A folder without bundles is fine: the page then says so.
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { listedModel } from '../../contract/model-list.ts';

interface Bundle {
  folder: string;
  manifest: Manifest;
}

/** The bundles of a folder that are whole as far as their model.json says; `notice` is told of those that are left out. */
export function findBundles(folder: string, notice: (message: string) => void = () => {}): Bundle[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() && !entry.name.includes('.tmp-') && existsSync(join(folder, entry.name, 'model.json')),
    )
    .map((entry) => join(folder, entry.name))
    .sort()
    .flatMap((path) => {
      try {
        const manifest = parseManifest(JSON.parse(readFileSync(join(path, 'model.json'), 'utf8')));
        const missing = manifest.files.find((file) => !existsSync(join(path, file.path)));
        if (missing !== undefined)
          throw new Error(`${missing.path}: expected a file, got none; export the bundle again`);
        return [{ folder: path, manifest }];
      } catch (error) {
        notice(`${path} is left out: ${error instanceof Error ? error.message : error}`);
        return [];
      }
    });
}

/** The files of a bundle that the page can ask for: the manifest, the networks, and what is only looked at. */
function publicFiles({ folder, manifest }: Bundle): string[] {
  const seen = ['preview.png', 'MODEL_CARD.md'].filter((name) => existsSync(join(folder, name)));
  return ['model.json', ...manifest.files.filter((f) => f.role === 'generator').map((f) => f.path), ...seen];
}

export function modelsPlugin(): Plugin {
  const folder = resolve(process.env.POCKETGEN_MODELS ?? 'models');
  // Nothing trains on a static host.
  const index = () => JSON.stringify(findBundles(folder).map(({ manifest }) => listedModel(manifest, false)));
  return {
    name: 'pocketgen-models',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'models/index.json', source: index() });
      for (const bundle of findBundles(folder, (message) => this.warn(message))) {
        for (const name of publicFiles(bundle)) {
          const fileName = `models/${bundle.manifest.name}/${name}`;
          this.emitFile({ type: 'asset', fileName, source: readFileSync(join(bundle.folder, name)) });
        }
      }
    },
    configureServer(server) {
      server.middlewares.use('/models', (request, response, next) => {
        const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
        if (path === '/index.json') return void response.end(index());
        for (const bundle of findBundles(folder)) {
          const name = publicFiles(bundle).find((file) => path === `/${bundle.manifest.name}/${file}`);
          if (name !== undefined) return void createReadStream(join(bundle.folder, name)).pipe(response);
        }
        next();
      });
    },
  };
}
