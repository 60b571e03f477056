// Trains the judge: the whole step (forward, backward, AdamW) is one traced ONNX graph, as the GAN's is.

import * as tf from '@tensorflow/tfjs';
import { philox4x32 } from '../../contract/philox.ts';
import { STREAM } from '../../contract/random.ts';
import { trace } from '../../trace/index.ts';
import type { PictureSet } from '../data/types.ts';
import type { Compute, Tensor } from '../engines/runtime.ts';
import { initialValues } from '../nn/layers.ts';
import { named, type Tensors } from '../nn/tensors.ts';
import {
  batchNormalise,
  type ClassifierSpec,
  classifierParameters,
  classify,
  foldMoments,
  outputsOf,
  toUnit,
} from './classifier.ts';

export interface ClassifierOptions {
  /** Pictures seen in all: epochs times pictures in the set. */
  images: number;
  batch?: number;
  learningRate?: number;
  seed?: number;
  /** Mirror half of the pictures; wrong for digits and letters. */
  mirror?: boolean;
  /** Move pictures by up to this many pixels in each direction: for small sets. */
  shift?: number;
  /** Told every so many steps, and waited for; what it throws ends the training. */
  onProgress?: (progress: { images: number; total: number; loss: number }) => Promise<void> | void;
}

const weightDecay = 0.05;
const labelSmoothing = 0.05;
const warmup = 0.1;
const beta1 = 0.9;
const beta2 = 0.99;
const reportEvery = 10;
const momentBatch = 512;
const momentRounds = 8;

export async function trainClassifier(
  spec: ClassifierSpec,
  set: PictureSet,
  compute: Compute,
  { images, batch = 64, learningRate = 6e-3, seed = 1, mirror = true, shift = 0, onProgress }: ClassifierOptions,
): Promise<Record<string, Float32Array>> {
  const parameters = classifierParameters(spec);
  const shapes = Object.fromEntries(
    parameters.flatMap(({ name, shape }) => ['p', 'm', 'v'].map((kind) => [`${kind}/${name}`, shape])),
  );
  const { resolution, channels } = spec;
  const outputs = outputsOf(spec);
  const traced = await trace(
    step(spec),
    {
      pictures: [batch, resolution, resolution, channels],
      targets: [batch, outputs],
      rate: [],
      correction: [],
      ...shapes,
    },
    { name: 'judge-training', lowering: 'gemm' },
  );
  const session = await compute.createSession(traced.encode());
  const start = initialValues(parameters, seed, STREAM.training + 64);
  let state: Record<string, Tensor> = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const values = start[name.slice(2)];
      const data = name.startsWith('p/') && values ? values : new Float32Array(shape.reduce((a, b) => a * b, 1));
      return [name, new compute.Tensor('float32', data, shape)];
    }),
  );

  const next = batches(set, { batch, spec, seed, mirror, shift });
  const steps = Math.max(1, Math.round(images / batch));
  for (let i = 0; i < steps; i++) {
    const { pictures, targets } = next();
    const results: Record<string, Tensor> = await session.run({
      pictures: new compute.Tensor('float32', pictures, [batch, resolution, resolution, channels]),
      targets: new compute.Tensor('float32', targets, [batch, outputs]),
      rate: scalar(compute, learningRate * schedule((i + 0.5) / steps)),
      correction: scalar(compute, Math.sqrt(1 - beta2 ** (i + 1)) / (1 - beta1 ** (i + 1))),
      ...state,
    });
    const { loss, ...nextState } = results;
    state = Object.fromEntries(Object.entries(nextState).map(([name, tensor]) => [name.slice('next '.length), tensor]));
    if (onProgress && ((i + 1) % reportEvery === 0 || i === steps - 1)) {
      await onProgress({ images: (i + 1) * batch, total: steps * batch, loss: Number(loss?.data[0]) });
    }
  }
  await session.release();
  const trained = Object.fromEntries(parameters.map(({ name }) => [name, numbers(state[`p/${name}`])]));
  return foldMoments(spec, trained, await momentsOf(compute, spec, trained, set));
}

const numbers = (tensor: Tensor | undefined): Float32Array => ((tensor?.data ?? []) as Float32Array).slice();

