// The variational autoencoder besides its gradients: sizes, the flow and its inverse, the hold on the rate, phases and recipes.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { generatorFunction } from '../../export/weights.ts';
import { trace } from '../../trace/index.ts';
import { phaseAt } from '../../train/families/family.ts';
import { createModel } from '../../train/families/models.ts';
import { createFlow } from '../../train/families/vae/flow.ts';
import { START, stepAfter } from '../../train/loop.ts';
import { initialValues } from '../../train/nn/layers.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { stream } from '../../train/nn/streams.ts';
import { type Tensors, under } from '../../train/nn/tensors.ts';
import { recipeFor, recipeSchema } from '../../train/recipe.ts';
import { smallResidual } from '../helpers/networks.ts';
import { eagerStep, phaseTensors } from '../helpers/phase-gradients.ts';
import { operators, readModel } from '../helpers/traced.ts';
import { randomPictures } from '../helpers/training.ts';
import { vaeRecipe, vaeSetup } from '../helpers/vae.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const network: NetworkSpec = { ...smallResidual, resolution: 28, channels: 1, classes: 3 };

const SIZES = ([28, 32, 64] as const).flatMap((resolution) =>
  ([1, 3, 4] as const).map((channels) => ({ resolution, channels })),
);

test.each(SIZES)(
  '$resolution px, $channels channels: pictures to latents and back, in a graph without loops',
  async (size) => {
    const spec: NetworkSpec = { ...network, ...size, fullWidth: size.channels === 1 ? 0 : 3 };
    const model = createModel(vaeRecipe(spec));
    const weights = under('ema', model.initialState());
    tf.tidy(() => {
      const all: Tensors = Object.fromEntries(
        Object.entries(model.weights).map(([name, shape]) => [name, tf.tensor(weights[name] ?? [], [...shape])]),
      );
      const pictures = tf.zeros([2, size.resolution, size.resolution, size.channels]);
      const latents = model.encode?.(all, pictures, tf.oneHot([0, 2], 3).toFloat());
      expect(latents?.shape).toEqual([2, spec.latent]);
    });

    const inputs = { latent: ['batch', spec.latent], class: ['batch', 3] };
    const { encode } = await trace(generatorFunction({ model, weights }), inputs, { name: 'generator' });
    expect(Object.keys(operators(readModel(encode())))).not.toContain('Loop');
    const session = await ort.InferenceSession.create(encode());
    const { image } = await session.run({
      latent: new ort.Tensor('float32', randomNormals(1, 3, 0, 3 * spec.latent), [3, spec.latent]),
      class: new ort.Tensor('float32', [1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3]),
    });
    await session.release();
    expect(image?.dims).toEqual([3, size.channels, size.resolution, size.resolution]);
  },
);

describe('flow', () => {
  const settings = { width: 32, layers: 3, steps: 8, draws: 1, learningRate: { from: 1, to: 1 } };
  const flow = createFlow({ ...network, latent: 6 }, settings);
  const values = initialValues(flow.parameters, 1, stream('flow'));
  const normals = randomNormals(1, 3, 0, 5 * 6);
  const parameters = (output: number): Tensors =>
    Object.fromEntries(
      flow.parameters.map(({ name, shape }) => [
        name,
        tf.tensor(
          name === 'output.weight' ? randomNormals(1, 4, 0, 32 * 6).map((x) => output * x) : (values[name] ?? []),
          [...shape],
        ),
      ]),
    );
  const classes = () => tf.oneHot([0, 1, 2, 0, 1], 3).toFloat();
  const largest = (a: tf.Tensor, b: tf.Tensor): number => Number(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);

  test('starts as no flow: latents are the normal numbers themselves', () => {
    const z = tf.tensor2d(normals, [5, 6]);
    const start = Object.fromEntries(
      flow.parameters.map(({ name, shape }) => [name, tf.tensor(values[name] ?? [], [...shape])]),
    );
    expect(largest(flow.forward(start, z, classes()), z)).toBe(0);
  });

  test('backward takes latents to the normal numbers that forward had made them of', () => {
    const p = parameters(0.05);
    const z = tf.tensor2d(normals, [5, 6]);
    const latents = flow.forward(p, z, classes());
    expect(largest(latents, z)).toBeGreaterThan(0.2);
    expect(largest(flow.backward(p, latents, classes()), z)).toBeLessThan(0.01);
  });

  /** Many steps of Euler's method on the flow's velocity. */
  function solved(p: Tensors, z: tf.Tensor, steps: number): tf.Tensor {
    for (let k = 0; k < steps; k++)
      z = tf.add(z, tf.div(flow.velocity(p, z, tf.fill([5, 1], k / steps), classes()), steps));
    return z;
  }

  test('forward solves the equation that velocity is, far nearer than Euler’s method with as many velocities', () => {
    const line = tf.tensor2d(
      Array.from({ length: 9 }, (_, i) => i / 8),
      [9, 1],
    );
    // Time as straight lines: between its points it is then smooth, as it becomes when it is trained.
    const p = { ...parameters(0.1), 'time.weight': tf.mul(line, tf.tensor2d(randomNormals(1, 5, 0, 32), [1, 32])) };
    const z = tf.tensor2d(normals, [5, 6]);
    const exact = solved(p, z, 2048);
    const error = largest(flow.forward(p, z, classes()), exact);
    expect(largest(exact, z)).toBeGreaterThan(0.5);
    expect(error).toBeLessThan(0.25 * largest(solved(p, z, 16), exact));
  });

  test('time stands between its points', () => {
    const p = parameters(0.15);
    const z = tf.tensor2d(normals, [5, 6]);
    const at = (time: number): tf.Tensor => flow.velocity(p, z, tf.fill([5, 1], time), classes());
    // Half way between two points counts neither of them whole.
    expect(largest(at(1.5 / 8), at(1 / 8))).toBeGreaterThan(1e-3);
    expect(largest(at(1.5 / 8), at(2 / 8))).toBeGreaterThan(1e-3);
  });
});

