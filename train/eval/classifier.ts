// The judge: a small residual classifier. Its last layer but one gives the features of every metric, its output the
// labels for GAN-test. Written in tfjs, exported by the tracer, run by onnxruntime.

import * as tf from '@tensorflow/tfjs';
import { UserError } from '../../contract/errors.ts';
import { trace } from '../../trace/index.ts';
import type { Compute } from '../engines/runtime.ts';
import { addBias, conv, convParameters, dense, denseParameters, leakyRelu, type ParameterSpec } from '../nn/layers.ts';
import { named, type Tensors } from '../nn/tensors.ts';
import type { Features } from './features.ts';

export interface ClassifierSpec {
  /** Pixels of the square picture's side. */
  resolution: number;
  channels: number;
  /** Told apart; 0 for none. */
  classes: number;
  /** Whether quarter turns are told apart too: four more outputs after those of the classes. */
  turns: boolean;
  /** Of the first convolution, whose kernel has two pixels more: the first map is that many times smaller. */
  stride: number;
  /** Channels of the first map; doubles with each halving of the map, four times at most. */
  width: number;
  /** Numbers in a feature vector. */
  features: number;
}

/** Number of a classifier's outputs. */
export const outputsOf = ({ classes, turns }: Pick<ClassifierSpec, 'classes' | 'turns'>): number =>
  classes + (turns ? 4 : 0);

/** Maps down to 4 pixels: 28 → 28, 14, 7, 4; 64 with stride 2 → 32, 16, 8, 4. */
function stages({ resolution, stride, width }: ClassifierSpec): { size: number; channels: number }[] {
  const first = Math.ceil(resolution / stride);
  const list = [{ size: first, channels: width }];
  for (let size = Math.ceil(first / 2); size >= 4; size = Math.ceil(size / 2)) {
    list.push({ size, channels: width * 2 ** Math.min(list.length, 2) });
  }
  return list;
}

/** Convolutions in the order they run, each followed by a normalisation while training. */
function convolutions(
  spec: ClassifierSpec,
): { name: string; kernel: number; inputs: number; outputs: number; stride: number }[] {
  let inputs = spec.channels;
  return stages(spec).flatMap(({ channels }, i) => {
    const [kernel, stride] = i === 0 ? [spec.stride + 2, spec.stride] : [3, 2];
    const down = { name: `down${i}`, kernel, inputs, outputs: channels, stride };
    inputs = channels;
    // The first map has the most pixels: one convolution is all it can afford.
    return i === 0 ? [down] : [down, { name: `block${i}`, kernel: 3, inputs: channels, outputs: channels, stride: 1 }];
  });
}

/** While training; a trained classifier has the scales folded into weights and biases. */
export function classifierParameters(spec: ClassifierSpec): ParameterSpec[] {
  const { size = 1, channels = 1 } = stages(spec).at(-1) ?? {};
  return [
    ...convolutions(spec).flatMap(({ name, kernel, inputs, outputs }) => [
      ...convParameters(name, kernel, inputs, outputs),
      // Added to 1. A residual branch that starts at 0 leaves its block the identity (Goyal et al. 2017).
      { name: `${name}.scale`, shape: [outputs], deviation: 0 },
    ]),
    ...denseParameters('features', size * size * channels, spec.features),
    ...denseParameters('classes', spec.features, outputsOf(spec), 0.1 / Math.sqrt(spec.features)),
  ];
}

/** What happens to the result of a convolution before its activation. */
export type Normalise = (p: Tensors, name: string, x: tf.Tensor) => tf.Tensor;

/** pictures [batch, h, w, c] in [-1, 1] → features [batch, features] and logits [batch, outputs]. */
export function classify(
  spec: ClassifierSpec,
  p: Tensors,
  pictures: tf.Tensor,
  normalise: Normalise,
): { features: tf.Tensor; logits: tf.Tensor } {
  let x = pictures;
  for (const { name, stride } of convolutions(spec)) {
    const y = leakyRelu(normalise(p, name, conv(p, name, x, stride)));
    x = name.startsWith('block') ? tf.add(x, y) : y;
  }
  x = tf.reshape(x, [x.shape[0] ?? 1, -1]);
  const features = leakyRelu(addBias(p, 'features', dense(p, 'features', x)));
  return { features, logits: addBias(p, 'classes', dense(p, 'classes', features)) };
}

const varianceFloor = 1e-5;

export interface Moments {
  mean: tf.Tensor;
  variance: tf.Tensor;
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015) by the moments of the batch at hand, which `seen` is told of. The gradient is
 * written out: fewer passes over the maps than autodiff would make.
 */
export function batchNormalise(seen?: (name: string, moments: Moments) => void): Normalise {
  return (p, name, x) => {
    const axes = [0, 1, 2];
    const normalised = tf.customGrad((input) => {
      const t = input as tf.Tensor;
      const mean = tf.mean(t, axes);
      const centred = tf.sub(t, mean);
      const variance = tf.mean(tf.square(centred), axes);
      seen?.(name, { mean, variance });
      const inverse = tf.rsqrt(tf.add(variance, varianceFloor));
      const value = tf.mul(centred, inverse);
      const gradFunc = (dy: tf.Tensor): tf.Tensor => {
        const along = tf.mul(value, tf.mean(tf.mul(dy, value), axes));
        return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, axes)), along), inverse);
      };
      return { value, gradFunc };
    })(x);
    return addBias(p, name, tf.mul(normalised, tf.add(named(p, `${name}.scale`), 1)));
  };
}

