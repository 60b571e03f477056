// A training step on random numbers: networks, state and inputs, and the gradients that come out of the step.

import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { randomNormals, randomWords } from '../../contract/random.ts';
import { createBatches } from '../../train/data/batches.ts';
import { pictureSet } from '../../train/data/picture-set.ts';
import type { PictureSet } from '../../train/data/types.ts';
import { traceStep } from '../../train/engines/onnx.ts';
import type { Model, Phase } from '../../train/families/family.ts';
import { stepOptions } from '../../train/families/gan/model.ts';
import { createStep, inputShapes, SCALARS, type StepOptions, stateShapes } from '../../train/families/gan/step.ts';
import { createModel } from '../../train/families/models.ts';
import type { Augmentation } from '../../train/nn/augmentation.ts';
import { trainedParameters } from '../../train/nn/layers.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import type { Shapes, Values } from '../../train/nn/tensors.ts';
import type { Recipe } from '../../train/recipe.ts';

type Scalars = Record<(typeof SCALARS)[number], number>;

export interface Setup {
  readonly recipe: Recipe;
  readonly options: StepOptions;
  readonly model: Model;
  readonly phase: Phase;
  readonly state: Values;
  /** Inputs of the n-th step. */
  inputs(n: number): Values;
}

export interface SetupOptions {
  readonly loss?: StepOptions['loss'];
  readonly penalty?: boolean;
  readonly augment?: readonly Augmentation[];
  readonly batch?: number;
  readonly beta1?: number;
  readonly seed?: number;
}

export function randomPictures(
  network: Pick<NetworkSpec, 'resolution' | 'channels' | 'classes'>,
  count: number,
  seed: number,
): PictureSet {
  const { resolution, channels, classes } = network;
  const words = randomWords(seed, 3, 0, count * resolution ** 2 * channels + count);
  return pictureSet({
    name: 'random',
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
    width: resolution,
    height: resolution,
    channels,
    pixels: Uint8Array.from(words.subarray(count), (w) => w & 255),
    labels: Uint8Array.from(words.subarray(0, count), (w) => (classes > 0 ? w % classes : 0)),
    note: 'random numbers',
  });
}

/** Vectors that start as one number in every place. */
const VECTOR = /\.(bias|shift|mean|scale|variance)$/;

/**
 * Networks as a run would start them, but with biases that are not zero: at zero a leaky ReLU has no derivative. Pictures that
 * are clipped stay inside, as outside their gradient is another than the derivative on purpose (picture-limit.test.ts).
 */
export function setup(network: NetworkSpec, given: SetupOptions = {}): Setup {
  const { loss = 'relativistic', penalty = true, augment = [], batch = 2, beta1 = 0, seed = 1 } = given;
  const schedule = { from: 0, to: 0 };
  const recipe: Recipe = {
    preset: 'test',
    family: 'gan',
    network,
    loss,
    penalty,
    augment: { kinds: [...augment], probability: { from: 0.8, to: 0.8 } },
    mirror: false,
    batch,
    images: 1000 * batch,
    seed,
    learningRate: schedule,
    beta1,
    beta2: schedule,
    gamma: schedule,
    emaHalfLife: schedule,
  };
  const options = stepOptions(recipe);
  const model = createModel(recipe);
  const state = model.initialState();
  for (const [i, [name, values]] of Object.entries(state).entries()) {
    if (!VECTOR.test(name) || name.startsWith('adam')) continue;
    const start = values[0] ?? 0;
    values.set(randomNormals(seed, 4, i, values.length).map((x) => start + 0.1 * x));
  }
  if (network.limit === 'clip') {
    const drawn = Object.entries(state).filter(([name]) => /^generator\/(picture|smooth|detail)\.weight$/.test(name));
    for (const [, values] of drawn) values.set(values.map((x) => x / 20));
  }
  const batches = createBatches(recipe, randomPictures(network, 4 * batch, seed));
  const [phase] = model.phases;
  batches(0, phase); // Makes its buffers, which are to hold float32 also for those who ask inside inFloat64().
  return { recipe, options, model, phase, state, inputs: (n) => batches(n * batch, phase) };
}