/** Moments of every convolution's result over pictures as they are, the mean of some large batches: "precise" batch norm. */
async function momentsOf(
  compute: Compute,
  spec: ClassifierSpec,
  trained: Record<string, Float32Array>,
  set: PictureSet,
) {
  const { resolution, channels } = spec;
  const shapes = Object.fromEntries(classifierParameters(spec).map(({ name, shape }) => [name, shape]));
  const batch = Math.min(momentBatch, set.count);
  const traced = await trace(
    ({ pictures, ...p }) => {
      const found: Tensors = {};
      const seen = batchNormalise((name, { mean, variance }) => {
        found[`mean/${name}`] = mean;
        found[`variance/${name}`] = variance;
      });
      classify(spec, p, pictures, seen);
      return found;
    },
    { pictures: [batch, resolution, resolution, channels], ...shapes },
    { name: 'judge-moments', lowering: 'gemm' },
  );
  const session = await compute.createSession(traced.encode());
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      new compute.Tensor('float32', trained[name] ?? new Float32Array(), shape),
    ]),
  );
  const size = resolution * resolution * channels;
  const rounds = Math.min(momentRounds, Math.floor(set.count / batch));
  const moments: Record<string, { mean: Float32Array; variance: Float32Array }> = {};
  for (let round = 0; round < rounds; round++) {
    const part = evenly(set, rounds * batch, round, rounds);
    const results = await session.run({
      ...feeds,
      pictures: new compute.Tensor('float32', toUnit(part), [part.length / size, resolution, resolution, channels]),
    });
    for (const [key, tensor] of Object.entries(results)) {
      const [kind, name = ''] = key.split('/');
      const values = tensor.data as Float32Array;
      moments[name] ??= { mean: new Float32Array(values.length), variance: new Float32Array(values.length) };
      const sum = moments[name][kind === 'mean' ? 'mean' : 'variance'];
      for (let c = 0; c < values.length; c++) sum[c] = (sum[c] ?? 0) + (values[c] ?? 0) / rounds;
    }
  }
  await session.release();
  return moments;
}

/** Every `step`-th of `count` pictures spread over the set, from the `first` on. */
function evenly(set: PictureSet, count: number, first: number, step: number): Uint8Array {
  const size = set.width * set.height * set.channels;
  const pixels = new Uint8Array(Math.floor(count / step) * size);
  for (let i = 0; i * size < pixels.length; i++) {
    const from = Math.floor(((first + i * step) * set.count) / count) * size;
    pixels.set(set.pixels.subarray(from, from + size), i * size);
  }
  return pixels;
}

const scalar = (compute: Compute, value: number): Tensor => new compute.Tensor('float32', Float32Array.of(value), []);

/** Linear warm-up, then a half cosine to 0. */
const schedule = (progress: number): number =>
  progress < warmup ? progress / warmup : 0.5 + 0.5 * Math.cos((Math.PI * (progress - warmup)) / (1 - warmup));

/** AdamW (Loshchilov & Hutter 2019) on the sum of the heads' cross-entropies; biases are not decayed. */
function step(spec: ClassifierSpec): (inputs: Tensors) => Tensors {
  const parameters = classifierParameters(spec);
  return (inputs) => {
    const get = (name: string): tf.Tensor => named(inputs, name);
    const { value, grads } = tf.valueAndGrads((...list: tf.Tensor[]) => {
      const p = Object.fromEntries(parameters.map(({ name }, i) => [name, list[i] as tf.Tensor]));
      const { logits } = classify(spec, p, get('pictures'), batchNormalise());
      return lossOf(spec, logits, get('targets'));
    })(parameters.map(({ name }) => get(`p/${name}`)));
    const result: Tensors = { loss: value };
    for (const [i, { name, shape }] of parameters.entries()) {
      const gradient = grads[i] as tf.Tensor;
      const m = tf.add(tf.mul(get(`m/${name}`), beta1), tf.mul(gradient, 1 - beta1));
      const v = tf.add(tf.mul(get(`v/${name}`), beta2), tf.mul(tf.square(gradient), 1 - beta2));
      let move = tf.div(tf.mul(m, get('correction')), tf.add(tf.sqrt(v), 1e-8));
      if (shape.length > 1) move = tf.add(move, tf.mul(get(`p/${name}`), weightDecay));
      result[`next p/${name}`] = tf.sub(get(`p/${name}`), tf.mul(move, get('rate')));
      result[`next m/${name}`] = m;
      result[`next v/${name}`] = v;
    }
    return result;
  };
}

