// One session of a run in the page's worker: the loop, with what it draws, tells and measures, until it is told to stop.
import { UserError } from '../../contract/errors.ts';
import { contactSheet } from '../../contract/picture.ts';
import { levelsOf } from '../../contract/pixels.ts';
import { measuredHistory } from '../../export/history.ts';
import { nearCopyFinder, premultiplied } from '../../train/data/near-copies.ts';
import { HELD_OUT, PICTURES, unpackPictures } from '../../train/data/packed.ts';
import type { PictureSet } from '../../train/data/types.ts';
import type { StartEngine, TrainingEngine } from '../../train/engines/engine.ts';
import type { Compute } from '../../train/engines/runtime.ts';
import { createModel } from '../../train/families/models.ts';
import { type Show, type TrainResult, train } from '../../train/loop.ts';
import { drawSamples } from '../../train/report/samples.ts';
import type { RunFiles } from '../../train/store/files.ts';
import { readConfig } from '../../train/store/run.ts';
import type { FromTrainer } from './protocol.ts';
import { sparingQuality } from './quality.ts';

export interface Session {
  readonly engine: StartEngine;
  /** For measuring. */
  readonly compute: Compute;
  readonly signal: AbortSignal;
  post(message: FromTrainer): void;
  /** Seconds of rest for each second of work, as they are wanted now. */
  rest(): number;
}

const CHECKPOINT_SECONDS = 15;
const PROGRESS_MS = 500;
/** Samples take at most this part of the time, and come at most so often. */
const SAMPLES_SHARE = 0.05;
const SAMPLES_MS = 4000;

/** Hears messages that came during a step, and rests. A timer is held back in a hidden tab, a message is not. */
function breathe(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    if (milliseconds >= 1) return void setTimeout(resolve, milliseconds);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

function samplesOf(model: ReturnType<typeof createModel>, pictures: PictureSet, post: Session['post']): Show {
  let due = 0;
  /** Made with the first samples: each training picture is hashed for it. */
  let copiesIn: ReturnType<typeof nearCopyFinder> | undefined;
  return {
    due: () => performance.now() >= due,
    async show(engine: TrainingEngine, images) {
      const before = performance.now();
      const { pictures: drawn, columns } = await drawSamples(engine, model.spec);
      copiesIn ??= nearCopyFinder(premultiplied(pictures));
      const pixels = new Uint8Array(drawn.length * pictures.width ** 2 * pictures.channels);
      for (const [i, picture] of drawn.entries()) pixels.set(levelsOf(picture), (i * pixels.length) / drawn.length);
      const found = copiesIn(premultiplied({ ...pictures, count: drawn.length, pixels }));
      const copies = found.filter((index) => index >= 0).length / drawn.length;
      const now = performance.now();
      due = now + Math.max(SAMPLES_MS, (now - before) / SAMPLES_SHARE);
      post({ type: 'samples', picture: contactSheet(drawn, columns, 1), images, copies });
    },
  };
}

/** @param images in all, where the run is to be longer or shorter than it was planned */
export async function trainSession(
  files: RunFiles,
  images: number | undefined,
  { engine, compute, signal, post, rest }: Session,
): Promise<TrainResult> {
  const config = await readConfig(files);
  const recipe = { ...config.recipe, images: images ?? config.recipe.images };
  const packed = await files.read(PICTURES);
  if (!packed) throw new UserError(`${files.name}: expected its pictures on this device, got none; make it again`);
  const pictures = unpackPictures(packed);
  const heldOut = await files.read(HELD_OUT);
  const test = heldOut && unpackPictures(heldOut);
  const model = createModel(recipe);
  const say = (sentence: string): void => post({ type: 'said', sentence });
  let told = 0;
  let last = performance.now();
  // Without the time it has rested.
  let worked = 0;
  let first: number | undefined;
  let measured = false;
  const quality =
    test &&
    sparingQuality({
      ...{ files, splits: { train: pictures, test }, model, compute, images: recipe.images, signal, say },
      breathe: (milliseconds) => breathe(rest() * milliseconds),
      onJudging: (share) => post({ type: 'judging', share }),
    });
  const tellQuality = async (): Promise<void> => post({ type: 'history', history: await measuredHistory(files) });
  await tellQuality();
  const ended = await train({
    ...{ recipe, pictures, files, source: PICTURES, engine },
    ...(quality && {
      quality: async () => ({
        ...quality,
        async check(...given) {
          const found = await quality.check(...given);
          measured = found !== undefined;
          last = performance.now(); // no part of a step
          return found;
        },
      }),
    }),
    ...(test && { heldOut: test }),
    signal,
    checkpointSeconds: CHECKPOINT_SECONDS,
    show: samplesOf(model, pictures, post),
    onMessage: say,
    async onStep(seen, statistics) {
      const step = performance.now() - last;
      if (first !== undefined) worked += step;
      first ??= seen;
      await breathe(rest() * step);
      if (measured) await tellQuality();
      measured = false;
      last = performance.now();
      if (last - told < PROGRESS_MS) return;
      told = last;
      const imagesPerSecond = worked > 0 ? ((seen - first) / worked / (1 + rest())) * 1000 : 0;
      post({ type: 'progress', progress: { images: seen, total: recipe.images, imagesPerSecond, statistics } });
    },
  });
  await tellQuality();
  return ended;
}
