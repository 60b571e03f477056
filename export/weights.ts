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

type Trained = Pick<TrainedGenerator, 'model' | 'weights'>;

function constants({ model, weights }: Trained): Tensors {
  return Object.fromEntries(
    Object.entries(model.weights).map(([name, shape]) => {
      const data = weights[name];
      if (!data) throw new Error(`model: expected weights named ${name}`);
      return [name, tf.tensor(data, [...shape], 'float32')];
    }),
  );
}

/** The generator as a function of tensors, its weights constants: picture [batch, channels, height, width]. */
export function generatorFunction(trained: Trained): (inputs: Tensors) => Tensors {
  return ({ latent, class: classes }) => {
    if (!latent) throw new Error('generator: expected an input named latent');
    return { image: tf.transpose(trained.model.generate(constants(trained), latent, classes), [0, 3, 1, 2]) };
  };
}

/** The encoder likewise, picture and class → latent; undefined for a model that has none. */
export function encoderFunction(trained: Trained): ((inputs: Tensors) => Tensors) | undefined {
  const { encode } = trained.model;
  if (!encode) return undefined;
  return ({ image, class: classes }) => {
    if (!image) throw new Error('encoder: expected an input named image');
    return { latent: encode(constants(trained), tf.transpose(image, [0, 2, 3, 1]), classes) };
  };
}
