// Judges generated pictures against held-out real ones. Fast enough to run while a model trains: everything about the
// real pictures is computed once, when the evaluator is made.
import { UserError } from '../../contract/errors.ts';
import { pickPictures } from '../data/picture-set.ts';
import type { PictureSet } from '../data/types.ts';
import type { Judge, Judgement } from './classifier.ts';
import { meanOf, shifted } from './features.ts';
import { fitGaussian, frechetDistance } from './frechet.ts';
import { kernelDistance, meanKernelWithin } from './kernel.ts';
import { type ManifoldMetrics, manifoldMetrics, realManifold } from './neighbours.ts';

export interface Metrics extends ManifoldMetrics {
  /** Pictures judged. */
  samples: number;
  /** Fréchet distance in the judge's feature space. */
  fid: number;
  /** Squared maximum mean discrepancy in the judge's feature space. */
  kid: number;
  /** Share of pictures that the judge puts into the class they were made for; absent where there are no classes. */
  ganTest?: number;
}

export interface Evaluator {
  /** What the same protocol says of real pictures: the best a generator can be expected to reach. */
  real: Metrics;
  /** Real pictures that generated ones are compared with. */
  referenceSamples: number;
  /** Classes to generate: the mix of the reference pictures, in their order. */
  labels(count: number): Uint8Array;
  /** @param pictures [count, h, w, c], 0..255; labels [count]: the classes they were made for, if any */
  evaluate(pictures: Uint8Array, labels?: Uint8Array): Promise<Metrics>;
}

/** Below this, fits and neighbour statistics say nothing. */
export const fewestPictures = 50;

/** @throws UserError when there are too few to compare with */
export function requireHeldOut({ count }: PictureSet): void {
  if (count >= 2 * fewestPictures) return;
  throw new UserError(
    `evaluation: expected at least ${2 * fewestPictures} held-out pictures, got ${count}; ` +
      'own pictures need to be at least 1,200 or so for that many to be held out',
  );
}

/**
 * `test` is cut in two: even pictures are the reference, odd ones are judged like generated pictures and give `real`.
 * So `real` and any evaluation of as many generated pictures differ in nothing but the pictures.
 */
export async function createEvaluator(test: PictureSet, judge: Judge): Promise<Evaluator> {
  requireHeldOut(test);
  const half = (parity: number): PictureSet =>
    pickPictures(
      test,
      Array.from({ length: Math.floor(test.count / 2) }, (_, i) => 2 * i + parity),
    );
  const [reference, control] = [half(0), half(1)];
  const [referenceJudged, controlJudged] = [await judge.judge(reference.pixels), await judge.judge(control.pixels)];

  const origin = meanOf(referenceJudged.features);
  const features = shifted(referenceJudged.features, origin);
  const gaussian = fitGaussian(features);
  const manifold = await realManifold(features);
  // The kernel is not invariant to shifts: it takes the features as the judge gave them.
  const kernelWithin = await meanKernelWithin(referenceJudged.features);

  const measure = async ({ features: raw, labels }: Judgement, wanted?: Uint8Array): Promise<Metrics> => {
    const moved = shifted(raw, origin);
    return {
      samples: raw.rows,
      fid: frechetDistance(gaussian, fitGaussian(moved)),
      kid: await kernelDistance(referenceJudged.features, raw, kernelWithin),
      ...(await manifoldMetrics(manifold, moved)),
      ...(wanted && judge.task === 'classes' ? { ganTest: accuracy(labels, wanted) } : {}),
    };
  };

  return {
    real: await measure(controlJudged, control.labels),
    referenceSamples: reference.count,
    labels: (count) =>
      Uint8Array.from({ length: count }, (_, i) => reference.labels[Math.floor((i * reference.count) / count)] ?? 0),
    async evaluate(pictures, labels) {
      const size = test.width * test.height * test.channels;
      const count = pictures.length / size;
      if (!(count >= fewestPictures) || (labels && labels.length !== count)) {
        throw new UserError(
          `evaluation: expected at least ${fewestPictures} pictures of ${test.width}x${test.height}x${test.channels}, each with a ` +
            `label or none with one, got ${count} pictures and ${labels?.length ?? 'no'} labels`,
        );
      }
      return measure(await judge.judge(pictures), labels);
    },
  };
}

/** Share of places where both agree. */
export function accuracy(judged: Uint8Array, wanted: Uint8Array): number {
  let right = 0;
  for (let i = 0; i < wanted.length; i++) if (judged[i] === wanted[i]) right++;
  return right / wanted.length;
}
