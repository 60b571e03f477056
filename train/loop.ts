// The training loop, one function read top to bottom. To resume, call it again. It runs in Node and in a page's worker alike: what
// it needs of either, a run's files and an engine, is handed in.

import { UserError } from '../contract/errors.ts';
import { createBatches } from './data/batches.ts';
import type { PictureSet } from './data/types.ts';
import type { StartEngine, TrainingEngine } from './engines/engine.ts';
import type { SparingCheck } from './eval/quality.ts';
import { type Model, type Phase, phaseAt } from './families/family.ts';
import { createModel } from './families/models.ts';
import type { Values } from './nn/tensors.ts';
import type { Recipe } from './recipe.ts';
import { writeReconstructions, writeSamples } from './report/samples.ts';
import { type Checkpoint, loadNewestCheckpoint, type Progress, saveCheckpoint, setAside } from './store/checkpoint.ts';
import type { RunFiles } from './store/files.ts';
import { appendStats, type OpenedRun, openRun, rewindStats } from './store/run.ts';

export interface TrainOptions {
  readonly recipe: Recipe;
  readonly pictures: PictureSet;
  /** What the user named the pictures by; recorded, not compared. */
  readonly source: string;
  /** Of the run: it begins there, or goes on. */
  readonly files: RunFiles;
  readonly engine: StartEngine;
  /** Tensors of the state that begin as something else than the recipe says: networks that are finished. */
  readonly start?: Values;
  /** Shown drawn again by a model with an encoder. */
  readonly heldOut?: PictureSet;
  /** Stop after this many minutes of this session. */
  readonly minutes?: number;
  /** Aborting it stops after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Seconds between checkpoints: what a crash can cost at most. Default 60; 0 for one after every step. */
  readonly checkpointSeconds?: number;
  readonly onProgress?: (report: ProgressReport) => void;
  /** Sentences for the user: a resumed run, a checkpoint refused. */
  readonly onMessage?: (sentence: string) => void;
  /** What measures the averaged generator, if anything; asked for once nobody else trains here and there is something to train. */
  readonly quality?: () => Promise<QualityPlan | undefined>;
  /** Shows the averaged generator while it trains; asked after every step, and waited for. */
  readonly show?: Show;
  /** Told of every step, and waited for: where a page's worker hears its messages, and rests. */
  readonly onStep?: (images: number, statistics: Statistics) => Promise<void> | void;
}

/** Measures `evaluations` times in a whole run; see eval/quality.ts. */
export interface QualityPlan {
  readonly check: SparingCheck;
  readonly evaluations: number;
}

export interface Show {
  due(): boolean;
  /** What the engine generates is the averaged generator's, after so many images. */
  show(engine: TrainingEngine, images: number): Promise<void>;
}

/** What a step's graph tells, by name. */
export type Statistics = Readonly<Record<string, number>>;

export interface ProgressReport {
  readonly images: number;
  readonly total: number;
  readonly imagesPerSecond: number;
  /** Of this session: to its images, or until its minutes are over. */
  readonly secondsLeft: number;
  readonly statistics: Statistics;
}

export interface TrainResult {
  readonly images: number;
  readonly finished: boolean;
  /** 0 where there was nothing left to train. */
  readonly imagesPerSecond: number;
}

/** Lines in stats.jsonl and sample grids in a whole run. */
const REPORTS = 400;
const SNAPSHOTS = 25;
const SNAPSHOT_HALVINGS = 5;
const CHECKPOINT_SECONDS = 60;
/** A loss or penalty above this is on its way to infinity. */
const HIGHEST_STATISTIC = 1e8;

/**
 * What the step after `before.images` images is: its phase, its numbers, and what there is to remember after it.
 *
 * @param last name of the phase of the step before, where a run was planned otherwise then
 */
export function stepAfter(
  recipe: Recipe,
  model: Model,
  before: Progress,
  last = phaseBefore(recipe, model, before),
): { phase: Phase; scalars: Record<string, number>; after: Progress } {
  const phase = phaseAt(model, before.images);
  const scalars = phase.scalars(before.images);
  // Adam's moments of what a phase trains for the first time start at zero then.
  const first = last !== undefined && last !== phase.name;
  const beta1Product = (first ? 1 : before.beta1Product) * phase.beta1;
  const beta2Product = (first ? 1 : before.beta2Product) * scalars.beta2;
  return {
    phase,
    scalars: { ...scalars, correction1: 1 / (1 - beta1Product), correction2: 1 / (1 - beta2Product) },
    after: { ...before, images: before.images + recipe.batch, beta1Product, beta2Product },
  };
}

