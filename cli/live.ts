// Shows a training while it goes on: writes the newest averaged generator as the bundle of its name, and training.json beside
// it, for the server that watches the folder.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { TRAINING_FILE, type Training } from '../contract/training.ts';
import { withAttached } from '../export/attached.ts';
import { measuredHistory } from '../export/history.ts';
import { loadGenerator, type TrainedGenerator } from '../export/weights.ts';
import { exportBundle } from '../export/write.ts';
import { createModel } from '../train/families/models.ts';
import type { ProgressReport, Show } from '../train/loop.ts';
import { under } from '../train/nn/tensors.ts';
import { writeAtomically } from '../train/store/atomic.ts';
import { RUN } from '../train/store/files.ts';
import { folderFiles } from '../train/store/folder.ts';
import { readConfig } from '../train/store/run.ts';
import { isSystemError, systemErrorSentence } from '../train/store/system-error.ts';
import type { Place } from './decide.ts';
import { STILL_TRAINING } from './same-training.ts';

/**
 * Seconds from one snapshot to the next: as many as it has trained, within these bounds. Pictures change fastest at first.
 * One takes 0.8 s at 64 pixels, so in the long run they cost about 1 % of the time.
 */
const LEAST_SECONDS = 5;
const MOST_SECONDS = 60;
/** How often training.json is written while nothing else changes. */
const TELL_SECONDS = 2;

export interface Live {
  /** For the loop. */
  readonly show: Show;
  /** How far it is. */
  tell(report: Pick<ProgressReport, 'images' | 'total' | 'imagesPerSecond' | 'secondsLeft'>): void;
  /**
   * The newest checkpoint as the bundle: what a stopped training leaves after so many images. Whether there is one; a whole bundle
   * than which nothing newer was trained stays.
   */
  stop(images: number): Promise<boolean>;
  /** After an error: what was there before, or the newest snapshot as that of a stopped training. */
  fail(): Promise<void>;
  /** What training.json of the finished bundle says. */
  finished(images: number): Promise<Training>;
}

/** Makes the bundle's folder, in which the page sees that a training has begun. The caller holds the run's lock. */
export async function startLive(
  { bundle, run: runDir, found }: Place,
  total: number,
  say: (line: string) => void,
): Promise<Live> {
  const run = folderFiles(runDir);
  const from = found.run?.trained ?? 0;
  const file = join(bundle, TRAINING_FILE);
  const before = existsSync(file) ? readFileSync(file) : undefined;
  let published = false;
  /** Under way: what comes after the training must come after it. */
  let telling = Promise.resolve();
  let now: Training = {
    model: basename(bundle),
    state: 'training',
    images: from,
    total,
    imagesPerSecond: 0,
    secondsLeft: 0,
    updated: '',
    history: [],
  };
  let startedAt: number | undefined;
  const elapsed = (): number => (performance.now() - (startedAt ?? performance.now())) / 1000;
  let shownAt = 0;
  let toldAt = 0;

  async function update(changes: Partial<Training>): Promise<Training> {
    const history = await measuredHistory(run);
    now = { ...now, ...changes, updated: new Date().toISOString(), history };
    return now;
  }
  async function write(changes: Partial<Training>): Promise<void> {
    toldAt = elapsed();
    const text = `${JSON.stringify(await update(changes))}\n`;
    mkdirSync(bundle, { recursive: true });
    writeAtomically(file, text);
  }
  /** A full disk, a folder taken away or a stranger's file in it ends no training. */
  async function orSay(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof UserError) && !isSystemError(error)) throw error;
      say(`${error instanceof UserError ? error.message : systemErrorSentence(error)}; training goes on`);
    }
  }
  async function publish(trained: TrainedGenerator): Promise<void> {
    const { imagesSeen: images, config } = trained;
    if (withAttached(bundle))
      say(
        `${bundle}: the encoder that was put into it is of the generator as it was, and goes; pocketgen encoder ${bundle} trains one for the new one`,
      );
    await exportBundle(trained, {
      out: bundle,
      variants: ['fp16'],
      truncation: 1,
      engine: STILL_TRAINING,
      metrics: { history: await measuredHistory(run, images), snapshots: [], evaluations: [] },
      interim: true,
      training: await update({ images: Math.max(now.images, images), total: config.recipe.images }),
    });
    published = true;
  }
  function putBack(): void {
    if (before) writeAtomically(file, before);
    else rmSync(file, { force: true });
    if (readdirSync(bundle).length === 0) rmdirSync(bundle);
  }

  await write({});
  return {
    show: {
      due() {
        // The clock starts with the first step, however long a judge took to train before it.
        startedAt ??= performance.now();
        return elapsed() - shownAt >= Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, shownAt));
      },
      async show(engine, imagesSeen) {
        await orSay(async () => {
          const config = await readConfig(run);
          const weights = under('ema', await engine.state());
          const model = createModel(config.recipe);
          await publish({ config, model, weights, imagesSeen, origin: 'still training' });
        });
        shownAt = elapsed();
      },
    },
    tell({ images, total, imagesPerSecond, secondsLeft }) {
      if (elapsed() - toldAt < TELL_SECONDS) return;
      telling = orSay(() => write({ images, total, imagesPerSecond, secondsLeft }));
    },
    async stop(images) {
      await telling;
      if (found.bundle?.interim === false && !published && images <= from) {
        await orSay(async () => putBack());
        return false;
      }
      now = { ...now, state: 'stopped', secondsLeft: 0 };
      const saved = (await run.list(RUN.checkpoints)).length > 0;
      await orSay(async () => (saved ? publish(await loadGenerator(run, say, 'newest')) : write({})));
      return saved;
    },
    async fail() {
      await telling;
      try {
        if (published) await write({ state: 'stopped', secondsLeft: 0 });
        else putBack();
      } catch (error) {
        if (!isSystemError(error)) throw error; // it is told why the training failed: a full disk is full here, too
      }
    },
    finished: (images) => update({ state: 'finished', images, secondsLeft: 0 }),
  };
}
