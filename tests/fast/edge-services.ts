// The tiny bundles, opened on Node's wasm, for tests that call app.request without a server.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shelvedModels } from '../../edge/bundled.ts';
import { bundleFolders, folderSource } from '../../edge/bundles.ts';
import type { Models, ServedModel } from '../../edge/models.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import { COLOUR, PLAIN, type Tiny, writeTiny } from './edge-fixture.ts';

export async function tinyFolder(...bundles: Tiny[]): Promise<{ folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-edge-'));
  for (const tiny of bundles.length > 0 ? bundles : [COLOUR, PLAIN]) await writeTiny(folder, tiny);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export async function openFolder(folder: string): Promise<Models> {
  return shelvedModels(bundleFolders(folder).map(folderSource), { engine: wasmEngine() });
}

/** The model of a name, opened. */
export async function modelOf(models: Models, name: string): Promise<ServedModel> {
  const model = await models.lend(name, undefined, ({ open }) => open());
  if (model === undefined) throw new Error([...models.failed().values()].join() || `no ${name}`);
  return model;
}

/** The same models, but what is opened passes through `change`. */
export function changed(models: Models, change: (model: ServedModel) => ServedModel): Models {
  return {
    ...models,
    lend: (name, version, work) =>
      models.lend(name, version, (loan) => work({ ...loan, open: async () => change(await loan.open()) })),
  };
}
