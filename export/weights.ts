// The trained generator of a run: its model and the averaged weights worth exporting.

import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import type { Model } from '../train/families/family.ts';
import { createModel } from '../train/families/models.ts';
import { type Tensors, under, type Values } from '../train/nn/tensors.ts';
import { loadNewestCheckpoint, loadSnapshot, newestCheckpoint, stateHash } from '../train/store/checkpoint.ts';
import { RUN, type RunFiles } from '../train/store/files.ts';
import { type RunConfig, readConfig, readStats } from '../train/store/run.ts';
import { encodeTrainer } from '../train/trainer.ts';

export interface TrainedGenerator {
  /** What a bundle tells of its training. */
  readonly config: Pick<RunConfig, 'recipe'> & {
    readonly dataset: Pick<RunConfig['dataset'], 'name' | 'sha256' | 'classes' | 'options'>;
  };
  readonly model: Model;
  /** Averaged parameters by name. */
  readonly weights: Values;
  readonly imagesSeen: number;
  /** How the encoder was trained, where that was a training of its own. */
  readonly encoder?: EncoderTraining;
  readonly origin: 'best snapshot measured' | 'newest checkpoint' | 'still training' | 'trainer of a bundle';
}

/** That of a run. */
export type RunGenerator = TrainedGenerator & { readonly config: RunConfig };

export interface EncoderTraining {
  readonly recipe: RunConfig['recipe'];
  readonly imagesSeen: number;
}

/**
 * The best measured snapshot where training measured any, else (or when the newest is asked for) the newest checkpoint; with the
 * encoder that was trained for it, if one was.
 */
export async function loadGenerator(
  run: RunFiles,
  warn: (sentence: string) => void,
  which: 'best' | 'newest' = 'best',
): Promise<RunGenerator> {
  const trained = await loadOwnGenerator(run, warn, which);
  const files = run.within(RUN.encoder);
  if ((await files.read(RUN.config)) === undefined) return trained;
  const encoder = await loadEncoder(files, warn);
  if (encoder?.training.recipe.encoder?.generator === stateHash(trained.weights)) {
    const model = { ...encoder.model, family: trained.model.family };
    return { ...trained, model, weights: encoder.weights, encoder: encoder.training };
  }
  warn(
    `${files.name}: expected an encoder of the generator after ${trained.imagesSeen} images, got ${encoder ? 'one of another' : 'none that is whole'}; ` +
      `going on without it; remove the folder and train one with pocketgen encoder ${run.name}`,
  );
  return trained;
}

/** Images of the newest checkpoint where none after the snapshot was measured, so that nobody knows which of the two is better. */
export async function unmeasuredAfter(
  run: RunFiles,
  { origin, imagesSeen }: Pick<TrainedGenerator, 'origin' | 'imagesSeen'>,
): Promise<number | undefined> {
  const newest = await newestCheckpoint(run);
  if (origin !== 'best snapshot measured' || newest <= imagesSeen) return undefined;
  return (await readStats(run)).some(({ images, metrics }) => metrics && images > imagesSeen) ? undefined : newest;
}

/** What another training can go on from: of the newest checkpoint, as the bytes of a bundle's file. */
export async function loadTrainer(run: RunFiles, warn: (sentence: string) => void): Promise<Uint8Array> {
  const { recipe, dataset } = await readConfig(run);
  const newest = await loadNewestCheckpoint(run, createModel(recipe).state, warn);
  if (newest) return encodeTrainer(recipe, dataset.classes, newest);
  throw new UserError(
    `--trainer: expected a checkpoint in ${run.name} that is whole, got none; train it further, or leave it out`,
  );
}

export type TrainedEncoder = Pick<TrainedGenerator, 'model' | 'weights'> & { readonly training: EncoderTraining };

/** An encoder and the generator it was trained for, from the encoder's own run. */
export async function loadEncoder(
  run: RunFiles,
  warn: (sentence: string) => void,
): Promise<TrainedEncoder | undefined> {
  const { recipe } = await readConfig(run);
  const model = createModel(recipe);
  const checkpoint = await loadNewestCheckpoint(run, model.state, warn);
  if (!checkpoint) return undefined;
  const { state, progress } = checkpoint;
  return { model, weights: under('ema', state), training: { recipe, imagesSeen: progress.images } };
}

/** The same without an encoder but the model's own. */
export async function loadOwnGenerator(
  run: RunFiles,
  warn: (sentence: string) => void,
  which: 'best' | 'newest' = 'best',
): Promise<RunGenerator> {
  const config = await readConfig(run);
  const model = createModel(config.recipe);
  const best = which === 'newest' ? undefined : await loadSnapshot(run, model.weights, warn);
  if (best) {
    const { weights, images } = best;
    return { config, model, weights, imagesSeen: images, origin: 'best snapshot measured' };
  }
  const checkpoint = await loadNewestCheckpoint(run, model.state, warn);
  if (!checkpoint) {
    throw new UserError(
      `run ${run.name}: expected a checkpoint that is whole, got none; train it first with pocketgen train`,
    );
  }
  const { state, progress } = checkpoint;
  return { config, model, weights: under('ema', state), imagesSeen: progress.images, origin: 'newest checkpoint' };
}

/** The same, its classes guiding so much. @throws UserError for a model that is not guided */
export function guided(trained: TrainedGenerator, guidance: number): TrainedGenerator {
  const { recipe } = trained.config;
  if (!recipe.transformer || recipe.network.classes === 0)
    throw new UserError('--guidance: expected a Transformer with classes, got another model; leave it out');
  const next = { ...recipe, transformer: { ...recipe.transformer, guidance } };
  return { ...trained, config: { ...trained.config, recipe: next }, model: createModel(next) };
}

interface Trained {
  readonly model: Pick<Model, 'weights' | 'generate' | 'encode' | 'posterior' | 'complete' | 'tokens'>;
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

/** The completer likewise, picture, mask [batch, 1, height, width], latent and class → picture; undefined for a model that has none. */
export function completerFunction(trained: Trained): ((inputs: Tensors) => Tensors) | undefined {
  const { complete } = trained.model;
  if (!complete) return undefined;
  return ({ image, mask, latent, class: classes }) => {
    if (!image || !mask || !latent) throw new Error('completer: expected inputs named image, mask and latent');
    const [pictures, seen] = [image, mask].map((x) => tf.transpose(x, [0, 2, 3, 1])) as [tf.Tensor, tf.Tensor];
    return { completed: tf.transpose(complete(constants(trained), pictures, seen, latent, classes), [0, 3, 1, 2]) };
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

/** The tokens of a picture of a class, likewise, and the bits the model takes to tell them; undefined for a model without tokens. */
export function tokensFunction(trained: Trained): ((inputs: Tensors) => Tensors) | undefined {
  const { tokens } = trained.model;
  if (!tokens) return undefined;
  return ({ image, class: classes }) => {
    if (!image) throw new Error('tokens: expected an input named image');
    return { ...tokens(constants(trained), tf.transpose(image, [0, 2, 3, 1]), classes) };
  };
}
