// The trained generator of a run: its networks and the averaged weights worth exporting.
import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import type { Values } from '../train/engines/engine.ts';
import { stateShapes, under } from '../train/families/gan/step.ts';
import { stepOptions } from '../train/loop.ts';
import type { Tensors } from '../train/nn/layers.ts';
import type { Networks } from '../train/nn/spec.ts';
import { loadNewestCheckpoint, loadSnapshot } from '../train/store/checkpoint.ts';
import { type RunConfig, readConfig, runFolder } from '../train/store/run-folder.ts';

export interface TrainedGenerator {
  readonly config: RunConfig;
  readonly networks: Networks;
  /** Averaged parameters by name. */
  readonly weights: Values;
  readonly imagesSeen: number;
  readonly origin: 'best snapshot measured' | 'newest checkpoint' | 'still training';
}

/** The best measured snapshot where training measured any, else (or when the newest is asked for) the newest checkpoint. */
export function loadGenerator(
  dir: string,
  warn: (sentence: string) => void,
  which: 'best' | 'newest' = 'best',
): TrainedGenerator {
  const config = readConfig(dir);
  const run = runFolder(dir);
  const options = stepOptions(config.recipe);
  const { networks } = options;
  const shapes = stateShapes(options);
  const best = which === 'newest' ? undefined : loadSnapshot(run.best, under('ema', shapes), warn);
  if (best) {
    const { weights, images } = best;
    return { config, networks, weights, imagesSeen: images, origin: 'best snapshot measured' };
  }
  const checkpoint = existsSync(run.checkpoints) ? loadNewestCheckpoint(run.checkpoints, shapes, warn) : undefined;
  if (!checkpoint) {
    throw new UserError(
      `run ${dir}: expected a checkpoint that is whole, got none; train it first with pocketgen train`,
    );
  }
  const { state, progress } = checkpoint;
  return { config, networks, weights: under('ema', state), imagesSeen: progress.images, origin: 'newest checkpoint' };
}

/** The generator as a function of tensors, its weights constants: picture [batch, channels, height, width]. */
export function generatorFunction({
  networks,
  weights,
}: Pick<TrainedGenerator, 'networks' | 'weights'>): (inputs: Tensors) => Tensors {
  return ({ latent, class: classes }) => {
    if (!latent) throw new Error('generator: expected an input named latent');
    const parameters: Tensors = {};
    for (const { name, shape } of networks.generatorParameters) {
      const data = weights[name];
      if (!data) throw new Error(`generator: expected weights named ${name}`);
      parameters[name] = tf.tensor(data, [...shape], 'float32');
    }
    return { image: tf.transpose(networks.generate(parameters, latent, classes), [0, 3, 1, 2]) };
  };
}
