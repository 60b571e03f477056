// `pocketgen eval BUNDLE|RUN`: how good the generated pictures are, by numbers and beside what real pictures score.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../../contract/errors.ts';
import type { Variant } from '../../contract/manifest.ts';
import { encodePng } from '../../contract/png.ts';
import { recordEvaluation } from '../../export/record.ts';
import { layOut, parseColour } from '../../train/data/canonical.ts';
import { loadDataset, type PictureSet, pictureSet, spreadPictures } from '../../train/data/index.ts';
import type { JudgeTask } from '../../train/eval/classifier.ts';
import { type Completion, completion } from '../../train/eval/completion.ts';
import { accuracy, createEvaluator, fewestHeldOut, type Metrics, requireHeldOut } from '../../train/eval/evaluator.ts';
import { type GanTrain, ganTrain, ganTrainImages, realSide } from '../../train/eval/gan-train.ts';
import { examined, type JudgeRecord, judgeFor, trainJudge } from '../../train/eval/judge.ts';
import { type Memorisation, memorisation } from '../../train/eval/memorisation.ts';
import {
  mostReconstructed,
  pictureErrors,
  posteriorNumbers,
  type Reconstruction,
  tokenNumbers,
} from '../../train/eval/reconstruction.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import {
  addDataOptions,
  checkPictures,
  type DataFlags,
  dataFlagsOf,
  dataHelp,
  loadOptionsOf,
} from '../data-options.ts';
import { evaluationTable } from '../eval-table.ts';
import { type ModelSource, openSource } from '../model-source.ts';
import { truncation, wholeFrom } from '../numbers.ts';
import { outPng } from '../out-file.ts';
import { judgeProgress, loadProgress } from '../progress.ts';
import { trainedPictures } from '../trained-pictures.ts';

interface EvalFlags extends DataFlags {
  data?: string;
  samples?: number;
  dtype?: 'fp32' | 'fp16' | 'int8';
  truncation?: number;
  seed: number;
  ganTrain: boolean;
  ganTrainImages: number;
  neighbours?: string;
  trainJudge?: string;
  record?: boolean;
  json?: boolean;
}

/** What --json prints; docs/quality.md explains each key. */
export interface EvalResult {
  model: string;
  dtype: Variant | undefined;
  imagesSeen: number;
  dataset: { name: string; trainedOn: string; heldOut: string; heldOutPictures: number };
  protocol: { referenceSamples: number; seed: number; truncation: number; background?: string };
  judge: Pick<JudgeRecord, 'accuracy' | 'trainedOn'> & { task: JudgeTask; features: number };
  generated: Metrics;
  real: Metrics;
  /** Of held-out pictures, for models with an encoder. */
  reconstruction?: Reconstruction;
  /** Of held-out pictures whose lower half is drawn anew, for models that do. */
  completion?: Completion;
  ganTrain?: GanTrain;
  memorisation?: Memorisation;
  seconds: number;
}

const ganTrainPictures = 60_000;
const lookedUp = 1000;
/** Generated pictures where few are held out: the distance's interval then comes from those few. */
const fewSamples = 2000;

/** GAN-train takes its pictures from seeds 10 million on. */
const HIGHEST_SEED = 4_000_000_000;