const phaseBefore = ({ batch }: Recipe, model: Model, { images }: Progress): string | undefined =>
  images > 0 ? phaseAt(model, images - batch).name : undefined;

/** `saved`: images at the last checkpoint, 0 when there is none. */
function refuseDivergence(
  { penalty }: Recipe,
  statistics: Statistics,
  state: Values | undefined,
  images: number,
  saved: number,
): void {
  const broken =
    Object.keys(statistics).find((name) => !(Math.abs(statistics[name] ?? Number.NaN) <= HIGHEST_STATISTIC)) ??
    Object.keys(state ?? {}).find((name) => state?.[name]?.some((v) => !Number.isFinite(v)));
  if (!broken) return;
  const kept = saved > 0 ? `the checkpoint after ${saved} images is kept` : 'nothing had been saved yet';
  throw new UserError(
    `training: expected losses and penalties up to ${HIGHEST_STATISTIC} and finite parameters, got ${broken} = ` +
      `${statistics[broken] ?? 'NaN'} after ${images} images; ${kept}; ` +
      `start again in another folder with a lower --learning-rate${penalty ? ' or a higher --gamma' : ''}`,
  );
}

/** Every 25th of the run, and before the first of them at half, a quarter, … of it: pictures change fastest at first. */
function snapshotDue(before: number, after: number, total: number): boolean {
  const position = (images: number): number => {
    const part = (images * SNAPSHOTS) / total;
    return part < 1 ? Math.max(-SNAPSHOT_HALVINGS - 1, Math.floor(Math.log2(part))) : Math.floor(part);
  };
  return position(after) > position(before);
}

/** Of what the steps since the last `take` have told. */
function createMeans() {
  let [sums, steps]: [Record<string, number>, number] = [{}, 0];
  return {
    add(statistics: Statistics): void {
      steps += 1;
      for (const [name, value] of Object.entries(statistics)) sums[name] = (sums[name] ?? 0) + value;
    },
    take(): Statistics {
      const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / steps]));
      [sums, steps] = [{}, 0];
      return means;
    },
  };
}

export const START: Progress = { images: 0, beta1Product: 1, beta2Product: 1, seconds: 0 };

export async function train(options: TrainOptions): Promise<TrainResult> {
  const { recipe, pictures, files } = options;
  if (pictures.count < 1) throw new UserError(`training: expected at least one picture in ${pictures.name}, got none`);

  const config = {
    recipe,
    dataset: {
      source: options.source,
      name: pictures.name,
      sha256: pictures.sha256,
      count: pictures.count,
      classes: pictures.classes,
      note: pictures.note,
      ...(pictures.options && { options: pictures.options }),
    },
  };
  const run = await openRun(files, config);
  try {
    return await trainIn(run, options);
  } finally {
    await run.release();
  }
}

