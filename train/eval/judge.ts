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
import { native } from '../engines/onnxruntime.ts';
import { writeAtomically } from '../store/atomic.ts';
import { exportClassifier, type Judge, loadJudge } from './classifier.ts';
import { type ClassifierOptions, trainClassifier, turnedFrom } from './classifier-training.ts';
import { accuracy, createEvaluator } from './evaluator.ts';
import { classifierDefaults, classifierSpec, trainOwnJudge } from './own-judge.ts';

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
const cacheVersion = 3;

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
  return { judge: await loadJudge(model, spec, native).catch(damaged), record };
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
  const learning = { ...classifierDefaults(train), images, ...(onProgress && { onProgress }) };
  const model = own
    ? await trainOwnJudge(train, native, learning)
    : await exportClassifier(spec, await trainClassifier(spec, train, native, learning));
  const judge = await loadJudge(model, spec, native);
  const record: JudgeRecord = {
    dataset: train.name,
    trainedOn: train.sha256,
    trainingPictures: train.count,
    spec,
    images,
    ...(test.count > 0 ? { accuracy: await examined(judge, test) } : {}),
    heldOutPictures: test.count,
    ...(own ? {} : { real: { ...(await createEvaluator(splits, judge)).real } }),
  };
  await mkdir(join(base, '..'), { recursive: true });
  writeAtomically(`${base}.onnx`, model);
  writeAtomically(`${base}.json`, `${JSON.stringify(record, undefined, 2)}\n`);
  return { judge, record };
}

/** Share of pictures whose class, or quarter turn where it knows no classes, a judge tells rightly. */
export async function examined(judge: Judge, test: PictureSet): Promise<number> {
  const exam = judge.task === 'turns' ? turned(test) : test;
  return accuracy((await judge.judge(exam.pixels)).labels, exam.labels);
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