/** Folds normalisation by fixed moments into each convolution's weight and bias: plain `addBias` then does. */
export function foldMoments(
  spec: ClassifierSpec,
  parameters: Record<string, Float32Array>,
  moments: Record<string, { mean: Float32Array; variance: Float32Array }>,
): Record<string, Float32Array> {
  const folded = { ...parameters };
  for (const { name, outputs } of convolutions(spec)) {
    const factor = Float32Array.from({ length: outputs }, (_, c) => {
      const scale = 1 + (parameters[`${name}.scale`]?.[c] ?? 0);
      return scale / Math.sqrt((moments[name]?.variance[c] ?? 0) + varianceFloor);
    });
    folded[`${name}.weight`] = (parameters[`${name}.weight`] ?? new Float32Array()).map(
      (weight, i) => weight * (factor[i % outputs] ?? 0),
    );
    folded[`${name}.bias`] = (parameters[`${name}.bias`] ?? new Float32Array()).map(
      (bias, c) => bias - (moments[name]?.mean[c] ?? 0) * (factor[c] ?? 0),
    );
    delete folded[`${name}.scale`];
  }
  return folded;
}

/** Of each feature over the pictures a judge learned from: [features] each. */
export interface FeatureMoments {
  mean: Float32Array;
  deviation: Float32Array;
}

/**
 * The direction of the standardised features, as long as the root of their number: x·y / columns is then a cosine. Raw
 * features have heavy tails, a few pictures decide the kernel distance, and it orders damaged pictures worse (docs/LOG.md).
 */
function directionOf(features: tf.Tensor, { mean, deviation }: FeatureMoments): tf.Tensor {
  const standard = tf.mul(tf.sub(features, tf.tensor1d(mean)), tf.tensor1d(deviation.map((d) => 1 / (d + 1e-3))));
  const meanSquare = tf.mean(tf.square(standard), 1, true);
  return tf.mul(standard, tf.rsqrt(tf.add(meanSquare, 1e-6)));
}

/**
 * The trained, folded classifier as an ONNX model: `pictures` [batch, h, w, c] → `features`, `logits`. With `moments` the
 * features are directions.
 */
export async function exportClassifier(
  spec: ClassifierSpec,
  parameters: Record<string, Float32Array>,
  moments?: FeatureMoments,
): Promise<Uint8Array> {
  const shapes = classifierParameters(spec).filter(({ name }) => parameters[name]);
  const { resolution, channels } = spec;
  const traced = await trace(
    ({ pictures }) => {
      const p = Object.fromEntries(
        shapes.map(({ name, shape }) => [name, tf.tensor(parameters[name] ?? [], [...shape], 'float32')]),
      );
      const { features, logits } = classify(spec, p, pictures, addBias);
      return { features: moments ? directionOf(features, moments) : features, logits };
    },
    { pictures: ['batch', resolution, resolution, channels] },
    { name: 'judge' },
  );
  return traced.encode();
}

export type JudgeTask = 'classes' | 'turns' | 'classes and turns';

const taskOf = ({ classes, turns }: Pick<ClassifierSpec, 'classes' | 'turns'>): JudgeTask =>
  classes === 0 ? 'turns' : turns ? 'classes and turns' : 'classes';

export interface Judgement {
  features: Features;
  /** Most probable class of each picture; its most probable quarter turn where there are no classes. */
  labels: Uint8Array;
}

export interface Judge {
  task: JudgeTask;
  /** What it runs on, and whatever else is computed of its features. */
  compute: Compute;
  /** pixels [count, h, w, c], 0..255. */
  judge(pixels: Uint8Array): Promise<Judgement>;
}

const judgeBatch = 500;

/** Runs an exported classifier. */
export async function loadJudge(
  model: Uint8Array,
  spec: Pick<ClassifierSpec, 'resolution' | 'channels' | 'classes' | 'turns'>,
  compute: Compute,
): Promise<Judge> {
  const session = await compute.createSession(model);
  const { resolution, channels } = spec;
  const size = resolution * resolution * channels;
  return {
    task: taskOf(spec),
    compute,
    async judge(pixels) {
      const count = pixels.length / size;
      const labels = new Uint8Array(count);
      let data = new Float32Array(0);
      let columns = 0;
      for (let start = 0; start < count; start += judgeBatch) {
        const part = pixels.subarray(start * size, Math.min(count, start + judgeBatch) * size);
        const rows = part.length / size;
        const pictures = new compute.Tensor('float32', toUnit(part), [rows, resolution, resolution, channels]);
        const { features, logits } = await session.run({ pictures });
        if (!features || !logits) throw new UserError('judge: expected outputs features and logits, got another model');
        columns = features.dims[1] ?? 0;
        if (start === 0) data = new Float32Array(count * columns);
        data.set(features.data as Float32Array, start * columns);
        labels.set(mostProbable(logits.data as Float32Array, rows, spec.classes || outputsOf(spec)), start);
      }
      return { features: { rows: count, columns, data }, labels };
    },
  };
}

/** Bytes to [-1, 1], as the generator's output is. */
export const toUnit = (pixels: Uint8Array): Float32Array => Float32Array.from(pixels, (value) => value / 127.5 - 1);

/** Of the first `choices` outputs of each row. */
function mostProbable(logits: Float32Array, rows: number, choices: number): Uint8Array {
  const outputs = logits.length / rows;
  return Uint8Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let j = 1; j < choices; j++) {
      if ((logits[row * outputs + j] ?? 0) > (logits[row * outputs + best] ?? 0)) best = j;
    }
    return best;
  });
}
