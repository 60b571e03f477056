// The options of every command that trains: what runs the steps, how many there are, and what is told of them.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEVICES, type Device, ENGINES, type EngineName } from '../train/engines/engine.ts';
import type { Schedule } from '../train/recipe.ts';

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

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError(`expected a number above 0, got ${text}`);
  return value;
}

export function whole(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError(`expected a whole number, got ${text || 'nothing'}`);
  return value;
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

export function addTrainingOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--engine <name>', 'what runs the training step').choices(['auto', ...ENGINES]).default('auto'),
    )
    .addOption(
      new Option('--device <name>', 'where engine onnx runs, when it is named (default: cpu)').choices(DEVICES),
    )
    .option('--images <n>', 'images to train on in all', whole)
    .option('--minutes <n>', 'stop this session after so many minutes', positive)
    .option('--batch <n>', 'pictures in a step', whole)
    .option('--seed <n>', 'seed of everything random', whole)
    .option('--learning-rate <from:to>', 'learning rate, or its schedule', learningRateFlag)
    .option('--verbose', 'show what graphics drivers say while they are tried')
    .option('--json', 'progress and result as JSON lines on standard output');
}
