// `pocketgen train`: trains a preset on a data set into a run folder; the same command again continues it.
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { type BundledTrainer, readTrainer } from '../../export/trainer.ts';
import {
  type DatasetSplits,
  datasetNames,
  type LoadOptions,
  loadDataset,
  reportLines,
} from '../../train/data/index.ts';
import { PICTURES } from '../../train/data/packed.ts';
import type { EngineChoice } from '../../train/engines/choose.ts';
import { native } from '../../train/engines/onnxruntime.ts';
import { useBackend } from '../../train/engines/tfjs.ts';
import { fewestHeldOut } from '../../train/eval/evaluator.ts';
import { judgeFor } from '../../train/eval/judge.ts';
import { createQualityCheck } from '../../train/eval/quality.ts';
import { judgeOfRun } from '../../train/eval/run-judge.ts';
import { FAMILIES, type FamilyName } from '../../train/families/family.ts';
import { createModel } from '../../train/families/models.ts';
import type { QualityPlan } from '../../train/loop.ts';
import { AUGMENTATIONS, type Augmentation } from '../../train/nn/augmentation.ts';
import { PRESETS, type Recipe, type RecipeOverrides, recipeFor, type Schedule } from '../../train/recipe.ts';
import type { RunFiles } from '../../train/store/files.ts';
import { checkRunFolder } from '../../train/store/folder.ts';
import { asTrained, goingOn, type Trainer } from '../../train/trainer.ts';
import { addDataOptions, type DataFlags, dataHelp, loadOptionsOf } from '../data-options.ts';
import type { Live } from '../live.ts';
import { modelName } from '../names.ts';
import { positive, wholeFrom } from '../numbers.ts';
import { type ResumedRun, resumeRun } from '../packed-run.ts';
import { judgeProgress, loadProgress } from '../progress.ts';
import { asPlanned, describe, engineFor, trainAndTell } from '../training.ts';
import { addTrainingOptions, scheduleFlag, type TrainingFlags } from '../training-options.ts';

export interface TrainFlags extends DataFlags, TrainingFlags {
  /** Default: `auto` for own pictures, else `quick`. */
  preset?: string;
  family?: FamilyName;
  data: string;
  from?: string;
  /** A run in a zip, which has its own pictures and recipe. */
  resume?: string;
  out?: string;
  width?: number;
  rate?: number;
  gamma?: Schedule;
  beta2?: Schedule;
  emaHalfLife?: Schedule;
  augment?: Augmentation[];
  augmentProbability?: Schedule;
  evaluations?: number;
  mirror?: boolean;
  dryRun?: boolean;
}

/** `none`, or kinds separated by commas. */
function augmentFlag(text: string): Augmentation[] {
  if (text.trim() === 'none') return [];
  return text.split(',').map((part) => {
    const kind = AUGMENTATIONS.find((known) => known === part.trim());
    if (kind === undefined)
      throw new InvalidArgumentError(`expected none or some of ${AUGMENTATIONS.join(',')}, got ${part.trim() || text}`);
    return kind;
  });
}

/** Flags that would have no effect, and a folder that is somebody's, are refused before pictures are read. */
function checkFlags({ engine, device, out }: TrainFlags): void {
  if (device !== undefined && engine !== 'onnx')
    throw new UserError(
      `--device: expected --engine onnx with it, got ${engine}; name the engine or leave the device out`,
    );
  if (out?.trim() === '') throw new UserError('--out: expected a folder, got nothing');
  if (out !== undefined) checkRunFolder(out);
}

/** As asked for, or as the data calls for. */
export const presetOf = ({ preset, data }: { preset?: string; data: string }): string =>
  preset ?? (datasetNames.includes(data) ? 'quick' : 'auto');

/** As asked for, or by the name of the training: of a preset, or of pictures called `own`. */
export const runFolder = (
  flags: Pick<TrainFlags, 'out' | 'preset' | 'family' | 'data'>,
  from: Pick<Trainer, 'recipe'> | undefined,
  own: string,
): string =>
  flags.out ?? join('runs', modelName({ preset: presetOf(flags), family: flags.family ?? from?.recipe.family }, own));

const ANY_PICTURES = { width: 32, height: 32, channels: 3 as const, classes: [] as string[], count: 1 };

