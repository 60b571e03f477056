// Measures the averaged generator while it trains, on held-out pictures, and keeps the best snapshot.
import { latentOf, oneHot } from '../contract/latent.ts';
import { toLevel } from '../contract/pixels.ts';
import { loadSnapshot, saveSnapshot } from './checkpoint.ts';
import type { PictureSet } from './data/index.ts';
import type { TrainingEngine } from './engines/engine.ts';
import type { Judge } from './eval/classifier.ts';
import { createEvaluator, type Metrics } from './eval/evaluator.ts';
import type { NetworkSpec } from './networks/spec.ts';
import type { RunFolder } from './run-folder.ts';
import { type StepOptions, stateShapes, under } from './step.ts';

export type QualityCheck = (engine: TrainingEngine, run: RunFolder, images: number) => Promise<Metrics>;

/** Seeds of the pictures that are measured: the same at every check and for every run, apart from what users ask for. */
const FIRST_SEED = 20_000_000;

async function picturesFor(engine: TrainingEngine, spec: NetworkSpec, labels: Uint8Array): Promise<Uint8Array> {
  const latent = new Float32Array(labels.length * spec.latent);
  const classes = new Float32Array(labels.length * spec.classes);
  for (const [i, label] of labels.entries()) {
    latent.set(latentOf(FIRST_SEED + i, spec.latent), i * spec.latent);
    if (spec.classes > 0) classes.set(oneHot(label, spec.classes), i * spec.classes);
  }
  return Uint8Array.from(await engine.generate(latent, spec.classes > 0 ? classes : undefined), toLevel);
}

/** A check on as many generated pictures as there are reference ones. */
export async function createQualityCheck(
  test: PictureSet,
  judge: Judge,
  step: StepOptions,
  warn: (sentence: string) => void,
): Promise<QualityCheck> {
  const evaluator = await createEvaluator(test, judge);
  const { spec } = step.networks;
  const shapes = under('ema', stateShapes(step));
  return async (engine, run, images) => {
    const labels = evaluator.labels(evaluator.referenceSamples);
    const pictures = await picturesFor(engine, spec, labels);
    const metrics = await evaluator.evaluate(pictures, spec.classes > 0 ? labels : undefined);
    const best = loadSnapshot(run.best, shapes, warn);
    if (metrics.fid < (best?.fid ?? Number.POSITIVE_INFINITY)) {
      saveSnapshot(run.best, { images, fid: metrics.fid, weights: under('ema', await engine.state()) }, shapes);
    }
    return metrics;
  };
}