test('the KL term’s weight grows while the rate is above the recipe’s, and falls below it', () => {
  for (const rate of [0.001, 5_000]) {
    const setup = vaeSetup(network);
    const options = { ...setup.recipe, vae: { ...setup.options.vae, rate } };
    const [phase] = createModel(options).phases;
    const { next } = eagerStep(phase, setup.inputs(setup.model.phases[0]));
    const [before, after, bits = 0] = [1e-3, next['balance/rate']?.[0] ?? 0, next.rate?.[0]];
    const excess = Math.max(-1, Math.min(1, bits / rate - 1));
    expect(Math.sign(excess)).toBe(rate < 1 ? 1 : -1);
    expect(after / before).toBeCloseTo(Math.exp(0.01 * excess), 5);
  }
});

test('the rate is what a code of known numbers carries', () => {
  const setup = vaeSetup({ ...network, classes: 0 });
  const [phase] = setup.model.phases;
  const tensors = phaseTensors(phase, setup.inputs(phase));
  // A code that does not look at its picture: μ = 2, σ² = e^-1 in every number.
  for (const [name, t] of Object.entries(tensors))
    if (/^encoder\/(mean|logVariance)\.weight/.test(name)) tensors[name] = tf.zerosLike(t);
  tensors['encoder/mean.bias'] = tf.fill([5], 2);
  tensors['encoder/logVariance.bias'] = tf.fill([5], 8 * Math.atanh(-1 / 8));
  const nats = (4 + Math.exp(-1) - 1 + 1) / 2;
  expect(Number(phase.run(tensors).rate?.dataSync()[0])).toBeCloseTo((5 * nats) / Math.LN2, 3);
});

test('phases begin where the recipe says, each with Adam’s corrections of a first step', () => {
  const recipe = vaeRecipe(network, { images: 100, batch: 4, beta1: 0.5 });
  const model = createModel(recipe);
  expect(model.phases.map(({ from }) => from)).toEqual([0, 20, 80]);
  let progress = START;
  const begun: [number, string][] = [];
  while (progress.images < recipe.images) {
    const { phase, scalars, after } = stepAfter(recipe, model, progress);
    expect(phase).toBe(phaseAt(model, progress.images));
    if (scalars.correction1 === 2) begun.push([progress.images, phase.name]);
    expect(Object.keys(phase.inputs)).toEqual(expect.arrayContaining(Object.keys(scalars)));
    progress = after;
  }
  expect(begun).toEqual([
    [0, 'reconstruction'],
    [20, 'reconstruction against a discriminator'],
    [80, 'flow prior'],
  ]);
});

test('a run that a new plan takes into a later phase begins that phase as any other does', () => {
  const recipe = vaeRecipe(network, { images: 100, batch: 4, beta1: 0.5 });
  const model = createModel(recipe);
  const before = { ...START, images: 40, beta1Product: 0.25, beta2Product: 0.25 };
  // Of the run as it was planned before, this was still the first phase.
  const skipped = stepAfter(recipe, model, before, 'reconstruction');
  expect([skipped.phase.name, skipped.scalars.correction1]).toEqual(['reconstruction against a discriminator', 2]);
  expect(stepAfter(recipe, model, before).scalars.correction1).toBeCloseTo(1 / (1 - 0.125), 12);
});

test.each([
  ['vae', 'flow prior'],
  ['transformer', 'pictures of tokens'],
] as const)(
  'of what the last network of family %s began as its average keeps nothing, in the shortest run',
  (family, name) => {
    const pictures = randomPictures({ resolution: 32, channels: 4, classes: 2 }, 8, 1);
    for (const images of [2_000, 14_000, 50_000]) {
      const recipe = recipeFor('auto', pictures, { family, images });
      const model = createModel(recipe);
      let [progress, kept] = [START, 1];
      while (progress.images < recipe.images) {
        const { phase, scalars, after } = stepAfter(recipe, model, progress);
        if (phase.name === name) kept *= scalars.emaDecay ?? 1;
        progress = after;
      }
      expect([images, kept < 0.001]).toEqual([images, true]);
    }
  },
);

test('presets for any pictures train either family, the others their own; old recipes are GANs', () => {
  const pictures = randomPictures({ resolution: 32, channels: 4, classes: 2 }, 8, 1);
  expect(recipeFor('auto', pictures, { family: 'vae' })).toMatchObject({ family: 'vae', vae: { rate: 60 } });
  expect(recipeFor('auto', pictures, { family: 'vae', rate: 12 })).toMatchObject({ vae: { rate: 12, freeBits: 0.1 } });
  expect(() => recipeFor('auto', pictures, { rate: 12 })).toThrow(
    'rate: expected family vae with it, got gan, which has none; leave it out',
  );
  expect(recipeFor('auto', pictures).vae).toBeUndefined();
  expect(recipeFor('fashion-vae', pictures).family).toBe('vae');
  expect(() => recipeFor('fashion-gan', pictures, { family: 'vae' })).toThrow(
    'family: expected gan with preset fashion-gan, got vae; leave it out or take preset quick or auto',
  );
  const { family, ...old } = recipeFor('auto', pictures);
  expect(recipeSchema.parse(old)).toEqual({ ...old, family });
});