/** Of the flags, those that change a preset. */
function overridesOf(flags: TrainFlags): RecipeOverrides {
  const { images, batch, seed, width, rate, learningRate, gamma, beta2, emaHalfLife } = flags;
  const { augment, augmentProbability, mirror } = flags;
  const given = {
    family: flags.family,
    images,
    batch,
    seed,
    width,
    rate,
    learningRate,
    gamma,
    beta2,
    emaHalfLife,
    augment,
    augmentProbability,
    mirror,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as RecipeOverrides;
}

/**
 * The pictures for networks that are there already: of their side, where the flags name no other, and of their channels. Throws
 * UserError for flags that those networks leave no choice.
 */
function readAsBefore(
  { name, trainer: { recipe }, trainedOn }: BundledTrainer,
  flags: TrainFlags,
): Promise<DatasetSplits> {
  const { resolution, channels } = recipe.network;
  const has = channels === 4 ? 'transparent' : channels === 1 ? 'grey' : 'opaque and in colour';
  const { width, rate, grey, transparent, background } = flags;
  const given = Object.entries({
    width,
    rate,
    ...(channels === 1 ? {} : { grey }),
    ...(channels === 4 ? { background } : { transparent }),
  }).find(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new UserError(
      `--${given[0]}: expected none with --from ${name}, whose networks are there already and whose pictures are ${has}; leave it out`,
    );
  if (datasetNames.includes(flags.data)) return readPictures(flags);
  const { grey: _, transparent: __, ...others } = flags;
  return readPictures({ size: resolution, ...others }, { channels, trainedOn });
}

/** Reads the pictures with a progress bar and says what was read. `as`: whatever the flags would make. */
export async function readPictures(
  flags: DataFlags & { data: string },
  as: Pick<LoadOptions, 'channels' | 'trainedOn'> = {},
): Promise<DatasetSplits> {
  const options = { ...loadOptionsOf(flags, flags.data), ...as };
  const bar = loadProgress();
  const say = (line: string): void => console.error(line);
  const splits = await loadDataset(flags.data, { ...options, onProgress: bar.update, onRemark: say }).finally(bar.stop);
  for (const line of reportLines(splits)) say(line);
  return splits;
}

/** What a caller has done already, and whom it wants told how the training goes. */
export interface TrainingParts {
  readonly splits?: DatasetSplits;
  readonly engine?: EngineChoice;
  readonly live?: Pick<Live, 'show' | 'tell'>;
  /** The run's, whose lock the caller holds. */
  readonly files?: RunFiles;
}

/** Trains and tells the user how it goes. Returns the run folder, images seen and whether the user stopped it. */
export async function runTraining(
  flags: TrainFlags,
  parts: TrainingParts = {},
): Promise<{ dir: string; images: number; interrupted: boolean }> {
  const say = (line: string): void => console.error(line);
  checkFlags(flags);
  // What no pictures could make right is told before they are read.
  if (flags.from === undefined) recipeFor(presetOf(flags), ANY_PICTURES, overridesOf(flags));
  const from = flags.from === undefined ? undefined : await readTrainer(flags.from);
  const splits = parts.splits ?? (await (from ? readAsBefore(from, flags) : readPictures(flags)));

  const preset = presetOf(flags);
  const dir = runFolder(flags, from?.trainer, splits.train.name);
  const planned = { ...overridesOf(flags), ...(await asPlanned(flags, dir)) };
  if (from) await useBackend('cpu'); // which growing computes on
  const { recipe, start } = from
    ? goingOn(
        from,
        recipeFor(preset, splits.train, { ...asTrained(from.trainer, splits.train), ...planned }),
        splits.train.classes,
      )
    : { recipe: recipeFor(preset, splits.train, planned) };
  if (flags.dryRun) {
    console.log(JSON.stringify(recipe, null, 2));
    say(`${describe(recipe)}; dry run, nothing written`);
    return { dir, images: 0, interrupted: false };
  }
  say(describe(recipe));
  const chosen = parts.engine ?? (await engineFor(flags));
  return trainAndTell(
    {
      recipe,
      pictures: splits.train,
      heldOut: splits.test,
      source: flags.data,
      dir,
      ...(flags.minutes === undefined ? {} : { minutes: flags.minutes }),
      ...(start ? { start } : {}),
      ...(parts.live ? { show: parts.live.show } : {}),
      ...(parts.files ? { files: parts.files } : {}),
    },
    {
      engine: chosen,
      json: flags.json === true,
      quality: (signal) => qualityCheck(splits, recipe, flags.evaluations ?? EVALUATIONS, say, signal),
      ...(parts.live ? { tell: parts.live.tell } : {}),
    },
  );
}

const OF_A_SESSION: readonly string[] = [
  ...['resume', 'out', 'images', 'minutes', 'engine', 'device', 'json', 'verbose'],
];

/** Recipe and pictures are the run's own: what would choose others is refused. `given`: the flags of the command line. */
async function goOnInZip(zip: string, flags: TrainFlags, given: readonly string[]): Promise<void> {
  const { out, images, minutes, json } = flags;
  const [idle] = given.filter((name) => !OF_A_SESSION.includes(name));
  if (idle !== undefined)
    throw new UserError(
      `--resume: expected at most --out, --images, --minutes, --engine and --device with it, got ${idle}; leave it out`,
    );
  checkFlags(flags);
  const run = await resumeRun(zip, out);
  const recipe = { ...run.recipe, images: images ?? run.recipe.images };
  console.error(describe(recipe));
  await trainAndTell(
    {
      ...{ recipe, pictures: run.pictures, dir: run.dir, source: PICTURES },
      ...(run.heldOut && { heldOut: run.heldOut }),
      ...(minutes === undefined ? {} : { minutes }),
    },
    { engine: await engineFor(flags), json: json === true, quality: (signal) => qualityInZip(run, recipe, signal) },
  );
  await run.pack();
  console.error(`${zip}: the run as it is now, for a page or another machine`);
}

/** By the judge that the run takes along: what a page has measured and what is measured here make one curve. */
async function qualityInZip(
  { files, pictures, heldOut }: ResumedRun,
  recipe: Recipe,
  signal: AbortSignal,
): Promise<QualityPlan | undefined> {
  if (!heldOut || heldOut.count < fewestHeldOut) return undefined;
  const say = (line: string): void => console.error(line);
  const judge = await judgeOfRun(files, pictures, native, { onProgress: judgeProgress(pictures.name, say, signal) });
  const check = await createQualityCheck({ train: pictures, test: heldOut }, judge, createModel(recipe), say);
  return { check, evaluations: EVALUATIONS };
}

/** Evaluations in a whole run where the user names no number. */
const EVALUATIONS = 25;

/** What measures the run, or a sentence on why nothing does. Training does not fail for want of a judge. */
async function qualityCheck(
  splits: DatasetSplits,
  recipe: Recipe,
  evaluations: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<QualityPlan | undefined> {
  if (evaluations === 0) return undefined;
  if (splits.test.count < fewestHeldOut) {
    say(`${splits.train.name}: ${splits.test.count} pictures are held out, too few to measure quality while training`);
    return undefined;
  }
  const { judge } = await judgeFor(splits, { onProgress: judgeProgress(splits.train.name, say, signal) });
  return { check: await createQualityCheck(splits, judge, createModel(recipe), say), evaluations };
}

export const presetOption = (): Option =>
  new Option('--preset <name>', 'training preset (default: auto for own pictures, else quick)').choices(
    Object.keys(PRESETS),
  );

export function registerTrain(command: Command): void {
  addDataOptions(command)
    .addOption(presetOption())
    .addOption(new Option('--family <name>', 'what is trained (default: the preset’s)').choices(FAMILIES))
    .option('--data <source>', dataHelp, 'fashion-mnist')
    .option('--from <bundle>', 'go on from a bundle exported with --trainer, its networks and what they have learnt')
    .option('--resume <zip>', 'go on with a run that a page or another machine has packed; the zip is written anew')
    .option('--out <dir>', 'run folder (default: runs/ and the preset, or the name of own pictures)');
  addTrainingOptions(command)
    .option(
      '--width <n>',
      'channels at half the picture’s resolution, those at the whole of it in proportion',
      wholeFrom(1),
    )
    .option('--rate <bits>', 'bits that the latent of an autoencoder carries of a picture', positive)
    .option('--gamma <from:to>', 'weight of the gradient penalties, or its schedule', scheduleFlag)
    .option('--beta2 <from:to>', 'Adam’s β2, or its schedule', scheduleFlag)
    .option('--ema-half-life <from:to>', 'half-life of the averaged generator in images, or its schedule', scheduleFlag)
    .option(
      '--augment <kinds>',
      `how pictures are changed for the discriminator: none or some of ${AUGMENTATIONS.join(',')}`,
      augmentFlag,
    )
    .option('--augment-probability <from:to>', 'of each of those changes', scheduleFlag)
    .option('--mirror', 'mirror half of the pictures')
    .option('--evaluations <n>', 'times to measure quality in a whole run; 0 for never', wholeFrom(0), EVALUATIONS)
    .option('--dry-run', 'print the recipe and write nothing')
    .action(async (flags: TrainFlags, self: Command) => {
      const given = Object.keys(flags).filter((name) => self.getOptionValueSource(name) === 'cli');
      await (flags.resume === undefined ? runTraining(flags) : goOnInZip(flags.resume, flags, given));
    });
}
