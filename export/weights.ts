// The trained generator of a run: its model and the averaged weights worth exporting.

import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import type { Model } from '../train/families/family.ts';
import { createModel } from '../train/families/models.ts';
import { type Tensors, under, type Values } from '../train/nn/tensors.ts';
import { loadNewestCheckpoint, loadSnapshot } from '../train/store/checkpoint.ts';
import { type RunConfig, readConfig, runFolder } from '../train/store/run-folder.ts';

export interface TrainedGenerator {
  readonly config: RunConfig;
  readonly model: Model;
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
  const model = createModel(config.recipe);
  const best = which === 'newest' ? undefined : loadSnapshot(run.best, model.weights, warn);
  if (best) {
    const { weights, images } = best;
    return { config, model, weights, imagesSeen: images, origin: 'best snapshot measured' };
  }
  const checkpoint = existsSync(run.checkpoints) ? loadNewestCheckpoint(run.checkpoints, model.state, warn) : undefined;
  if (!checkpoint) {
    throw new UserError(
      `run ${dir}: expected a checkpoint that is whole, got none; train it first with pocketgen train`,
    );
  }
  const { state, progress } = checkpoint;
  return { config, model, weights: under('ema', state), imagesSeen: progress.images, origin: 'newest checkpoint' };
}

/** The generator as a function of tensors, its weights constants: picture [batch, channels, height, width]. */
export function generatorFunction({
  model,
  weights,
}: Pick<TrainedGenerator, 'model' | 'weights'>): (inputs: Tensors) => Tensors {
  return ({ latent, class: classes }) => {
    if (!latent) throw new Error('generator: expected an input named latent');
    const parameters: Tensors = {};
    for (const [name, shape] of Object.entries(model.weights)) {
      const data = weights[name];
      if (!data) throw new Error(`generator: expected weights named ${name}`);
      parameters[name] = tf.tensor(data, [...shape], 'float32');
    }
    return { image: tf.transpose(model.generate(parameters, latent, classes), [0, 3, 1, 2]) };
  };
}
