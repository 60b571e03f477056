// Gradients of the two steps that train an encoder for a finished generator: against finite differences of losses written apart,
// and the ONNX graph against those.
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { createBatches } from '../../train/data/batches.ts';
import { encoderNetworks } from '../../train/families/encoder/networks.ts';
import { encoderRecipe } from '../../train/families/encoder/recipe.ts';
import type { Phase } from '../../train/families/family.ts';
import { createModel } from '../../train/families/models.ts';
import { downsample } from '../../train/nn/layers.ts';
import { plainPass } from '../../train/nn/pass.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { named, type Tensors, under, type Values } from '../../train/nn/tensors.ts';
import { smallResidual } from '../helpers/networks.ts';
import { expectGradients, type Losses, PROBE_BETA1 } from '../helpers/phase-gradients.ts';
import { randomPictures } from '../helpers/training.ts';

const CASES: [name: string, network: NetworkSpec, features: number][] = [
  ['28 px, grey, of classes, no discriminator', { ...smallResidual, resolution: 28, channels: 1, classes: 3 }, 0],
  [
    '16 px, transparent, full resolution, a discriminator’s features',
    { ...smallResidual, resolution: 16, channels: 4, classes: 2, fullWidth: 3 },
    0.7,
  ],
  ['16 px, colour, without classes', { ...smallResidual, resolution: 16, channels: 3, classes: 0 }, 0.7],
];

const PROBE = { learningRate: 0, beta2: 0.9, correction1: 1, correction2: 1, emaDecay: 0.5 };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function setup(network: NetworkSpec, features: number) {
  const recipe = {
    ...encoderRecipe(network, { generator: 'any', latents: 0.8, pixels: 3, features }, { batch: 2, images: 100 }),
    beta1: PROBE_BETA1,
  };
  const model = createModel(recipe);
  const state = model.initialState();
  // Frozen networks of some kind, and biases that are not zero: at zero a leaky ReLU has no derivative.
  for (const [i, [name, values]] of Object.entries(state).entries())
    if (/^(ema\/generator|discriminator)\/|\.bias$/.test(name) && !name.startsWith('adam'))
      values.set(randomNormals(1, 4, i, values.length).map((x) => 0.2 * x));
  const batches = createBatches(recipe, randomPictures(network, 8, 1));
  const values = (phase: Phase): Values => ({
    ...state,
    ...Object.fromEntries(Object.entries(batches(0, phase)).map(([name, data]) => [name, data.slice()])),
    ...Object.fromEntries(Object.entries(PROBE).map(([name, value]) => [name, Float32Array.of(value)])),
  });
  return { recipe, model, inputs: new Map(model.phases.map((phase) => [phase, values(phase)])) };
}

function losses({ recipe }: ReturnType<typeof setup>, phase: Phase, t: Tensors): Losses {
  const { classes } = t;
  const networks = encoderNetworks(recipe.network);
  const [latent, weights] = [named(t, 'latent'), recipe.encoder];
  const generate = (z: tf.Tensor): tf.Tensor => networks.generate(under('ema/generator', t), z, classes);
  const made = generate(latent);
  const squared = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.mean(tf.square(tf.sub(x, y)));
  const loss = (p: Tensors): tf.Tensor => {
    const ofLatents = tf.mul(weights?.latents ?? 0, squared(networks.encode(p, made, classes), latent));
    if (phase.name.startsWith('latents')) return ofLatents;
    const real = named(t, 'real');
    const again = generate(networks.encode(p, real, classes));
    const half = tf.sub(downsample(again), downsample(real));
    const pixels = tf.add(tf.mean(tf.abs(tf.sub(again, real))), tf.mean(tf.abs(half)));
    const sum = tf.add(ofLatents, tf.mul(weights?.pixels ?? 0, pixels));
    if (weights?.features === 0) return sum;
    const map = (x: tf.Tensor): tf.Tensor => networks.map(under('discriminator', t), x, plainPass);
    const apart = tf.div(squared(map(again), map(real)), tf.mean(tf.square(map(real))));
    return tf.add(sum, tf.mul(weights?.features ?? 0, apart));
  };
  return { encoder: { parameters: under('encoder', t), loss } };
}

describe.each(CASES)('%s', { timeout: 60_000 }, (_name, network, features) => {
  const given = setup(network, features);

  test.each(given.model.phases.map((phase) => [phase.name, phase] as const))('%s', async (_, phase) => {
    expect(Object.keys(phase.changes).filter((name) => /generator|discriminator/.test(name))).toEqual([]);
    await expectGradients(phase, given.inputs.get(phase) ?? {}, (tensors) => losses(given, phase, tensors));
  });
});
