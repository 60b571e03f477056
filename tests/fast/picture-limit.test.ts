// What keeps a generator's pictures within [-1, 1], and how it gets away from a picture that has saturated.
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { bounded, heldTanh } from '../../train/nn/layers.ts';
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

test('heldTanh is tanh, with its gradient up to where a level is a quarter of one from its end, and one that leads back beyond', () => {
  const x = tf.tensor2d([[-6, -4, 0.5, 4, 6]]);
  const dy = tf.tensor2d([[0, 2, 2, 2, 0]]);
  const grad = (limit: (t: tf.Tensor) => tf.Tensor) => tf.grad((t: tf.Tensor) => tf.sum(tf.mul(limit(t), dy)))(x);
  expect([...heldTanh(x).dataSync()]).toEqual([...tf.tanh(x).dataSync()]);
  const [low, ...rest] = grad(heldTanh).dataSync();
  const high = rest.pop() ?? 0;
  expect(rest).toEqual([...grad(tf.tanh).dataSync()].slice(1, 4));
  expect([low, high].map((g = 0) => g * 1e4)).toEqual([expect.closeTo(-2, 4), expect.closeTo(2, 4)]);
  // The same for a picture among two: losses are means over a batch.
  const pair = tf
    .grad((t: tf.Tensor) => tf.sum(tf.mul(heldTanh(t), 0)))(tf.tensor2d([[6], [6]]))
    .dataSync();
  expect(pair[0]).toBeCloseTo(high / 2, 10);
  expect(127.5 * (1 - Math.tanh(4))).toBeLessThan(0.25);
});

test('descent brings a saturated picture back, by the gradient or by Adam, whose steps are as long for a small one; tanh does not move', () => {
  const loss = (limit: (t: tf.Tensor) => tf.Tensor, x: tf.Tensor) =>
    tf.mean(tf.square(tf.sub(limit(x), -1))).asScalar();
  const after = (limit: (t: tf.Tensor) => tf.Tensor, optimiser: tf.Optimizer): number => {
    const x = tf.variable(tf.tensor2d([[12]]));
    for (let i = 0; i < 100; i++) optimiser.minimize(() => loss(limit, x), false, [x]);
    return limit(x).dataSync()[0] ?? Number.NaN;
  };
  expect(after(bounded, tf.train.sgd(0.1))).toBeCloseTo(-1, 3);
  expect(after(heldTanh, tf.train.adam(0.4, 0, 0.99))).toBeLessThan(-0.9);
  expect(after(tf.tanh, tf.train.sgd(0.1))).toBe(1);
  expect(after(tf.tanh, tf.train.adam(0.4, 0, 0.99))).toBe(1);
});

test('own pictures are held, those of autoencoders clipped; clothes are neither', () => {
  const limitOf = (preset: string, side: 28 | 32 | 64, family?: 'vae'): string => {
    const pictures = { width: side, height: side, channels: 1 as const, classes: ['a', 'b'], count: 500 };
    return recipeFor(preset, pictures, family ? { family } : {}).network.limit;
  };
  expect(([28, 32, 64] as const).map((side) => limitOf('auto', side))).toEqual(['held', 'held', 'held']);
  expect(([28, 64] as const).map((side) => limitOf('auto', side, 'vae'))).toEqual(['clip', 'clip']);
  expect(['quick', 'fashion-gan', 'classic'].map((name) => limitOf(name, 28))).toEqual(['tanh', 'tanh', 'tanh']);
});