export async function runEval(model: string, flags: EvalFlags): Promise<EvalResult> {
  const started = performance.now();
  const say = (line: string): void => console.error(line);
  const source = await openSource(model, { ...(flags.dtype && { variant: flags.dtype }), warn: say });
  try {
    const { dataset } = source;
    checkPictures(model, dataset, flags.data);
    const splits = await picturesFor(source, model, flags);
    const { train, test } = splits;
    requireHeldOut(test); // before a judge is trained for nothing
    const { judge, record } = await judgeFor(splits, { onProgress: judgeProgress(train.name, say) });
    const seen = splits.trainedOn === dataset.sha256;
    const evaluator = await createEvaluator(splits, judge, { samples: flags.samples ?? fewSamples, seen });
    const labelled = source.classes.length > 0;

    const samples = flags.samples ?? evaluator.samples;
    const labels = evaluator.labels(samples);
    const { truncation = source.defaultTruncation, seed } = flags;
    const pictures = splits.lay(await source.generate(seed, labels, truncation));
    const generated = await evaluator.evaluate(pictures, labelled ? labels : undefined);

    const result: EvalResult = {
      model,
      dtype: source.variant,
      imagesSeen: source.imagesSeen,
      dataset: { name: dataset.name, trainedOn: dataset.sha256, heldOut: test.sha256, heldOutPictures: test.count },
      protocol: {
        referenceSamples: evaluator.referenceSamples,
        seed,
        truncation,
        ...(flags.background === undefined ? {} : { background: flags.background }),
      },
      judge: {
        task: judge.task,
        // Of these held-out pictures: a judge that was kept may have been examined on others.
        accuracy: await examined(judge, test),
        trainedOn: record.trainedOn,
        features: record.spec.features,
      },
      generated,
      real: evaluator.real,
      seconds: 0,
    };
    // Laid on a colour, pictures are no longer what the encoder takes.
    if (source.reconstruct && flags.background === undefined) {
      const shown = spreadPictures(test, mostReconstructed);
      const again = await source.reconstruct(shown.pixels, shown.labels);
      const right = async (pixels: Uint8Array): Promise<number> =>
        accuracy((await judge.judge(pixels)).labels, shown.labels);
      result.reconstruction = {
        ...pictureErrors(shown, again),
        ...(labelled && { classKept: await right(again), classOfPictures: await right(shown.pixels) }),
        ...(source.posterior && posteriorNumbers(await source.posterior(shown.pixels))),
        ...(source.tokens && tokenNumbers(await source.tokens(shown.pixels, shown.labels))),
      };
    }
    if (source.complete && flags.background === undefined)
      result.completion = await completion(
        test,
        source.complete,
        seed,
        labelled ? async (pixels) => (await judge.judge(pixels)).labels : undefined,
      );
    // Neighbours are looked up among the very pictures the model saw, which this machine may not have.
    if (seen) {
      const count = Math.min(lookedUp, samples, test.count);
      const drawn = pictureSet({ ...train, pixels: pictures, labels, note: 'generated' });
      const { result: found, sheet } = await memorisation(
        spreadPictures(drawn, count).pixels,
        train,
        spreadPictures(test, count),
      );
      result.memorisation = found;
      if (flags.neighbours !== undefined) writeAtomically(flags.neighbours, encodePng(sheet));
    } else say(`${train.name}: the training pictures are not on this machine, so no nearest neighbours`);

    // A classifier tested on a few hundred pictures says too little for the minutes it takes.
    if (flags.ganTrain && labelled && generated.fid !== undefined) {
      const count = Math.min(ganTrainPictures, train.count);
      const set = await generatedSet(source, train, count, { seed, truncation });
      result.ganTrain = await ganTrain(set, train, test, {
        images: flags.ganTrainImages,
        known: record.trainedOn === train.sha256 ? record.ganTrain : undefined,
        onProgress: (side, { images, loss }) =>
          images % 32_000 === 0 &&
          say(`GAN-train on ${side} pictures: ${images} of ${flags.ganTrainImages}, loss ${loss.toFixed(3)}`),
      });
    }
    result.seconds = Math.round((performance.now() - started) / 100) / 10;
    return result;
  } finally {
    await source.close();
  }
}

/**
 * The model's own training pictures and those that were held out then; with --background both lie on that colour, and so do
 * pictures that go through `lay`.
 */
async function picturesFor(source: ModelSource, model: string, { data, strict, background }: EvalFlags) {
  const { size, channels } = source;
  const { train, test, tookAlong } = await trainedPictures(model, source, { data, strict });
  const trainedOn = train.sha256;
  if (background === undefined) return { train, test, trainedOn, lay: (pixels: Uint8Array) => pixels };
  if (tookAlong)
    throw new UserError(`--background: expected none with ${model}, which took its pictures along; leave it out`);
  if (channels !== 4) throw new UserError(`--background: expected a transparent model, got ${model}, which is not`);
  const colour = await parseColour(background);
  const lay = (pixels: Uint8Array): Uint8Array => {
    const count = pixels.length / (size * size * 4);
    return layOut({ count, size, pixels }, [...Array(count).keys()], 3, colour);
  };
  const laid = (set: PictureSet): PictureSet => pictureSet({ ...set, channels: 3, pixels: lay(set.pixels) });
  return { train: laid(train), test: laid(test), trainedOn, lay };
}

