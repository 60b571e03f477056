// Judges generated pictures against held-out real ones. Fast enough to run while a model trains: everything about the
// real pictures is computed once, when the evaluator is made.
import { UserError } from '../../contract/errors.ts';
import { findNearCopies, nearCopyFinder, premultiplied } from '../data/near-copies.ts';
import { pickPictures, pictureSet, spreadPictures } from '../data/picture-set.ts';
import type { DatasetSplits, PictureSet } from '../data/types.ts';
import { MOST_LOOKED_UP } from './choice.ts';
import type { Judge, Judgement } from './classifier.ts';
import { type Features, meanOf, rowsAt, shifted } from './features.ts';
import { fitGaussian, frechetDistance } from './frechet.ts';
import { type KernelEstimate, kernelEstimate, kernelSide, resamples } from './kernel.ts';
import { type ManifoldMetrics, manifoldMetrics, type RealManifold, realManifold } from './neighbours.ts';
import { type Spectrum, spectralGap, spectrum } from './spectrum.ts';

export interface Metrics extends ManifoldMetrics, KernelEstimate {
  /** Pictures judged. */
  samples: number;
  /** Fréchet distance in the judge's feature space; absent where the reference is too small for one. */
  fid?: number;
  /** Share of pictures that the judge puts into the class they were made for; absent where there are no classes. */
  ganTest?: number;
  /** Share that are near copies of a training picture, for real ones of another (train/data/near-copies.ts); absent where those are not at hand or above 20,000. */
  nearCopies?: number;
  /** Power over that of real pictures in dB (spectrum.ts): at the checkerboard's frequency, */
  nyquist: number;
  /** where columns alternate, */
  nyquistHorizontal: number;
  /** where rows alternate, */
  nyquistVertical: number;
  /** and in the upper third of all frequencies. */
  upperThird: number;
}

export interface Evaluator {
  /** What the same protocol says of real pictures: what a generator can be expected to reach. */
  real: Metrics;
  /** Real pictures that generated ones are compared with. */
  referenceSamples: number;
  /** Pictures to generate unless asked otherwise. */
  samples: number;
  /** Classes to generate: the mix of the reference pictures, in their order. */
  labels(count: number): Uint8Array;
  /** @param pictures [count, h, w, c], 0..255, premultiplied; labels [count]: the classes they were made for, if any */
  evaluate(pictures: Uint8Array, labels?: Uint8Array): Promise<Metrics>;
}

export interface EvaluatorOptions {
  /** Pictures to generate where few are held out. Default 500: what a check while training can afford. */
  samples?: number;
  /** Whether `train` is what the model was trained on, so that copies can be looked for. Default true. */
  seen?: boolean;
}

/** Held-out pictures below which nothing can be said. */
export const fewestHeldOut = 10;
/** A Gaussian of 64 features fitted to fewer pictures is mostly their noise, and so is the distance. */
const fewestForFrechet = 1000;
/** Hashing more training pictures takes longer than a check may; so many are hardly learned by heart. */
const mostToCopy = 20_000;
const mostForSpectrum = { real: 2000, generated: 500 };
const defaultSamples = 500;

/** @throws UserError when there are too few to compare with */
export function requireHeldOut({ name, count }: PictureSet): void {
  if (count >= fewestHeldOut) return;
  throw new UserError(
    `evaluation: expected at least ${fewestHeldOut} held-out pictures of ${name}, got ${count}; ` +
      'own pictures need to be at least 100 or so for that many to be held out',
  );
}

/**
 * Many held-out pictures (2,000 or more): even ones are the reference, odd ones are judged like generated pictures and give
 * `real`. Few: all of them are the reference, and training pictures give `real`. The judge was trained on those, so their distance is
 * a little more than that of other real pictures would be, and their classes are taken from the held-out ones instead. A model
 * that repeats its training pictures scores as those do, not better.
 */