/** Classes and turns are separate questions about the same features. */
function lossOf({ classes, turns }: ClassifierSpec, logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  if (classes === 0 || !turns) return crossEntropy(logits, targets);
  const head = (from: number, width: number): tf.Scalar => {
    const part = (all: tf.Tensor): tf.Tensor => tf.slice(all, [0, from], [-1, width]);
    return crossEntropy(part(logits), part(targets));
  };
  return tf.add(head(0, classes), head(classes, 4));
}

/** Mean over the batch of −Σ target · log softmax(logits); the gradient, softmax − target, is given outright. */
function crossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  return tf.customGrad((...inputs) => {
    const [z, y] = inputs as unknown as [tf.Tensor, tf.Tensor];
    const shifted = tf.sub(z, tf.max(z, 1, true));
    const exps = tf.exp(shifted);
    const total = tf.sum(exps, 1, true);
    const batch = z.shape[0] ?? 1;
    const value = tf.div(tf.sum(tf.mul(y, tf.sub(tf.log(total), shifted))), batch);
    const gradient = tf.div(tf.sub(tf.div(exps, total), y), batch);
    return { value, gradFunc: (dy: tf.Tensor) => [tf.mul(dy, gradient), tf.zerosLike(y)] };
  })(logits, targets) as tf.Scalar;
}

interface BatchOptions {
  batch: number;
  spec: ClassifierSpec;
  seed: number;
  mirror: boolean;
  shift: number;
}

/** Endless batches: each epoch in a new order, pictures moved, mirrored and turned at random; a pure function of the seed. */
function batches(
  set: PictureSet,
  { batch, spec, seed, mirror, shift }: BatchOptions,
): () => { pictures: Float32Array; targets: Float32Array } {
  const { width: n, channels, count, labels, pixels } = set;
  const { classes, turns } = spec;
  const outputs = outputsOf(spec);
  const size = n * n * channels;
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let position = 0;
  let drawn = 0;
  const random = (below: number): number => {
    const [word] = philox4x32([drawn++, 0, 0, 0], [seed, 65]);
    return Math.floor((word / 2 ** 32) * below);
  };
  return () => {
    const pictures = new Float32Array(batch * size).fill(-1);
    const targets = new Float32Array(batch * outputs);
    for (let i = 0; i < batch; i++) {
      // Fisher–Yates, one step a picture: position wraps around at the end of each epoch.
      const swap = position + random(count - position);
      const picture = order[swap] ?? 0;
      order[swap] = order[position] ?? 0;
      order[position] = picture;
      position = (position + 1) % count;

      const [dx, dy] = [random(2 * shift + 1) - shift, random(2 * shift + 1) - shift];
      const flip = mirror && random(2) === 1;
      const turn = turns ? random(4) : 0;
      for (let y = 0; y < n; y++) {
        for (let x = 0; x < n; x++) {
          const [turnedY, turnedX] = turnedFrom(turn, y, x, n);
          const [fromY, fromX] = [turnedY - dy, turnedX - dx];
          if (fromY < 0 || fromY >= n || fromX < 0 || fromX >= n) continue;
          const from = picture * size + (fromY * n + (flip ? n - 1 - fromX : fromX)) * channels;
          const to = i * size + (y * n + x) * channels;
          for (let c = 0; c < channels; c++) pictures[to + c] = (pixels[from + c] ?? 0) / 127.5 - 1;
        }
      }
      const row = targets.subarray(i * outputs, (i + 1) * outputs);
      if (classes > 0) aim(row.subarray(0, classes), labels[picture] ?? 0);
      if (turns) aim(row.subarray(classes), turn);
    }
    return { pictures, targets };
  };
}

/** One head's target: the right answer, a little of every other. */
function aim(head: Float32Array, right: number): void {
  head.fill(labelSmoothing / head.length);
  head[right] = (head[right] ?? 0) + 1 - labelSmoothing;
}

/** Where pixel (y, x) of a picture of `n` pixels that was given `turn` quarter turns comes from. */
export function turnedFrom(turn: number, y: number, x: number, n: number): [number, number] {
  if (turn === 0) return [y, x];
  if (turn === 1) return [n - 1 - x, y];
  if (turn === 2) return [n - 1 - y, n - 1 - x];
  return [x, n - 1 - y];
}
