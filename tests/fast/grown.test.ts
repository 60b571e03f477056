// A grown pair of networks begins where the smaller one is: it draws the same pictures, enlarged, and judges enlarged pictures alike.

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { grown, grownDiscriminator, grownGenerator } from '../../train/nn/grown.ts';
import { initialValues, upsample } from '../../train/nn/layers.ts';
import { createNetworks } from '../../train/nn/networks.ts';
import { plainPass } from '../../train/nn/pass.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import type { Tensors, Values } from '../../train/nn/tensors.ts';
import { recipeFor } from '../../train/recipe.ts';
import { goingOn } from '../../train/trainer.ts';
import { smallResidual } from '../helpers/networks.ts';

const small: NetworkSpec = {
  ...smallResidual,
  ...{ resolution: 32, channels: 1, classes: 2, width: 16, fullWidth: 8, features: 16 },
};
const large = grown(small);
const BATCH = 24;

beforeAll(() => tf.setBackend('cpu'));

function tensorsOf(specs: readonly { name: string; shape: readonly number[] }[], values: Values): Tensors {
  return Object.fromEntries(specs.map(({ name, shape }) => [name, tf.tensor(values[name] ?? [], [...shape])]));
}

/** Networks with the values they begin with and, of the smaller ones, some that were learnt: biases are no longer zero. */
function pair(spec: NetworkSpec, seed: number) {
  const networks = createNetworks(spec);
  const [generator, discriminator] = [networks.generatorParameters, networks.discriminatorParameters].map((specs, i) =>
    initialValues(
      specs.map((one) => ({ ...one, deviation: one.deviation || 0.1 })),
      seed,
      i,
    ),
  ) as [Values, Values];
  return { networks, generator, discriminator };
}

describe('grown networks', () => {
  if (!large) throw new Error('expected networks that can grow');
  const [before, after] = [pair(small, 1), pair(large, 2)];
  // Of the dense layer's 32 channels 16 are kept; that those are the ones that count can be seen where they are all there is.
  for (const name of ['input.weight', 'input.bias'])
    before.generator[name] = (before.generator[name] ?? new Float32Array()).map((x, i) => (i % 128 < 64 ? x : 0));
  const latent = tf.randomNormal([BATCH, small.latent], 0, 1, 'float32', 3);
  const classes = tf.oneHot(
    Array.from({ length: BATCH }, (_, i) => i % 2),
    2,
  ) as tf.Tensor;

  test('are half as wide, and have every layer that the smaller ones had', () => {
    expect(large).toMatchObject({ resolution: 64, width: 8, fullWidth: 4, latent: 5, classes: 2 });
    const values = grownGenerator(small, before.generator, after.generator);
    expect(values['up1.weight']).toBe(before.generator['up1.weight']);
    expect(values['stage2.block0.weight']).toBe(before.generator['full.weight']);
    for (const { name, shape } of after.networks.generatorParameters)
      expect(values[name], name).toHaveLength(shape.reduce((a, b) => a * b));
  });

  test('draw the same pictures, enlarged', () => {
    const draw = ({ networks }: typeof before, values: Values): tf.Tensor =>
      networks.generate(tensorsOf(networks.generatorParameters, values), latent, classes);
    const old = draw(before, before.generator);
    const now = draw(after, grownGenerator(small, before.generator, after.generator));
    const enlarged = tf.tanh(upsample(tf.atanh(old)));
    const spread = Math.sqrt(tf.moments(enlarged).variance.arraySync() as number);
    const away = tf.mean(tf.abs(tf.sub(now, enlarged))).arraySync() as number;
    expect(spread).toBeGreaterThan(0.3);
    expect(away).toBeLessThan(0.2 * spread);
    // As they would begin alone, they would draw others.
    const alone = tf.mean(tf.abs(tf.sub(draw(after, after.generator), enlarged))).arraySync() as number;
    expect(alone).toBeGreaterThan(0.5 * spread);
  });

  test('judge enlarged pictures as the smaller ones judged them', () => {
    const judge = ({ networks }: typeof before, values: Values, pictures: tf.Tensor): number[] =>
      Array.from(
        networks
          .discriminate(tensorsOf(networks.discriminatorParameters, values), pictures, classes, plainPass)
          .dataSync(),
      );
    // Smooth, as pictures are.
    const pictures = upsample(upsample(tf.randomNormal([BATCH, 8, 8, 1], 0, 1, 'float32', 4)));
    const old = judge(before, before.discriminator, pictures);
    const values = grownDiscriminator(small, before.discriminator, after.discriminator);
    expect(correlation(old, judge(after, values, upsample(pictures)))).toBeGreaterThan(0.9);
    expect(Math.abs(correlation(old, judge(after, after.discriminator, upsample(pictures))))).toBeLessThan(0.7);
  });
});

function correlation(a: readonly number[], b: readonly number[]): number {
  const centred = (list: readonly number[]): number[] => {
    const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
    return list.map((x) => x - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  const product = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, value, i) => sum + value * (q[i] ?? 0), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

test.each<[string, Partial<NetworkSpec>]>([
  ['without a stage at the full resolution', { fullWidth: 0 }],
  ['where that is not half as wide as the next', { fullWidth: 6 }],
  ['where the new one would be too narrow for the picture’s channels', { channels: 4 }],
  ['where the widest maps are at their limit', { resolution: 64 }],
  ['beyond the largest pictures', { resolution: 128 }],
])('networks do not grow %s', (_, changes) => {
  expect(grown({ ...small, ...changes })).toBeUndefined();
});

test.each([
  [1, 16, 12, 'one channel'],
  [3, 48, 32, '3 channels'],
  [4, 64, 60, '4 channels'],
] as const)(
  'pictures of %i channels want networks of width %i to grow, which is said of narrower ones',
  (channels, width, narrow, of) => {
    const recipe = (side: number, width?: number) =>
      recipeFor(
        'auto',
        { ...{ width: side, height: side }, ...{ channels, classes: [], count: 100 } },
        width ? { width } : {},
      );
    const made = recipe(32, narrow);
    const trainer = { ...{ recipe: made, classes: [], images: 8 }, ...{ values: {}, sha256: '' } };
    expect(grown(recipe(32, width).network)).toBeDefined();
    expect(() => goingOn({ name: 'small', trainer }, recipe(64), [])).toThrow(
      `going on from small: expected networks of --width ${width} to grow to pictures of side 64 (16 for each of their ${of}), ` +
        `got --width ${narrow}; make the run of side 32 again with --width ${width}`,
    );
    expect(() => goingOn({ name: 'small', trainer }, recipe(48), [])).toThrow(
      'expected pictures of side 32, as it has, got',
    );
  },
);