/** As many generated pictures, with the class mix of the training set, from seeds that the other metrics do not use. */
async function generatedSet(
  source: ModelSource,
  train: PictureSet,
  count: number,
  { seed, truncation }: { seed: number; truncation: number },
): Promise<PictureSet> {
  const labels = spreadPictures(train, count).labels;
  const pixels = await source.generate(seed + 10_000_000, labels, truncation);
  return pictureSet({ ...train, pixels, labels, note: 'generated' });
}

export function registerEval(command: Command): void {
  addDataOptions(command)
    .argument('[model]', 'bundle or run folder')
    .option('--data <source>', `data set the model was trained on: ${dataHelp} (default: the one it names)`)
    .option(
      '--samples <n>',
      `pictures to generate (default: half the held-out ones, ${fewSamples} where those are few)`,
      wholeFrom(fewestHeldOut),
    )
    .addOption(new Option('--dtype <name>', 'variant of a bundle').choices(['fp32', 'fp16', 'int8']))
    .option('--truncation <t>', 'factor on latents, above 0 to 1 (default: the bundle’s own; 1 for a run)', truncation)
    .option('--seed <n>', 'first seed', wholeFrom(0, HIGHEST_SEED), 0)
    .option('--no-gan-train', 'leave out GAN-train, the slow one')
    .option('--gan-train-images <n>', 'pictures shown to each GAN-train classifier', wholeFrom(1), ganTrainImages)
    .option('--neighbours <file>', 'PNG of the pictures nearest to training ones, with their three neighbours')
    .option('--train-judge <folder>', 'train a judge for --data anew, write it there, and stop')
    .option('--record', 'write the result into the bundle’s model.json and model card')
    .option('--json', 'print JSON')
    .action(async (model: string | undefined, flags: EvalFlags) => {
      const neighbours = flags.neighbours === undefined ? undefined : outPng(flags.neighbours);
      if (flags.trainJudge !== undefined) return trainJudgeTo(flags.trainJudge, flags);
      if (model === undefined || !existsSync(model)) {
        throw new UserError(`eval: expected a bundle or run folder, got ${model ?? 'none'}`);
      }
      if (flags.record && !existsSync(join(model, 'model.json'))) {
        throw new UserError(`--record: expected a bundle, got ${model}; export the run first`);
      }
      if (flags.record && flags.background !== undefined) {
        throw new UserError('--record: expected the bundle as it is, got --background; leave one of them out');
      }
      const [idle] = Object.keys(dataFlagsOf(flags)).filter((name) => name !== 'strict' && name !== 'background');
      if (idle !== undefined) {
        throw new UserError(
          `--${idle}: expected it with --train-judge only, got ${model}, whose pictures are read as they were for its training`,
        );
      }
      const result = await runEval(model, { ...flags, ...(neighbours !== undefined && { neighbours }) });
      const { model: _, seconds: __, dtype, ...measured } = result;
      if (flags.record && dtype !== undefined) recordEvaluation(model, { dtype, ...measured });
      console.log(flags.json ? JSON.stringify(result, undefined, 2) : evaluationTable(result));
    });
}

async function trainJudgeTo(folder: string, flags: EvalFlags): Promise<void> {
  const { data = 'fashion-mnist' } = flags;
  const bar = loadProgress();
  const splits = await loadDataset(data, { ...loadOptionsOf(flags, data), onProgress: bar.update }).finally(bar.stop);
  await mkdir(folder, { recursive: true });
  const base = join(folder, splits.train.name);
  const { record } = await trainJudge(splits, base, {
    onProgress({ images, loss }) {
      if (images % 6400 === 0) console.error(`${images} pictures seen, loss ${loss.toFixed(3)}`);
    },
  });
  if (record.real && record.spec.classes > 0) {
    console.error('training the real side of GAN-train');
    record.ganTrain = await realSide(splits.train, splits.test);
    writeAtomically(`${base}.json`, `${JSON.stringify(record, undefined, 2)}\n`);
  }
  console.log(JSON.stringify(record, undefined, 2));
}
