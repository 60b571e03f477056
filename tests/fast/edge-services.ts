// The app on the tiny bundles, opened on Node's wasm, for tests that call app.request without a server.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFolders, folderSource } from '../../edge/bundles.ts';
import { type OpenModels, openModel, openModels } from '../../edge/models.ts';
import { wasmEngine } from '../../edge/runtime/wasm.ts';
import type { Services } from '../../edge/services.ts';
import { COLOUR, PLAIN, type Tiny, writeTiny } from './edge-fixture.ts';

export async function tinyFolder(...bundles: Tiny[]): Promise<{ folder: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-edge-'));
  for (const tiny of bundles.length > 0 ? bundles : [COLOUR, PLAIN]) await writeTiny(folder, tiny);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export async function openFolder(folder: string): Promise<OpenModels> {
  const engine = wasmEngine();
  return openModels(bundleFolders(folder).map(folderSource), (source) =>
    openModel(source, engine, Number.POSITIVE_INFINITY),
  );
}

export function servicesOf(models: OpenModels, more: Partial<Services> = {}): Services {
  return {
    models,
    runtime: { name: 'test', onnxruntime: '0', memoryBytes: () => 0 },
    keys: undefined,
    limiter: undefined,
    store: undefined,
    log: undefined,
    training: undefined,
    during: undefined,
    client: () => 'someone',
    ...more,
  };
}