/** With these the step changes no parameter, and its first moments show the gradients; see `gradientsFrom`. */
export const PROBE: Scalars = {
  learningRate: 0,
  beta2: 0.9,
  correction1: 1,
  correction2: 1,
  gamma: 0.7,
  emaDecay: 0.5,
};

const PROBE_BETA1 = 0.5;

/** From moments after a step with β1 = ½ that started at zero: m = ½·g. */
function gradientsFrom(moment: (name: string) => ArrayLike<number>, options: StepOptions): Record<string, number[]> {
  const names = [
    ...trainedParameters(options.networks.generatorParameters).map(({ name }) => `generator/${name}`),
    ...options.networks.discriminatorParameters.map(({ name }) => `discriminator/${name}`),
  ];
  return Object.fromEntries(
    names.map((name) => [name, Array.from(moment(`adam.m/${name}`), (m) => m / (1 - PROBE_BETA1))]),
  );
}

/** Plain arrays, so that the precision is that of the backend. */
export function asTensors(values: Values, shapes: Record<string, readonly number[]>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const data = values[name];
      if (!data) throw new Error(`test: expected values for ${name}`);
      return [name, tf.tensor(Array.from(data), [...shape], 'float32')];
    }),
  );
}

export const scalarValues = (scalars: Scalars): Values =>
  Object.fromEntries(SCALARS.map((name) => [name, Float32Array.of(scalars[name])]));

function probe({ options, state }: Setup): {
  options: StepOptions;
  shapes: Shapes;
  state: Values;
} {
  const probing = { ...options, beta1: PROBE_BETA1 };
  const zeros: Values = {};
  for (const [name, shape] of Object.entries(stateShapes(probing))) {
    zeros[name] = state[name] ?? new Float32Array(shape.reduce((a, b) => a * b, 1));
  }
  return { options: probing, shapes: { ...stateShapes(probing), ...inputShapes(probing) }, state: zeros };
}

/** The step's gradients on the current tfjs backend, by `generator/…` and `discriminator/…`. */
export function eagerGradients(given: Setup): Record<string, number[]> {
  const { options, shapes, state } = probe(given);
  const values = { ...state, ...given.inputs(0), ...scalarValues(PROBE) };
  const moments: Record<string, number[]> = {};
  tf.tidy(() => {
    const result = createStep(options).run(asTensors(values, shapes));
    for (const [name, t] of Object.entries(result)) if (name.startsWith('adam.m/')) moments[name] = [...t.dataSync()];
  });
  return gradientsFrom((name) => moments[name] ?? [], options);
}

/** The same from the ONNX graph on onnxruntime-node. */
export async function tracedGradients(given: Setup): Promise<Record<string, number[]>> {
  const { options, shapes, state } = probe(given);
  const values = { ...state, ...given.inputs(0), ...scalarValues(PROBE) };
  const session = await ort.InferenceSession.create(await traceStep(createStep(options)));
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, dims]) => [name, new ort.Tensor('float32', values[name] as Float32Array, dims)]),
  );
  const result = await session.run(feeds);
  await session.release();
  return gradientsFrom((name) => (result[`next/${name}`]?.data ?? []) as Float32Array, options);
}

/** Numbers of the n-th step of a run, counted from 0, with constant schedules. */
export function scalarsAt(n: number, beta1: number): Scalars {
  const beta2 = 0.95;
  return {
    learningRate: 2e-3,
    beta2,
    correction1: 1 / (1 - beta1 ** (n + 1)),
    correction2: 1 / (1 - beta2 ** (n + 1)),
    gamma: 0.3,
    emaDecay: 0.9,
  };
}

/** The state in the middle of a run: second moments between 1e-4 and 1, first moments of any sign. */
export function warmed(state: Values, seed = 1): Values {
  return Object.fromEntries(
    Object.entries(state).map(([name, values], i) => {
      if (!name.startsWith('adam')) return [name, values];
      const drawn = randomNormals(seed, 6, i, values.length);
      return [name, name.startsWith('adam.v') ? drawn.map((x) => 1e-4 + Math.min(1, x * x)) : drawn];
    }),
  );
}
