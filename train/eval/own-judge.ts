// The judge of own pictures: its sizes, and how it is made. Runs anywhere; judge.ts keeps those that are made in Node.
import type { PictureSet } from '../data/types.ts';
import type { Compute } from '../engines/runtime.ts';
import { type ClassifierSpec, exportClassifier, type FeatureMoments, loadJudge } from './classifier.ts';
import { type ClassifierOptions, trainClassifier } from './classifier-training.ts';
import { type Features, meanOf } from './features.ts';

/** Its features cost about as much at every size: pictures above 32 pixels are halved, or more, by the first convolution. */
export function classifierSpec({ width, channels, classes }: PictureSet, turns: boolean): ClassifierSpec {
  const named = classes.length > 1 ? classes.length : 0;
  return {
    resolution: width,
    channels,
    classes: named,
    turns: turns || named === 0,
    stride: Math.ceil(width / 32),
    width: 16,
    features: 64,
  };
}

/** Only clothes are known to be themselves when mirrored: letters, flags and arrows are not. Few pictures have to be made more by moving them. */
export function classifierDefaults({ name, count }: PictureSet): Pick<ClassifierOptions, 'mirror' | 'shift'> {
  return { mirror: name === 'fashion-mnist', shift: count < 20_000 ? 2 : 0 };
}

/** A judge of classes and quarter turns as an ONNX model: its features are directions. */
export async function trainOwnJudge(
  train: PictureSet,
  compute: Compute,
  options: ClassifierOptions,
): Promise<Uint8Array> {
  const spec = classifierSpec(train, true);
  const parameters = await trainClassifier(spec, train, compute, options);
  const plain = await loadJudge(await exportClassifier(spec, parameters), spec, compute);
  return exportClassifier(spec, parameters, momentsOf((await plain.judge(train.pixels)).features));
}

function momentsOf(features: Features): FeatureMoments {
  const mean = meanOf(features);
  const squares = meanOf({ ...features, data: features.data.map((x) => x * x) });
  return {
    mean: Float32Array.from(mean),
    deviation: Float32Array.from(squares, (square, i) => Math.sqrt(Math.max(0, square - (mean[i] ?? 0) ** 2))),
  };
}
