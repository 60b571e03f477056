// The options of every command that trains: what runs the steps, how many there are, and what is told of them.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEVICES, type Device, ENGINES, type EngineName } from '../train/engines/engine.ts';
import type { Schedule } from '../train/recipe.ts';
import { positive, wholeFrom } from './numbers.ts';

export interface TrainingFlags {
  engine: EngineName | 'auto';
  device?: Device;
  images?: number;
  minutes?: number;
  batch?: number;
  seed?: number;
  learningRate?: Schedule;
  json?: boolean;
  verbose?: boolean;
}

/** `0.5` stays, `0.5:0.05` moves from one to the other along half a cosine. */
export function scheduleFlag(text: string): Schedule {
  const [from = Number.NaN, to = from, ...more] = text
    .split(':')
    .map((part) => (part.trim() ? Number(part) : Number.NaN));
  if (!(from >= 0 && to >= 0 && Number.isFinite(from + to)) || more.length > 0) {
    throw new InvalidArgumentError(`expected a number or FROM:TO, got ${JSON.stringify(text)}`);
  }
  return { from, to };
}

function learningRateFlag(text: string): Schedule {
  const schedule = scheduleFlag(text);
  if (!(schedule.from > 0)) throw new InvalidArgumentError(`expected it to begin above 0, got ${text}`);
  return schedule;
}

const MOST_SEED = 0xffffffff;

export function addTrainingOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--engine <name>', 'what runs the training step').choices(['auto', ...ENGINES]).default('auto'),
    )
    .addOption(
      new Option('--device <name>', 'where engine onnx runs, when it is named (default: cpu)').choices(DEVICES),
    )
    .option('--images <n>', 'images to train on in all', wholeFrom(1))
    .option('--minutes <n>', 'stop this session after so many minutes', positive)
    .option('--batch <n>', 'pictures in a step', wholeFrom(1))
    .option('--seed <n>', 'seed of everything random', wholeFrom(0, MOST_SEED))
    .option('--learning-rate <from:to>', 'learning rate, or its schedule', learningRateFlag)
    .option('--verbose', 'show what graphics drivers say while they are tried')
    .option('--json', 'progress and result as JSON lines on standard output');
}
