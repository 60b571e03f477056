// The judge of a data set: shipped for Fashion-MNIST, trained once and cached for any other. It learns to tell classes and
// quarter turns (Gidaris et al. 2018, arXiv:1803.07728) apart, only the latter where there are no classes.
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../contract/errors.ts';
import { defaultCacheDir } from '../data/idx-sets.ts';
import { type DatasetSplits, datasetNames, type PictureSet, pictureSet } from '../data/index.ts';
import { writeAtomically } from '../store/atomic.ts';
import { type ClassifierSpec, exportClassifier, type FeatureMoments, type Judge, loadJudge } from './classifier.ts';
import { type ClassifierOptions, trainClassifier, turnedFrom } from './classifier-training.ts';
import { accuracy, createEvaluator } from './evaluator.ts';
import { type Features, meanOf } from './features.ts';

const recordSchema = z.strictObject({
  dataset: z.string(),
  /** SHA-256 of the pictures it was trained on; see PictureSet. */
  trainedOn: z.string(),
  trainingPictures: z.int(),
  spec: z.strictObject({
    resolution: z.int(),
    channels: z.int(),
    classes: z.int(),
    turns: z.boolean(),
    stride: z.int(),
    width: z.int(),
    features: z.int(),
  }),
  /** Pictures seen while training. */
  images: z.int(),
  /** On held-out pictures; absent where none are held out. */
  accuracy: z.number().optional(),
  heldOutPictures: z.int(),
  /** What the evaluation's protocol says of real pictures with this judge: the best to hope for. */
  real: z.record(z.string(), z.number()).optional(),
  /** GAN-train's real side, for judges that are shipped. */
  ganTrain: z.strictObject({ pictures: z.int(), images: z.int(), real: z.number() }).optional(),
});
export type JudgeRecord = z.infer<typeof recordSchema>;

export interface JudgeOptions {
  cacheDir?: string;
  onProgress?: ClassifierOptions['onProgress'];
  /** Pictures shown to a judge that has to be trained. */
  images?: number;
}

/** Judges that are part of this project: made by `pocketgen eval --train-judge FOLDER`. */
const shipped = fileURLToPath(new URL('./judges/', import.meta.url));

/** Epochs for large sets, so many pictures for small ones: longer training ordered damaged pictures no better. */
const epochs = 6;
const fewestImages = 16_000;
/** Part of the cached files' names: a judge of another making is trained anew. */
const cacheVersion = 2;

async function readJudge(base: string, { width, height, channels, classes }: PictureSet) {
  if (!existsSync(`${base}.onnx`) || !existsSync(`${base}.json`)) return undefined;
  const damaged = (error: unknown): never => {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new UserError(
      `judge ${base}: expected a judge in .json and .onnx, got damaged files (${reason}); delete both`,
    );
  };
  const record = await readFile(`${base}.json`, 'utf8')
    .then((text) => recordSchema.parse(JSON.parse(text)))
    .catch(damaged);
  const { spec } = record;
  if (spec.resolution !== width || height !== width || spec.channels !== channels) return undefined;
  if (spec.classes > 0 && spec.classes !== classes.length) return undefined;
  const model = await readFile(`${base}.onnx`);
  return { judge: await loadJudge(model, spec).catch(damaged), record };
}

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

export async function judgeFor(
  splits: DatasetSplits,
  options: JudgeOptions = {},
): Promise<{ judge: Judge; record: JudgeRecord }> {
  const { train } = splits;
  const cache = join(options.cacheDir ?? defaultCacheDir(), 'judges');
  const own = join(cache, `${train.sha256}-${cacheVersion}`);
  for (const base of [join(shipped, train.name), own]) {
    const found = await readJudge(base, train);
    if (found) return found;
  }
  return trainJudge(splits, own, options);
}

/** Trains a judge and writes `base`.onnx and `base`.json. */
export async function trainJudge(
  splits: DatasetSplits,
  base: string,
  { onProgress, images: budget }: JudgeOptions = {},
): Promise<{ judge: Judge; record: JudgeRecord }> {
  const { train, test } = splits;
  if (train.count < 2) throw new UserError(`judge: expected at least 2 training pictures, got ${train.count}`);
  // The judge of Fashion-MNIST is older than the turns, and what is on record was measured with it.
  const own = !datasetNames.includes(train.name);
  const spec = classifierSpec(train, own);
  const images = budget ?? Math.max(fewestImages, epochs * train.count);
  const parameters = await trainClassifier(spec, train, {
    ...classifierDefaults(train),
    images,
    ...(onProgress && { onProgress }),
  });
  const raw = await exportClassifier(spec, parameters);
  const model = own
    ? await exportClassifier(
        spec,
        parameters,
        momentsOf((await (await loadJudge(raw, spec)).judge(train.pixels)).features),
      )
    : raw;
  const judge = await loadJudge(model, spec);
  const exam = spec.classes > 0 ? test : turned(test);
  const record: JudgeRecord = {
    dataset: train.name,
    trainedOn: train.sha256,
    trainingPictures: train.count,
    spec,
    images,
    ...(exam.count > 0 ? { accuracy: accuracy((await judge.judge(exam.pixels)).labels, exam.labels) } : {}),
    heldOutPictures: test.count,
    ...(own ? {} : { real: { ...(await createEvaluator(splits, judge)).real } }),
  };
  await mkdir(join(base, '..'), { recursive: true });
  writeAtomically(`${base}.onnx`, model);
  writeAtomically(`${base}.json`, `${JSON.stringify(record, undefined, 2)}\n`);
  return { judge, record };
}

/** Digits and turned pictures are not themselves when mirrored; few pictures have to be made more by moving them. */
export function classifierDefaults({ name, classes, count }: PictureSet): Pick<ClassifierOptions, 'mirror' | 'shift'> {
  return { mirror: name !== 'mnist' && classes.length > 1, shift: count < 20_000 ? 2 : 0 };
}

/** Every picture in its four quarter turns, labelled by the turn. */
export function turned(set: PictureSet): PictureSet {
  const { width: n, channels, count, pixels } = set;
  const size = n * n * channels;
  const out = new Uint8Array(4 * count * size);
  const labels = new Uint8Array(4 * count);
  for (let i = 0; i < count; i++) {
    for (let turn = 0; turn < 4; turn++) {
      const to = (4 * i + turn) * size;
      labels[4 * i + turn] = turn;
      for (let y = 0; y < n; y++) {
        for (let x = 0; x < n; x++) {
          const [fromY, fromX] = turnedFrom(turn, y, x, n);
          for (let c = 0; c < channels; c++) {
            out[to + (y * n + x) * channels + c] = pixels[i * size + (fromY * n + fromX) * channels + c] ?? 0;
          }
        }
      }
    }
  }
  const classes = ['0°', '90°', '180°', '270°'];
  return pictureSet({ ...set, classes, pixels: out, labels, note: `${set.note}; turned` });
}

function momentsOf(features: Features): FeatureMoments {
  const mean = meanOf(features);
  const squares = meanOf({ ...features, data: features.data.map((x) => x * x) });
  return {
    mean: Float32Array.from(mean),
    deviation: Float32Array.from(squares, (square, i) => Math.sqrt(Math.max(0, square - (mean[i] ?? 0) ** 2))),
  };
}
