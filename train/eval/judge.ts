// The judge of a data set: shipped for Fashion-MNIST, trained once and cached for any other. Pictures without classes are
// judged in the features of a network that tells quarter turns apart (Gidaris et al. 2018, arXiv:1803.07728).
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../contract/errors.ts';
import { writeAtomically } from '../checkpoint.ts';
import { defaultCacheDir } from '../data/idx-sets.ts';
import { type DatasetSplits, type PictureSet, pictureSet } from '../data/index.ts';
import { type ClassifierSpec, exportClassifier, type Judge, loadJudge } from './classifier.ts';
import { type ClassifierOptions, trainClassifier } from './classifier-training.ts';
import { accuracy, createEvaluator, fewestPictures } from './evaluator.ts';

const recordSchema = z.strictObject({
  dataset: z.string(),
  /** SHA-256 of the pictures it was trained on; see PictureSet. */
  trainedOn: z.string(),
  trainingPictures: z.int(),
  task: z.enum(['classes', 'rotations']),
  spec: z.strictObject({
    resolution: z.int(),
    channels: z.int(),
    classes: z.int(),
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

/** Epochs for large sets, so many pictures for small ones. */
const epochs = 6;
const fewestImages = 40_000;

/** The judge that is part of this project for pictures like these, if there is one. */
export async function shippedJudge(pictures: PictureSet): Promise<Judge | undefined> {
  return (await readJudge(join(shipped, pictures.name), pictures))?.judge;
}

/** What real pictures score where models of these training pictures are judged by a shipped judge. */
export async function realScores(name: string, trainedOn: string): Promise<Record<string, number>> {
  const path = `${join(shipped, name)}.json`;
  if (!existsSync(path)) return {};
  const record = recordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  return (record.trainedOn === trainedOn && record.real) || {};
}

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
  const { spec, task } = record;
  if (spec.resolution !== width || spec.channels !== channels) return undefined;
  if (task === 'classes' && spec.classes !== classes.length) return undefined;
  const model = await readFile(`${base}.onnx`);
  return { judge: await loadJudge(model, { width, height, channels }, task).catch(damaged), record };
}

export function judgeSpec({ width, channels, classes }: PictureSet): ClassifierSpec {
  return { resolution: width, channels, classes: classes.length > 1 ? classes.length : 4, width: 16, features: 64 };
}

export async function judgeFor(
  splits: DatasetSplits,
  options: JudgeOptions = {},
): Promise<{ judge: Judge; record: JudgeRecord }> {
  const { train } = splits;
  const cache = join(options.cacheDir ?? defaultCacheDir(), 'judges');
  for (const base of [join(shipped, train.name), join(cache, train.sha256)]) {
    const found = await readJudge(base, train);
    if (found) return found;
  }
  return trainJudge(splits, join(cache, train.sha256), options);
}

/** Trains a judge and writes `base`.onnx and `base`.json. */
export async function trainJudge(
  splits: DatasetSplits,
  base: string,
  { onProgress, images: budget }: JudgeOptions = {},
): Promise<{ judge: Judge; record: JudgeRecord }> {
  const { train, test } = splits;
  if (train.count < 2) throw new UserError(`judge: expected at least 2 training pictures, got ${train.count}`);
  const task = train.classes.length > 1 ? 'classes' : 'rotations';
  const spec = judgeSpec(train);
  const lesson = task === 'classes' ? train : turned(train);
  const images = budget ?? Math.max(fewestImages, epochs * lesson.count);
  const parameters = await trainClassifier(spec, lesson, {
    ...classifierDefaults(train),
    images,
    ...(onProgress && { onProgress }),
  });
  const model = await exportClassifier(spec, parameters);
  const judge = await loadJudge(model, train, task);
  const exam = task === 'classes' ? test : turned(test);
  const record: JudgeRecord = {
    dataset: train.name,
    trainedOn: train.sha256,
    trainingPictures: train.count,
    task,
    spec,
    images,
    ...(exam.count > 0 ? { accuracy: accuracy((await judge.judge(exam.pixels)).labels, exam.labels) } : {}),
    heldOutPictures: test.count,
    ...(test.count >= 2 * fewestPictures ? { real: { ...(await createEvaluator(test, judge)).real } } : {}),
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
          const [fromY, fromX] = source(turn, y, x, n);
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

function source(turn: number, y: number, x: number, n: number): [number, number] {
  if (turn === 0) return [y, x];
  if (turn === 1) return [n - 1 - x, y];
  if (turn === 2) return [n - 1 - y, n - 1 - x];
  return [x, n - 1 - y];
}
