// The trained generator of a run: its networks and the averaged weights worth exporting.
import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import { loadNewestCheckpoint } from '../train/checkpoint.ts';
import type { Values } from '../train/engines/engine.ts';
import { stepOptions } from '../train/loop.ts';
import type { Tensors } from '../train/networks/layers.ts';
import type { Networks } from '../train/networks/spec.ts';
import { type RunConfig, readConfig, runFolder } from '../train/run-folder.ts';
import { decodeSafetensors } from '../train/safetensors.ts';
import { stateShapes, under } from '../train/step.ts';

export interface TrainedGenerator {
  readonly config: RunConfig;
  readonly networks: Networks;
  /** Averaged parameters by name. */
  readonly weights: Values;
  readonly imagesSeen: number;
}

/** The best measured snapshot where training measured any, else the newest checkpoint. */
export function loadGenerator(dir: string, warn: (sentence: string) => void): TrainedGenerator {
  const config = readConfig(dir);
  const run = runFolder(dir);
  const options = stepOptions(config.recipe);
  const { networks } = options;
  if (existsSync(run.best)) {
    const { metadata, tensors } = decodeSafetensors(readFileSync(run.best));
    const weights = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
    return { config, networks, weights, imagesSeen: Number(metadata.images) };
  }
  const checkpoint = existsSync(run.checkpoints)
    ? loadNewestCheckpoint(run.checkpoints, stateShapes(options), warn)
    : undefined;
  if (!checkpoint) {
    throw new UserError(
      `run ${dir}: expected a checkpoint that is whole, got none; train it first with pocketgen train`,
    );
  }
  return { config, networks, weights: under('ema', checkpoint.state), imagesSeen: checkpoint.progress.images };
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
