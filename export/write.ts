// A bundle as a folder: made, compared on the run-times of this machine, and put in place whole or not at all.
import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Manifest } from '../contract/manifest.ts';
import { type BundleOptions, makeBundle } from './bundle.ts';
import { type Agreement, compareRuntimes } from './compare.ts';
import { checkBundleFolder, replaceFolder } from './folder.ts';
import { onWasm } from './open.ts';
import type { TrainedGenerator } from './weights.ts';

export interface ExportOptions extends Omit<BundleOptions, 'name'> {
  readonly out: string;
}

export interface ExportReport {
  readonly manifest: Manifest;
  /** Milliseconds to trace and encode all variants. */
  readonly traceMs: number;
  readonly agreement: readonly Agreement[];
}

/**
 * The bundle is written to a temporary folder and renamed when everything has been checked, so an existing one is replaced whole or
 * not at all.
 *
 * @throws UserError when `out` is a folder of something else, or when the run-times disagree
 */
export async function exportBundle(trained: TrainedGenerator, options: ExportOptions): Promise<ExportReport> {
  const out = resolve(options.out);
  const name = checkBundleFolder(out);
  const { manifest, files, models, traceMs } = await makeBundle(trained, { ...options, name }, onWasm);
  const agreement: Agreement[] = [];
  if (!options.interim)
    for (const { variant, bytes } of models) agreement.push(await compareRuntimes(trained, variant, bytes));
  replaceFolder(out, (folder) => {
    for (const [path, bytes] of files) writeFileSync(join(folder, path), bytes);
    chmodSync(folder, 0o755); // mkdtemp makes private folders; a bundle is to be served
  });
  return { manifest, traceMs, agreement };
}
