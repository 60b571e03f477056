// A run of the tests' own shapes and the bundle made of it, as the families' tests begin.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, parseManifest, type Variant } from '../../contract/manifest.ts';
import { loadGenerator } from '../../export/weights.ts';
import { exportBundle } from '../../export/write.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import type { Recipe } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { clearPictures } from '../small.ts';

/** Trains in `run`, exports to `bundle`; the manifest as it lies there, and what was said while it trained. */
export async function trainedShapes(
  recipe: Recipe,
  { run, bundle, variants }: { run: string; bundle: string; variants: readonly [Variant, ...Variant[]] },
  warn: (sentence: string) => void,
): Promise<{ manifest: Manifest; said: string[] }> {
  const said: string[] = [];
  const pictures = clearPictures();
  const onMessage = (line: string) => said.push(line);
  await trainInFolder({ recipe, pictures, source: 'shapes', engine: 'onnx', device: 'cpu', dir: run, onMessage });
  const trained = await loadGenerator(folderFiles(run), warn);
  await exportBundle(trained, { out: bundle, variants, truncation: 1, engine: 'onnx' });
  return { manifest: parseManifest(JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8'))), said };
}
