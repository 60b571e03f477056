// What was measured of a bundle after it was made, written into it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Evaluation, parseManifest } from '../contract/manifest.ts';
import { writeAtomically } from '../train/store/atomic.ts';
import { modelCard } from './card.ts';

/** Writes what was measured of one variant into the bundle and its card, in place of an earlier measurement. */
export function recordEvaluation(bundle: string, evaluation: Evaluation): void {
  const path = join(bundle, 'model.json');
  const manifest = parseManifest(JSON.parse(readFileSync(path, 'utf8')));
  const { history = [], snapshots = [], evaluations = [] } = manifest.metrics ?? {};
  const others = evaluations.filter(({ dtype }) => dtype !== evaluation.dtype);
  const updated = { ...manifest, metrics: { history, snapshots, evaluations: [...others, evaluation] } };
  writeAtomically(path, `${JSON.stringify(updated, null, 2)}\n`);
  writeAtomically(join(bundle, 'MODEL_CARD.md'), modelCard(updated));
}
