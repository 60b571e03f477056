// GAN-train (Shmelkov et al. 2018, arXiv:1807.09499): train a classifier on generated pictures only and test it on real
// ones, beside the same classifier trained on as many real ones. The gap is what the generator leaves out.
import { spreadPictures } from '../data/picture-set.ts';
import type { PictureSet } from '../data/types.ts';
import { native } from '../engines/onnxruntime.ts';
import { exportClassifier, loadJudge } from './classifier.ts';
import { type ClassifierOptions, trainClassifier } from './classifier-training.ts';
import { accuracy } from './evaluator.ts';
import { classifierDefaults, classifierSpec } from './own-judge.ts';

export interface GanTrain {
  /** Training pictures on either side. */
  pictures: number;
  /** Pictures shown to each classifier: epochs times pictures. */
  images: number;
  /** Accuracy on held-out real pictures after training on generated ones, */
  generated: number;
  /** and after training on real ones. */
  real: number;
}

/** The real side by itself, which is the same for every generator. */
export type RealSide = Pick<GanTrain, 'pictures' | 'images' | 'real'>;

export interface GanTrainOptions {
  images?: number;
  /** Known already; used where it speaks of as many pictures and images. */
  known?: RealSide | undefined;
  onProgress?: (
    side: 'generated' | 'real',
    progress: Parameters<NonNullable<ClassifierOptions['onProgress']>>[0],
  ) => void;
}

export const ganTrainImages = 120_000;

/**
 * Pixels by which both sides' pictures are moved at random, as Shmelkov et al. crop theirs. Generated pictures carry faint
 * patterns that tell their class; a classifier that may rely on the exact pixel learns those instead of the clothes.
 */
const SHIFT = 2;

/** `generated` and `train` need classes; of the larger one, only as many pictures as the smaller has are used. */
export async function ganTrain(
  generated: PictureSet,
  train: PictureSet,
  test: PictureSet,
  { images = ganTrainImages, known, onProgress }: GanTrainOptions = {},
): Promise<GanTrain> {
  const pictures = Math.min(generated.count, train.count);
  const learn = (side: 'generated' | 'real', set: PictureSet): Promise<number> =>
    accuracyAfter(spreadPictures(set, pictures), test, {
      ...classifierDefaults(train),
      shift: SHIFT,
      images,
      ...(onProgress && { onProgress: (progress) => onProgress(side, progress) }),
    });
  const real = known?.pictures === pictures && known.images === images ? known.real : await learn('real', train);
  return { pictures, images, generated: await learn('generated', generated), real };
}

/** The real side for all of `train`. */
export async function realSide(train: PictureSet, test: PictureSet, images = ganTrainImages): Promise<RealSide> {
  return {
    pictures: train.count,
    images,
    real: await accuracyAfter(train, test, { ...classifierDefaults(train), shift: SHIFT, images }),
  };
}

async function accuracyAfter(lesson: PictureSet, test: PictureSet, options: ClassifierOptions): Promise<number> {
  const spec = classifierSpec(lesson, false);
  const model = await exportClassifier(spec, await trainClassifier(spec, lesson, native, options));
  const judge = await loadJudge(model, spec, native);
  return accuracy((await judge.judge(test.pixels)).labels, test.labels);
}
