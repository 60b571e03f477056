// What keeps a generator's pictures within [-1, 1], and how it gets away from a picture that has saturated.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { bounded } from '../../train/nn/layers.ts';
import { recipeFor } from '../../train/recipe.ts';

test('bounded reaches both ends exactly, and its gradient leads back but never further out', () => {
  const x = tf.tensor1d([-3, -3, -1, 0.25, 1, 3, 3]);
  // A step of descent goes against the gradient: out, in, in, either, in, in, out.
  const dy = tf.tensor1d([1, -1, -1, 1, 1, 1, -1]);
  const { value, grad } = tf.valueAndGrad((t: tf.Tensor) => tf.sum(tf.mul(bounded(t), dy)))(x);
  expect([...bounded(x).dataSync()]).toEqual([-1, -1, -1, 0.25, 1, 1, 1]);
  expect(value.arraySync()).toBe(-1 + 1 + 1 + 0.25 + 1 + 1 - 1);
  expect([...grad.dataSync()].map((g) => g + 0)).toEqual([0, -1, -1, 1, 1, 1, 0]);
});

test('descent brings a saturated picture back in as many steps as the distance asks for; tanh does not move', () => {
  const after = (limit: (t: tf.Tensor) => tf.Tensor): number => {
    const gradient = tf.grad((t: tf.Tensor) => tf.mean(tf.square(tf.sub(limit(t), -1))));
    let x: tf.Tensor = tf.scalar(12);
    for (let i = 0; i < 100; i++) x = tf.sub(x, tf.mul(0.1, gradient(x)));
    return limit(x).arraySync() as number;
  };
  expect(after(bounded)).toBeCloseTo(-1, 3);
  expect(after(tf.tanh)).toBe(1);
});

test('autoencoders of own pictures are clipped; GANs are not, and learn more slowly from 48 px on', () => {
  const recipeOf = (preset: string, side: 28 | 32 | 48 | 64, family?: 'vae') => {
    const pictures = { width: side, height: side, channels: 1 as const, classes: ['a', 'b'], count: 500 };
    return recipeFor(preset, pictures, family ? { family } : {});
  };
  expect(recipeOf('auto', 64, 'vae').network.limit).toBe('clip');
  const own = ([28, 32, 48, 64] as const).map((side) => recipeOf('auto', side));
  expect(own.map(({ network }) => network.limit)).toEqual(['tanh', 'tanh', 'tanh', 'tanh']);
  expect(own.map(({ learningRate }) => learningRate.from)).toEqual([4e-4, 4e-4, 1e-4, 1e-4]);
  expect(['quick', 'fashion-gan', 'classic'].map((name) => recipeOf(name, 28).network.limit)).toEqual([
    'tanh',
    'tanh',
    'tanh',
  ]);
});