export async function createEvaluator(
  { train, test }: Pick<DatasetSplits, 'train' | 'test'>,
  judge: Judge,
  { samples = defaultSamples, seen = true }: EvaluatorOptions = {},
): Promise<Evaluator> {
  requireHeldOut(test);
  const { compute } = judge;
  const many = test.count >= 2 * fewestForFrechet;
  const [reference, control] = many ? [half(test, 0), half(test, 1)] : [test, spreadPictures(train, samples)];
  const [referenceJudged, controlJudged] = [await judge.judge(reference.pixels), await judge.judge(control.pixels)];

  const origin = meanOf(referenceJudged.features);
  const features = shifted(referenceJudged.features, origin);
  const gaussian = many ? fitGaussian(features) : undefined;
  const manifold = await realManifold(compute, features);
  // The kernel is not invariant to shifts: it takes the features as the judge gave them.
  const kernel = await kernelSide(compute, referenceJudged.features, resamples(reference.count, 'reference'));
  const realSpectrum = spectrumOf(train, mostForSpectrum.real);
  const known = seen && train.count <= mostToCopy ? premultiplied(train) : undefined;
  const findCopies = known && nearCopyFinder(known);
  const copiesIn = (set: PictureSet): { nearCopies?: number } => {
    if (!findCopies) return {};
    const found = findCopies(premultiplied(spreadPictures(set, MOST_LOOKED_UP)));
    return { nearCopies: found.filter((index) => index >= 0).length / found.length };
  };

  const measure = async (set: PictureSet, { features: raw, labels }: Judgement, wanted?: Uint8Array) => {
    const moved = shifted(raw, origin);
    const { nyquist, horizontal, vertical, upperThird } = spectralGap(
      spectrumOf(set, mostForSpectrum.generated),
      realSpectrum,
    );
    return {
      samples: raw.rows,
      ...(gaussian ? { fid: frechetDistance(gaussian, fitGaussian(moved)) } : {}),
      ...(await kernelEstimate(compute, kernel, await kernelSide(compute, raw, resamples(raw.rows, 'generated')))),
      ...(await manifoldMetricsOf(judge, manifold, moved, many)),
      ...(wanted && judge.task !== 'turns' ? { ganTest: accuracy(labels, wanted) } : {}),
      nyquist,
      nyquistHorizontal: horizontal,
      nyquistVertical: vertical,
      upperThird,
    };
  };

  const measured = await measure(control, controlJudged, control.labels);
  return {
    real: {
      ...measured,
      ...(measured.ganTest === undefined || many
        ? {}
        : { ganTest: accuracy(referenceJudged.labels, reference.labels) }),
      // Of each other: held-out pictures have none, as the split keeps a picture and its copies on one side.
      ...(known && { nearCopies: findNearCopies(known).grouped / known.count }),
    },
    referenceSamples: reference.count,
    samples: many ? reference.count : samples,
    labels: (count) =>
      Uint8Array.from({ length: count }, (_, i) => reference.labels[Math.floor((i * reference.count) / count)] ?? 0),
    async evaluate(pictures, labels) {
      const count = pictures.length / (test.width * test.height * test.channels);
      if (!(count >= fewestHeldOut) || (labels && labels.length !== count)) {
        throw new UserError(
          `evaluation: expected at least ${fewestHeldOut} pictures of ${test.width}x${test.height}x${test.channels}, each with a ` +
            `label or none with one, got ${count} pictures and ${labels?.length ?? 'no'} labels`,
        );
      }
      const set = pictureSet({ ...test, pixels: pictures, labels: labels ?? new Uint8Array(count), note: 'generated' });
      return { ...(await measure(set, await judge.judge(pictures), labels)), ...copiesIn(set) };
    },
  };
}

const half = (set: PictureSet, parity: number): PictureSet =>
  pickPictures(
    set,
    Array.from({ length: Math.floor(set.count / 2) }, (_, i) => 2 * i + parity),
  );

const spectrumOf = (set: PictureSet, most: number): Spectrum => {
  const some = spreadPictures(set, most);
  return spectrum(some.pixels, some);
};

/**
 * Coverage and recall grow with the number of pictures, so a few held-out ones are compared with groups of as many, and the
 * groups' numbers averaged. Every group has pictures from all over, as they may be sorted by class.
 */
async function manifoldMetricsOf(
  { compute }: Judge,
  real: RealManifold,
  generated: Features,
  whole: boolean,
): Promise<ManifoldMetrics> {
  if (whole || generated.rows <= real.features.rows) return manifoldMetrics(compute, real, generated);
  const groups = Math.floor(generated.rows / real.features.rows);
  const mean: ManifoldMetrics = { precision: 0, recall: 0, density: 0, coverage: 0 };
  for (let group = 0; group < groups; group++) {
    const spread = generated.rows / (groups * real.features.rows);
    const rows = Array.from({ length: real.features.rows }, (_, i) => Math.floor((group + i * groups) * spread));
    const one = await manifoldMetrics(compute, real, rowsAt(generated, rows));
    for (const key of ['precision', 'recall', 'density', 'coverage'] as const) mean[key] += one[key] / groups;
  }
  return mean;
}

/** Share of places where both agree. */
export function accuracy(judged: Uint8Array, wanted: Uint8Array): number {
  let right = 0;
  for (let i = 0; i < wanted.length; i++) if (judged[i] === wanted[i]) right++;
  return right / wanted.length;
}
