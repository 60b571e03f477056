// Quality while a page trains: the run's own judge and its held-out pictures, as often as the device has time for.
import { UserError } from '../../contract/errors.ts';
import type { DatasetSplits } from '../../train/data/types.ts';
import type { Compute } from '../../train/engines/runtime.ts';
import { fewestHeldOut } from '../../train/eval/evaluator.ts';
import { createQualityCheck, type QualityCheck } from '../../train/eval/quality.ts';
import { JUDGE_IMAGES, judgeOfRun } from '../../train/eval/run-judge.ts';
import type { Model } from '../../train/families/family.ts';
import type { QualityPlan } from '../../train/loop.ts';
import type { RunFiles } from '../../train/store/files.ts';

export interface QualityParts {
  readonly files: RunFiles;
  readonly splits: Pick<DatasetSplits, 'train' | 'test'>;
  readonly model: Model;
  readonly compute: Compute;
  /** Of the whole run: what it ends with is measured in any case. */
  readonly images: number;
  readonly signal: AbortSignal;
  /** After some steps of the judge, which took so long: hears messages, and rests. */
  breathe(milliseconds: number): Promise<void>;
  /** The judge has seen that share of what it is to learn from. */
  onJudging(share: number): void;
  say(sentence: string): void;
}

const EVALUATIONS = 25;
/** Of the time, without what the judge took. */
const SHARE = 0.1;
/** A device that would need longer to make a judge has none. */
const JUDGE_SECONDS = 180;

/** Undefined where too few pictures are held out. */
export function sparingQuality(parts: QualityParts): QualityPlan | undefined {
  const { files, splits, model, signal, say } = parts;
  if (splits.test.count < fewestHeldOut) return undefined;
  let made: QualityCheck | 'none' | undefined;
  let due = 0;
  return {
    evaluations: EVALUATIONS,
    async check(engine, where, images) {
      if (performance.now() < due && images < parts.images) return undefined;
      made ??= await make(parts);
      if (made === undefined || made === 'none' || signal.aborted) return undefined;
      const before = performance.now();
      const found = await made(engine, where, images);
      const now = performance.now();
      due = now + (now - before) / SHARE;
      return found;
    },
  };

  /** Undefined: it was told to stop; the next check begins again. */
  async function make({ compute }: QualityParts): Promise<QualityCheck | 'none' | undefined> {
    const start = performance.now();
    let last = start;
    try {
      const judge = await judgeOfRun(files, splits.train, compute, {
        async onProgress({ images: seen }) {
          const now = performance.now();
          const seconds = ((now - start) / 1000) * (JUDGE_IMAGES / seen);
          if (seconds > JUDGE_SECONDS)
            throw new UserError(
              `quality: expected a device that learns to judge pictures in ${JUDGE_SECONDS} s, got one that takes ${Math.round(seconds)} s; it is not measured here`,
            );
          parts.onJudging(seen / JUDGE_IMAGES);
          await parts.breathe(now - last);
          signal.throwIfAborted();
          last = performance.now();
        },
      });
      return await createQualityCheck(splits, judge, model, say);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof UserError)) throw error;
      say(error.message);
      return 'none';
    }
  }
}
