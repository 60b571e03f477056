// `pocketgen start`, which is `npm start`: pictures → a page that shows the model get better → checked bundle, page and API
// on this machine. What is already there is used as it is: a second start serves at once, a stopped one goes on.
import { accessSync, constants, mkdirSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { verifyBundle } from '../../export/verify.ts';
import { datasetNames, type PictureSet } from '../../train/data/index.ts';
import { chooseEngine, type EngineChoice } from '../../train/engines/choose.ts';
import { createEngine } from '../../train/engines/index.ts';
import { recipeFor } from '../../train/recipe.ts';
import { duration, type Forecast, forecast, measureSpeed } from '../../train/report/forecast.ts';
import type { RunFiles } from '../../train/store/files.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { addDataOptions, type DataFlags, dataFlagsOf, dataHelp } from '../data-options.ts';
import { type Decision, decide, type Place } from '../decide.ts';
import { startLive } from '../live.ts';
import { modelName, nameFrom, nameOfPictures } from '../names.ts';
import { port, positive, wholeFrom } from '../numbers.ts';
import { buildPage, PAGE } from '../page.ts';
import { findPlace, type RecipeOf } from '../place.ts';
import { NAMED_MINUTES, type Plan, planAtSpeed, secondsOf } from '../plan.ts';
import { type ServerProcess, startServerProcess } from '../server-process.ts';
import { runExport } from './export.ts';
import { presetOf, presetOption, readPictures, runTraining } from './train.ts';

interface StartFlags extends DataFlags {
  preset?: string;
  data: string;
  name?: string;
  images?: number;
  minutes?: number;
  mirror?: boolean;
  host: string;
  port: number;
  serve: boolean;
  verbose?: boolean;
}

const MODELS = 'models';
/** Times a training is measured: minutes of a named data set, most of an hour of own pictures. */
const EVALUATIONS = { named: 4, own: 10 };
const say = (line: string): void => console.error(line);

/** What is found only after minutes of work is looked at before: folders that cannot be written. */
function checkFolders(): void {
  for (const folder of [MODELS, 'runs']) {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  }
}

type Training = Extract<Decision, { kind: 'train' }>;

/** How long to train: as decided, or as the forecast says of this machine, which is told. */
async function planFor(
  training: Training,
  flags: StartFlags,
  { found }: Place,
  recipeOf: RecipeOf,
  pictures: PictureSet,
  engine: EngineChoice,
): Promise<Plan & { readonly outlook?: Forecast }> {
  const { images, from } = training;
  const { minutes, data } = flags;
  const named = datasetNames.includes(data);
  const asPlanned = images !== undefined && images === found.run?.planned;
  if (asPlanned && named && flags.images === undefined) return { images, minutes: NAMED_MINUTES };
  if (asPlanned || (named && images !== undefined)) return { images, minutes };
  say('timing some steps …');
  const recipe = recipeOf(images);
  const imagesPerSecond = await measureSpeed(recipe, pictures, (given) =>
    createEngine(engine.engine, { ...given, device: engine.device }),
  );
  if (named) return planAtSpeed(imagesPerSecond, found, flags, recipe, undefined);
  const { resolution, channels } = recipe.network;
  const outlook = forecast({ imagesPerSecond, count: pictures.count, resolution, channels });
  say(outlook.sentence);
  const plan =
    images === undefined
      ? planAtSpeed(imagesPerSecond, found, flags, recipe, outlook.first.images)
      : { images, minutes };
  const count = (n: number): string => n.toLocaleString('en-GB');
  say(
    `training ${from > 0 ? `on from ${count(from)} to ` : ''}${count(plan.images)} images, about ` +
      `${duration(secondsOf(plan, training, imagesPerSecond))}; Ctrl-C stops and keeps what is there`,
  );
  return { ...plan, outlook };
}

interface TrainingParts {
  readonly pictures: Awaited<ReturnType<typeof readPictures>>;
  readonly recipeOf: RecipeOf;
  readonly server: ServerProcess | undefined;
}

/** Trains and exports into the place, shown by the server while it goes on. False when the user stopped it. */
async function trainAt(training: Training, place: Place, flags: StartFlags, parts: TrainingParts): Promise<boolean> {
  const files = folderFiles(place.run);
  // Before anything is timed or shown: whoever trains there already goes on undisturbed.
  const unlock = await files.lock();
  try {
    const locked = { ...files, lock: async () => async () => {} };
    return await trainIn(locked, training, place, flags, parts);
  } finally {
    await unlock();
  }
}

async function trainIn(
  files: RunFiles,
  training: Training,
  place: Place,
  flags: StartFlags,
  { pictures: splits, recipeOf, server }: TrainingParts,
): Promise<boolean> {
  const engine = await chooseEngine(flags.verbose ? say : undefined);
  const { images, minutes, outlook } = await planFor(training, flags, place, recipeOf, splits.train, engine);
  const live = await startLive(place, images, say);
  try {
    await server?.refresh();
    if (server) say(`the page shows it while it trains: ${server.url}/#model=${place.name}`);
    const result = await runTraining(
      {
        ...dataFlagsOf(flags),
        preset: presetOf(flags),
        data: flags.data,
        out: place.run,
        engine: 'auto',
        images,
        evaluations: datasetNames.includes(flags.data) ? EVALUATIONS.named : EVALUATIONS.own,
        ...(minutes === undefined ? {} : { minutes }),
        ...(flags.mirror && { mirror: true }),
      },
      { splits, engine, files, ...(server ? { live } : {}) },
    );
    if (result.interrupted) {
      if (await live.stop(result.images)) say(`${place.bundle}: the newest pictures`);
      return false;
    }
    await runExport(place.run, place.bundle, 'fp16,fp32,int8', { training: await live.finished(result.images) });
  } catch (error) {
    await live.fail();
    throw error;
  }
  if (outlook && images < outlook.good.images)
    say(`for better pictures, the same command with --images ${outlook.good.images} goes on from here`);
  return true;
}

async function verify(bundle: string): Promise<void> {
  for (const { network, provider, goldens, largest } of await verifyBundle(bundle, say)) {
    say(`verified ${network} on ${provider}: ${goldens} goldens, largest difference ${largest}`);
  }
}

export async function runStart(flags: StartFlags): Promise<void> {
  checkFolders();
  await buildPage(say);
  // It listens before anything is read or trained: a port in use is told now.
  const server = flags.serve
    ? await startServerProcess({ models: MODELS, host: flags.host, port: flags.port, perMinute: 600, page: PAGE }, say)
    : undefined;
  try {
    const pictures = await readPictures(flags);
    const preset = presetOf(flags);
    const recipeOf: RecipeOf = (images) =>
      recipeFor(preset, pictures.train, {
        ...(images === undefined ? {} : { images }),
        ...(flags.mirror && { mirror: true }),
      });
    const named = datasetNames.includes(flags.data);
    const own = nameFrom(flags.data, nameOfPictures(pictures.train));
    const proposed = modelName({ preset: named ? preset : 'auto' }, own);
    const place = await findPlace({ given: flags.name, proposed }, recipeOf, pictures.train, say);
    const decision = decide(place, flags);
    if (decision.kind === 'refuse') throw new UserError(decision.why);
    if (decision.kind === 'serve') say(decision.why);
    else if (!(await trainAt(decision, place, flags, { pictures, recipeOf, server }))) return;
    await verify(place.bundle);
    if (server) {
      const { url } = server;
      await server.refresh();
      say(`serving ${url}  (a picture: ${url}/v1/images/${place.name}/1.png?scale=8, the API: ${url}/docs)`);
      await new Promise((stop) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
      });
    }
  } finally {
    server?.stop();
  }
}

export function registerStart(command: Command): void {
  addDataOptions(command)
    .addOption(presetOption())
    .option('--data <source>', dataHelp, 'fashion-mnist')
    .option('--name <name>', 'name of the bundle (default: the preset, or that of the folder of pictures)')
    .option(
      '--images <n>',
      'images to train on in all (default: those until first shapes); more go on from where it is',
      wholeFrom(1),
    )
    .option(
      '--minutes <n>',
      `train for so many minutes instead, also on from where it is (default for named data sets: ${NAMED_MINUTES})`,
      positive,
    )
    .option('--mirror', 'mirror half of the pictures')
    .option('--host <address>', 'address to listen on; 0.0.0.0 for the whole network', 'localhost')
    .option('--port <port>', 'port to serve on; 0 for any free one', port, 8787)
    .option('--no-serve', 'stop when everything is made')
    .option('--verbose', 'show what graphics drivers say while they are tried')
    .action(runStart);
}
