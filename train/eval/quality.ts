// Measures the averaged generator while it trains, on held-out pictures, and keeps the best snapshot.

import { latentOf, oneHot } from '../../contract/latent.ts';
import { levelsOf } from '../../contract/pixels.ts';
import type { DatasetSplits } from '../data/types.ts';
import type { TrainingEngine } from '../engines/engine.ts';
import type { Model } from '../families/family.ts';
import type { NetworkSpec } from '../nn/spec.ts';
import { under } from '../nn/tensors.ts';
import { picturesOf } from '../report/samples.ts';
import { loadSnapshot, saveSnapshot } from '../store/checkpoint.ts';
import type { RunFiles } from '../store/files.ts';
import { choose, copies } from './choice.ts';
import type { Judge } from './classifier.ts';
import { createEvaluator, type Metrics } from './evaluator.ts';

export interface Quality {
  metrics: Metrics;
  /** What the same protocol says of real pictures. */
  real: Metrics;
  /** Both for a person, in one line. */
  summary: string;
}

export type QualityCheck = (engine: TrainingEngine, files: RunFiles, images: number) => Promise<Quality>;

/** One that may leave a measurement out, where a device has no time for it. */
export type SparingCheck = (...args: Parameters<QualityCheck>) => Promise<Quality | undefined>;

/** Seeds of the pictures that are measured: the same at every check and for every run, apart from what users ask for. */
const FIRST_SEED = 20_000_000;

/** [labels, h, w, c], 0..255, premultiplied. */
async function picturesFor(engine: TrainingEngine, spec: NetworkSpec, labels: Uint8Array): Promise<Uint8Array> {
  const latent = new Float32Array(labels.length * spec.latent);
  const classes = new Float32Array(labels.length * spec.classes);
  for (const [i, label] of labels.entries()) {
    latent.set(latentOf(FIRST_SEED + i, spec.latent), i * spec.latent);
    if (spec.classes > 0) classes.set(oneHot(label, spec.classes), i * spec.classes);
  }
  const values = await engine.generate(latent, spec.classes > 0 ? classes : undefined);
  // As they are drawn: no colour above alpha.
  const pictures = new Uint8Array(values.length);
  picturesOf(values, spec).forEach((picture, i) => {
    const levels = levelsOf(picture);
    pictures.set(levels, i * levels.length);
  });
  return pictures;
}

/** @throws UserError when too few pictures are held out */
export async function createQualityCheck(
  splits: Pick<DatasetSplits, 'train' | 'test'>,
  judge: Judge,
  model: Model,
  warn: (sentence: string) => void,
): Promise<QualityCheck> {
  const evaluator = await createEvaluator(splits, judge);
  const { real } = evaluator;
  const { spec, weights: shapes } = model;
  return async (engine, files, images) => {
    const labels = evaluator.labels(evaluator.samples);
    const pictures = await picturesFor(engine, spec, labels);
    const metrics = await evaluator.evaluate(pictures, spec.classes > 0 ? labels : undefined);
    const best = await loadSnapshot(files, shapes, warn);
    // A run that was killed repeats the steps since its last checkpoint: the snapshot it kept then is still to come.
    const { keep, lowest } =
      best && best.images > images ? { ...best, keep: false } : choose(metrics, best, real.nearCopies);
    if (keep || best?.images === images) {
      await saveSnapshot(
        files,
        { images, metrics: { ...metrics }, lowest, weights: under('ema', await engine.state()) },
        shapes,
      );
    }
    return { metrics, real, summary: summaryOf(metrics, real) };
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function summaryOf(metrics: Metrics, real: Metrics): string {
  const { fid, kid, kidLow, kidHigh, coverage, recall, ganTest, nearCopies } = metrics;
  const parts = [
    fid === undefined || real.fid === undefined
      ? `KID ${kid.toFixed(4)}, 95 % ${kidLow.toFixed(4)} to ${kidHigh.toFixed(4)} (real pictures ${real.kid.toFixed(4)})`
      : `FID ${fid.toFixed(2)} (real pictures ${real.fid.toFixed(2)}), recall ${recall.toFixed(2)}`,
    `coverage ${coverage.toFixed(2)} (${real.coverage.toFixed(2)})`,
    ...(ganTest === undefined ? [] : [`GAN-test ${ganTest.toFixed(3)}`]),
    ...(nearCopies === undefined ? [] : [`near copies ${percent(nearCopies)} (${percent(real.nearCopies ?? 0)})`]),
  ];
  return parts.join(', ') + (copies(metrics, real.nearCopies) ? ': it repeats its training pictures' : '');
}