async function trainIn(run: OpenedRun, options: TrainOptions): Promise<TrainResult> {
  const { recipe, pictures, files, signal } = options;
  const say = options.onMessage ?? (() => {});
  const model = createModel(recipe);
  const shapes = model.state;
  const resumed: Checkpoint | undefined = await loadNewestCheckpoint(files, shapes, say);
  let progress = resumed?.progress ?? START;
  const refused = await setAside(files, progress.images);
  if (refused > 0 && !resumed) say(`${files.name}: no checkpoint is whole, so training starts over`);
  if (resumed) say(`continuing ${files.name} after ${progress.images} of ${recipe.images} images`);
  const { planned, trained } = await run.plan(progress.images);
  if (planned !== recipe.images) {
    say(
      `${files.name} was planned for ${planned} images; from here its schedules are those of a run of ${recipe.images}`,
    );
  }
  let phaseName = phaseBefore(recipe, createModel({ ...recipe, images: trained }), progress);
  await rewindStats(files, resumed ? progress.images : -1);

  const quality = progress.images < recipe.images ? await options.quality?.() : undefined;
  const state = resumed?.state ?? { ...model.initialState(), ...options.start };
  const engine = await options.engine({ model, state });
  const batchAt = createBatches(recipe, pictures);

  const startedAt = performance.now();
  const startedWith = progress.images;
  const secondsBefore = progress.seconds;
  const elapsed = (): number => (performance.now() - startedAt) / 1000;
  let savedAt = elapsed();
  let saved = startedWith;
  let measured = startedWith;
  const means = createMeans();
  let last: Statistics | undefined;

  const save = async (): Promise<void> => {
    const now = await engine.state();
    if (last) refuseDivergence(recipe, last, now, progress.images, saved);
    progress = { ...progress, seconds: secondsBefore + elapsed() };
    await saveCheckpoint(files, { progress, state: now }, shapes);
    savedAt = elapsed();
    saved = progress.images;
  };
  /** What is for people to look at can be left out where there is no room; the next checkpoint says so. */
  const ifRoom = async (write: () => Promise<void>): Promise<void> => {
    try {
      await write();
    } catch (error) {
      if (files.failure(error) === undefined) throw error;
    }
  };
  /** A full disk need not be full a minute later. */
  const saveOrWait = async (): Promise<void> => {
    try {
      await save();
    } catch (error) {
      const sentence = files.failure(error);
      if (sentence === undefined) throw error;
      savedAt = elapsed();
      say(`${sentence}; training goes on and saves later`);
    }
  };
  const measure = async ({ check }: QualityPlan): Promise<void> => {
    const found = await check(engine, files, progress.images);
    if (!found) return;
    const { metrics, real, summary } = found;
    await appendStats(files, { images: progress.images, seconds: secondsBefore + elapsed(), metrics, real });
    say(`after ${progress.images} images: ${summary}`);
    measured = progress.images;
  };
  const draw = async (): Promise<void> => {
    await writeSamples(engine, model.spec, files, progress.images);
    if (model.encode && options.heldOut)
      await writeReconstructions(engine, model.spec, files, progress.images, options.heldOut);
  };
  const crossed = (times: number, before: number): boolean =>
    Math.floor((progress.images * times) / recipe.images) > Math.floor((before * times) / recipe.images);
  const timeLeft = (): number => 60 * (options.minutes ?? Number.POSITIVE_INFINITY) - elapsed();

  try {
    while (progress.images < recipe.images && !signal?.aborted && timeLeft() >= 0) {
      const before = progress.images;
      const { phase, scalars, after } = stepAfter(recipe, model, progress, phaseName);
      if (phase.name !== phaseName || before === startedWith) {
        // The numbers of two phases are not of one kind.
        means.take();
        phaseName = phase.name;
        if (model.phases.length > 1) say(`${phase.name} from ${before} of ${recipe.images} images on`);
      }
      last = await engine.step(phase, batchAt(before, phase), scalars);
      progress = after;
      refuseDivergence(recipe, last, undefined, progress.images, saved);

      means.add(last);
      if (crossed(REPORTS, before)) {
        const statistics = means.take();
        const imagesPerSecond = (progress.images - startedWith) / elapsed();
        const secondsLeft = Math.max(0, Math.min((recipe.images - progress.images) / imagesPerSecond, timeLeft()));
        const line = {
          images: progress.images,
          seconds: secondsBefore + elapsed(),
          imagesPerSecond,
          engine: `${engine.name} on ${engine.device}`,
          ...statistics,
          learningRate: scalars.learningRate,
          gamma: scalars.gamma,
        };
        await ifRoom(() => appendStats(files, line));
        options.onProgress?.({
          images: progress.images,
          total: recipe.images,
          imagesPerSecond,
          secondsLeft,
          statistics,
        });
      }
      if (snapshotDue(before, progress.images, recipe.images)) await ifRoom(draw);
      if (quality && crossed(quality.evaluations, before)) await ifRoom(() => measure(quality));
      if (options.show?.due()) await options.show.show(engine, progress.images);
      if (elapsed() - savedAt > (options.checkpointSeconds ?? CHECKPOINT_SECONDS)) await saveOrWait();
      await options.onStep?.(progress.images, last);
    }
    if (progress.images > startedWith) {
      await save();
      await ifRoom(draw);
      // Time is up between two checks: what was trained since the last one may be the best.
      if (quality && !signal?.aborted && measured < progress.images) await ifRoom(() => measure(quality));
    }
    return {
      images: progress.images,
      finished: progress.images >= recipe.images,
      imagesPerSecond: (progress.images - startedWith) / elapsed(),
    };
  } finally {
    await engine.dispose();
  }
}
