// A device that may be faster, tried on the first steps of a session beside one that is trusted: both take the same steps. The
// faster one goes on, if both came to the same numbers.

import type { EngineOptions, TrainingEngine } from './engine.ts';
import { createOnnxEngine } from './onnx.ts';
import type { Runtime } from './runtime.ts';

export interface Trial {
  readonly trusted: Runtime;
  readonly candidate: Runtime;
  /** Take the candidate where it is right, also if it is slower: somebody has asked for it. */
  readonly asked: boolean;
  /** What was found, in a sentence. */
  say(sentence: string): void;
}

/** The first ones compile, so the last one counts. */
const STEPS = 4;
/** Of a statistic, relative to its size: float32 in another order gives 1e-6, a wrong kernel far more. */
const TOLERANCE = 1e-3;

export async function createTrialEngine(options: EngineOptions, trial: Trial): Promise<TrainingEngine> {
  const { trusted, candidate, asked, say } = trial;
  let engine = await createOnnxEngine(options, trusted);
  let other: TrainingEngine | undefined = await createOnnxEngine(options, candidate).catch((error: unknown) => {
    say(`${candidate.device} could not be started (${reasonOf(error)}); it trains on ${trusted.device}`);
    return undefined;
  });
  let steps = 0;

  async function timed(tried: TrainingEngine, given: Parameters<TrainingEngine['step']>) {
    const start = performance.now();
    const statistics = await tried.step(...given);
    return { statistics, milliseconds: performance.now() - start };
  }
  async function drop(sentence: string): Promise<void> {
    say(`${sentence}; it trains on ${trusted.device}`);
    const dropped = other;
    other = undefined;
    await dropped?.dispose().catch(() => undefined); // a device that is gone
  }
  async function compared(given: Parameters<TrainingEngine['step']>): Promise<Readonly<Record<string, number>>> {
    const known = await timed(engine, given);
    try {
      const found = other && (await timed(other, given));
      const wrong = Object.entries(known.statistics).find(
        ([name, value]) =>
          !(Math.abs((found?.statistics[name] ?? Number.NaN) - value) <= TOLERANCE * (Math.abs(value) + 1e-3)),
      );
      steps += 1;
      if (wrong) {
        const [name, value] = wrong;
        await drop(`${candidate.device} computed ${name} = ${found?.statistics[name]} where ${value} was expected`);
      } else if (steps >= STEPS && found && other) {
        const [mine, theirs] = [Math.round(known.milliseconds), Math.round(found.milliseconds)];
        const times = `${candidate.device} takes ${theirs} ms a step, ${trusted.device} ${mine}`;
        if (!asked && found.milliseconds >= known.milliseconds) await drop(times);
        else {
          say(`${times}; it trains on ${candidate.device}`);
          await engine.dispose();
          [engine, other] = [other, undefined];
        }
      }
    } catch (error) {
      await drop(`${candidate.device} failed (${reasonOf(error)})`);
    }
    return known.statistics;
  }

  return {
    name: 'onnx',
    get device() {
      return engine.device;
    },
    step: (...given) => (other ? compared(given) : engine.step(...given)),
    generate: (...given) => engine.generate(...given),
    encode: (...given) => engine.encode(...given),
    state: () => engine.state(),
    async dispose() {
      await other?.dispose().catch(() => undefined);
      // A device that is gone cannot be tidied up; what it failed with is told already.
      await engine.dispose().catch(() => undefined);
    },
  };
}

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
