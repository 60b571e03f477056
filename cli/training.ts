// What every command that trains does around the loop: the engine, the bar, signals, and what it says at the end.

import { chooseEngine, type EngineChoice } from '../train/engines/choose.ts';
import type { Device, EngineName } from '../train/engines/engine.ts';
import { createModel } from '../train/families/models.ts';
import { type FolderTrainOptions, trainInFolder } from '../train/in-folder.ts';
import type { ProgressReport, QualityPlan } from '../train/loop.ts';
import type { Recipe } from '../train/recipe.ts';
import { RUN } from '../train/store/files.ts';
import { folderFiles } from '../train/store/folder.ts';
import { readConfig } from '../train/store/run.ts';
import { trainingProgress } from './progress.ts';

const say = (line: string): void => console.error(line);

export function describe(recipe: Recipe): string {
  const { family, parameters } = createModel(recipe);
  const counts = Object.entries(parameters).map(([name, count]) => `${name} ${count}`);
  return `preset ${recipe.preset}: ${recipe.images} images in batches of ${recipe.batch}, ${family} of ${recipe.network.family} networks, parameters: ${counts.join(', ')}`;
}

/** A run keeps what it was planned to when its command comes again without `--images`. */
export async function asPlanned({ images }: { images?: number }, dir: string): Promise<{ images?: number }> {
  const files = folderFiles(dir);
  if (images !== undefined || !(await files.read(RUN.config))) return {};
  return { images: (await readConfig(files)).recipe.images };
}

/** As asked for, or the fastest. */
export const engineFor = async (flags: {
  engine: EngineName | 'auto';
  device?: Device;
  verbose?: boolean;
}): Promise<EngineChoice> =>
  flags.engine === 'auto'
    ? chooseEngine(flags.verbose ? say : undefined)
    : { engine: flags.engine, device: flags.device ?? 'cpu', why: 'as asked for' };

export interface Telling {
  readonly engine: EngineChoice;
  /** Progress and result as JSON lines on standard output. */
  readonly json: boolean;
  /** As training asks for it. Rejects with what the signal gives. */
  readonly quality?: (signal: AbortSignal) => Promise<QualityPlan | undefined>;
  readonly tell?: (report: ProgressReport) => void;
}

/** Trains and tells the user how it goes. Returns the run folder, images seen and whether the user stopped it. */
export async function trainAndTell(
  options: Omit<FolderTrainOptions, 'engine' | 'device' | 'signal' | 'quality' | 'onProgress' | 'onMessage'>,
  { engine: { engine, device, why }, json, quality, tell }: Telling,
): Promise<{ dir: string; images: number; interrupted: boolean }> {
  const { dir, recipe } = options;
  say(`engine ${engine} on ${device} (${why}); run folder ${dir}`);
  const stop = stopOnSignals();
  const progress = trainingProgress(json);
  try {
    const result = await trainInFolder({
      ...options,
      engine,
      device,
      signal: stop.signal,
      ...(quality ? { quality: () => quality(stop.signal) } : {}),
      onProgress: (report) => {
        progress.update(report);
        tell?.(report);
      },
      onMessage: say,
    });
    progress.stop();
    const speed = `${result.imagesPerSecond.toFixed(0)} images/s`;
    if (json) console.log(JSON.stringify({ dir, ...result }));
    if (result.finished && result.imagesPerSecond === 0)
      say(
        `run folder ${dir}: trained on ${result.images} images already, which is all that is asked for; a larger --images goes on`,
      );
    else if (result.finished) say(`trained on ${result.images} images, ${speed}; run folder ${dir}`);
    else if (stop.signal.aborted)
      say(`stopped after ${result.images} of ${recipe.images} images, saved; run the same command again to go on`);
    else say(`time is up after ${result.images} of ${recipe.images} images, saved; --minutes goes on for so many more`);
    if (stop.signal.aborted) process.exitCode = INTERRUPTED; // `train && export` must not export half a training
    return { dir, images: result.images, interrupted: stop.signal.aborted };
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    say('stopped before the first step; run the same command again to go on');
    process.exitCode = INTERRUPTED;
    return { dir, images: 0, interrupted: true };
  } finally {
    progress.stop();
    stop.forget();
  }
}

/** What shells report of a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/** The first signal stops after the step under way, with a checkpoint; Ctrl-C a second later or more stops at once. */
function stopOnSignals(): { signal: AbortSignal; forget: () => void } {
  const stop = new AbortController();
  let first: number | undefined;
  const onSignal = (name: NodeJS.Signals): void => {
    if (first === undefined) {
      first = performance.now();
      stop.abort();
      say('\nstopping after this step …');
    } else if (name !== 'SIGHUP' && performance.now() - first > 1000) {
      say('stopping at once; what was trained since the last checkpoint is lost');
      process.exit(INTERRUPTED);
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: stop.signal,
    forget: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
