// The trained generator of a run: its model and the averaged weights worth exporting.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import type { Model } from '../train/families/family.ts';
import { createModel } from '../train/families/models.ts';
import { type Tensors, under, type Values } from '../train/nn/tensors.ts';
import { loadNewestCheckpoint, loadSnapshot, stateHash } from '../train/store/checkpoint.ts';
import { type RunConfig, readConfig, runFolder } from '../train/store/run-folder.ts';
import { encodeTrainer } from '../train/trainer.ts';

export interface TrainedGenerator {
  readonly config: RunConfig;
  readonly model: Model;
  /** Averaged parameters by name. */
  readonly weights: Values;
  readonly imagesSeen: number;
  /** How the encoder was trained, where that was a training of its own. */
  readonly encoder?: EncoderTraining;
  readonly origin: 'best snapshot measured' | 'newest checkpoint' | 'still training';
}

export interface EncoderTraining {
  readonly recipe: RunConfig['recipe'];
  readonly imagesSeen: number;
}

/**
 * The best measured snapshot where training measured any, else (or when the newest is asked for) the newest checkpoint; with the
 * encoder that was trained for it, if one was.
 */
export function loadGenerator(
  dir: string,
  warn: (sentence: string) => void,
  which: 'best' | 'newest' = 'best',
): TrainedGenerator {
  const trained = loadOwnGenerator(dir, warn, which);
  const folder = runFolder(dir).encoder;
  if (!existsSync(join(folder, 'config.json'))) return trained;
  const encoder = loadEncoder(folder, warn);
  if (encoder?.training.recipe.encoder?.generator === stateHash(trained.weights)) {
    const model = { ...encoder.model, family: trained.model.family };
    return { ...trained, model, weights: encoder.weights, encoder: encoder.training };
  }
  warn(
    `${folder}: expected an encoder of the generator after ${trained.imagesSeen} images, got ${encoder ? 'one of another' : 'none that is whole'}; ` +
      `going on without it; remove the folder and train one with pocketgen encoder ${dir}`,
  );
  return trained;
}

/** What another training can go on from: of the newest checkpoint, as the bytes of a bundle's file. */
export function loadTrainer(dir: string, warn: (sentence: string) => void): Uint8Array {
  const { recipe, dataset } = readConfig(dir);
  const { checkpoints } = runFolder(dir);
  const { state } = createModel(recipe);
  const newest = existsSync(checkpoints) ? loadNewestCheckpoint(checkpoints, state, warn) : undefined;
  if (newest) return encodeTrainer(recipe, dataset.classes, newest);
  throw new UserError(
    `--trainer: expected a checkpoint in ${dir} that is whole, got none; train it further, or leave it out`,
  );
}

/** An encoder and the generator it was trained for, from the encoder's own run folder. */
export function loadEncoder(
  folder: string,
  warn: (sentence: string) => void,
): (Pick<TrainedGenerator, 'model' | 'weights'> & { readonly training: EncoderTraining }) | undefined {
  const { recipe } = readConfig(folder);
  const model = createModel(recipe);
  const checkpoint = loadNewestCheckpoint(runFolder(folder).checkpoints, model.state, warn);
  if (!checkpoint) return undefined;
  const { state, progress } = checkpoint;
  return { model, weights: under('ema', state), training: { recipe, imagesSeen: progress.images } };
}

/** The same without an encoder but the model's own. */
export function loadOwnGenerator(
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

interface Trained {
  readonly model: Pick<Model, 'weights' | 'generate' | 'encode' | 'posterior'>;
  readonly weights: Values;
}

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

/** What the encoder knows of a picture's latent, likewise; undefined where a latent is a point. */
export function posteriorFunction(trained: Trained): ((inputs: Tensors) => Tensors) | undefined {
  const { posterior } = trained.model;
  if (!posterior) return undefined;
  return ({ image }) => {
    if (!image) throw new Error('encoder: expected an input named image');
    return { ...posterior(constants(trained), tf.transpose(image, [0, 2, 3, 1])) };
  };
}
