// The Transformer besides its gradients: tokens and their order, normals to tokens and back, steps unrolled against all at once,
// completion, phases and recipes.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { generatorFunction } from '../../export/weights.ts';
import { trace } from '../../trace/index.ts';
import { createModel } from '../../train/families/models.ts';
import { choose, inverseNormal, normalsOf, runningSums } from '../../train/families/transformer/choice.ts';
import { transformerStepOptions } from '../../train/families/transformer/model.ts';
import type { Told } from '../../train/families/transformer/network.ts';
import { blockSizes, createSlots, haltonOrder, tokenCount } from '../../train/families/transformer/order.ts';
import { seenMask } from '../../train/families/transformer/steps.ts';
import { createQuantiser } from '../../train/families/transformer/tokens.ts';
import { START, stepAfter } from '../../train/loop.ts';
import { gelu, rmsNorm } from '../../train/nn/attention.ts';
import { pictureSizes } from '../../train/nn/spec.ts';
import { type Tensors, under } from '../../train/nn/tensors.ts';
import { recipeFor } from '../../train/recipe.ts';
import { operators, readModel } from '../helpers/traced.ts';
import { LEVELS, SMALL_TRANSFORMER, smallTokens, transformerRecipe, transformerSetup } from '../helpers/transformer.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const numbersOf = (x: tf.Tensor): number[] => Array.from(x.dataSync());
const largest = (a: tf.Tensor, b: tf.Tensor): number => Number(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);

describe('tokens', () => {
  const quantiser = createQuantiser([8, 5, 5, 5]);

  test('there are as many codes as levels allow, and each is the code of its own levels', () => {
    expect(quantiser.codes).toBe(1000);
    expect(numbersOf(quantiser.codeOf(quantiser.table()))).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  test('any number becomes one of the levels, small ones the nearest to them, and zero the middle', () => {
    const x = tf.tensor2d([
      [-50, -50, -50, -50],
      [50, 50, 50, 50],
      [0, 0, 0, 0],
      [0.2, 0.2, -0.4, 0.4],
    ]);
    expect(quantiser.quantise(x).arraySync()).toEqual([
      [-1, -1, -1, -1],
      [0.75, 1, 1, 1],
      [0, 0, 0, 0],
      [0.25, 0, -0.5, 0.5],
    ]);
  });

  test('the gradient goes straight through rounding', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(quantiser.quantise(x)))(tf.tensor2d([[0.3, 0.3, 0, -2]]));
    // d/dx 2.002·tanh(x) / 2 of the numbers with five levels.
    const [, second, third, last] = numbersOf(gradient);
    expect(second).toBeCloseTo(1.001 * (1 - Math.tanh(0.3) ** 2), 5);
    expect(third).toBeCloseTo(1.001, 5);
    expect(last).toBeCloseTo(1.001 * (1 - Math.tanh(2) ** 2), 5);
  });
});

describe('order', () => {
  test.each(pictureSizes)(
    '%i px: every place once, in blocks that never shrink, each token told to one of the next block',
    (size) => {
      const count = tokenCount(size);
      const { sizes, places, ofPlace, told, starts } = createSlots(Math.sqrt(count), 8);
      expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(places.map((place) => ofPlace[place])).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(sizes).toHaveLength(8);
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
      expect(sizes.reduce((a, b) => a + b, 0)).toBe(count);
      const last = starts.at(-1) ?? 0;
      expect(told.filter((at) => at >= 0)).toEqual(Array.from({ length: last }, (_, i) => i));
    },
  );

  test('it is Halton’s: bases 2 across and 3 down, and early places lie in all quarters', () => {
    // 1/2, 1/4, 3/4, 1/8 across; 1/3, 2/3, 1/9, 4/9 down.
    expect(haltonOrder(4).slice(0, 4)).toEqual([4 + 2, 8 + 1, 0 + 3, 4 + 0]);
    expect(blockSizes(16, 8)).toEqual([1, 1, 1, 2, 2, 3, 3, 3]);
    expect(blockSizes(4, 8)).toEqual([1, 1, 1, 1]);
  });
});

describe('choice', () => {
  const probabilities = tf.softmax(tf.tensor2d(randomNormals(1, 3, 0, 4 * 1000), [4, 1000]));

  test('running sums in two levels are those one after another', () => {
    expect(largest(runningSums(probabilities), tf.cumsum(probabilities, 1))).toBeLessThan(1e-6);
  });

  test('a normal picks the token whose part of the line its quantile lies in; the ends pick what can be', () => {
    const few = tf.tensor2d([[0, 0.25, 0.5, 0.25, 0]]);
    const at = (z: number): number => numbersOf(choose(few, tf.tensor2d([[z]])))[0] ?? -1;
    // Φ(−0.68) = 0.248, Φ(−0.67) = 0.251, Φ(0.67) = 0.749, Φ(0.68) = 0.752.
    expect([-9, -0.68, -0.67, 0, 0.67, 0.68, 9].map(at)).toEqual([0, 1, 2, 2, 2, 3, 3]);
  });

  test('normals of tokens pick those tokens again', () => {
    const tokens = Array.from({ length: 100 }, (_, i) => 10 * i + (i % 10));
    const rows = tf.concat(
      Array.from({ length: 25 }, () => probabilities),
      0,
    );
    const z = normalsOf(rows, tf.oneHot(tokens, 1000).toFloat());
    expect(numbersOf(choose(rows, z))).toEqual(tokens);
  });

  test('the inverse of the normal distribution is right to six digits over all that float32 tells apart', () => {
    // scipy.stats.norm.ppf of these.
    const known: [number, number][] = [
      [1e-6, -4.753424],
      [0.001, -3.090232],
      [0.02, -2.053749],
      [0.3, -0.524401],
      [0.5, 0],
      [0.9, 1.281552],
    ];
    const got = numbersOf(inverseNormal(tf.tensor1d(known.map(([u]) => u))));
    known.forEach(([, z], i) => {
      expect(got[i]).toBeCloseTo(z, 4);
    });
  });
});

describe('network', () => {
  const setup = transformerSetup(smallTokens);
  const { tokens, networks } = setup.options;
  const values = under('ema', setup.model.initialState());
  const all = (): Tensors =>
    Object.fromEntries(
      Object.entries(setup.model.weights).map(([name, shape]) => {
        const start = values[name] ?? new Float32Array();
        // Larger than they start, so that tokens depend on each other.
        const by = /prediction|codes|slots|classes|pixels/.test(name) ? 4 : 1;
        return [
          name,
          tf.tensor(
            start.map((x) => by * x),
            [...shape],
          ),
        ];
      }),
    );
  const own = (): Tensors => under('transformer', all());
  const classes = (): tf.Tensor => tf.oneHot([0, 1, 1], 2).toFloat();
  const normals = (): tf.Tensor => tf.tensor2d(randomNormals(2, 3, 0, 3 * 16), [3, 16]);

  test('what is drawn in steps has the probabilities of all steps at once: its normals are those of its tokens', () => {
    const p = own();
    const codes = tokens.draw(p, normals(), { classes: classes() });
    expect(new Set(numbersOf(codes)).size).toBeGreaterThan(4);
    const back = tokens.undraw(p, codes, { classes: classes() });
    expect(numbersOf(tokens.draw(p, back, { classes: classes() }))).toEqual(numbersOf(codes));
    // Another class, other probabilities.
    const other = tokens.predict(p, codes, { classes: tf.oneHot([1, 0, 0], 2).toFloat() });
    expect(largest(other, tokens.predict(p, codes, { classes: classes() }))).toBeGreaterThan(0.01);
  });

  test('a guided class moves the logits further from those of any class, in all steps at once as in one after another', () => {
    const transformer = { ...SMALL_TRANSFORMER, guidance: 3 };
    const { tokens: guided } = transformerStepOptions({ ...setup.recipe, transformer });
    const [p, z] = [own(), normals()];
    const draw = (by: typeof tokens, told: Told): number[] => numbersOf(by.draw(p, z, told));
    const codes = draw(guided, { classes: classes() });
    expect(codes).not.toEqual(draw(tokens, { classes: classes() }));
    const back = guided.undraw(p, tf.tensor2d(codes, [3, 16]), { classes: classes() });
    expect(numbersOf(guided.draw(p, back, { classes: classes() }))).toEqual(codes);
    // The first token knows no other: its probabilities are those that Ho and Salimans give.
    const [first = 0] = createSlots(4, 5).places;
    const logs = (told: Told): number[] =>
      numbersOf(tf.slice(tokens.predict(p, tf.zeros([3, 16]), told), [0, first, 0], [1, 1, -1]));
    const [of, any] = [logs({ classes: classes() }), logs({})];
    const probabilities = tf.softmax(tf.tensor2d([of.map((x, i) => (any[i] ?? 0) + 3 * (x - (any[i] ?? 0)))]));
    expect(codes[first]).toBe(numbersOf(choose(probabilities, tf.slice(z, [0, first], [1, 1])))[0]);
    // No class, no guidance: to the last bit what it was.
    expect(draw(guided, { classes: tf.zeros([3, 2]) })).toEqual(draw(tokens, {}));
  });

  test('a prediction knows the tokens of the blocks before it, and of no other', () => {
    const p = own();
    const slots = createSlots(4, 5);
    const base = Array.from({ length: 16 }, (_, i) => i % 12);
    const blockOf = (slot: number): number => slots.starts.filter((start) => start <= slot).length;
    const predict = (codes: number[]): tf.Tensor => tokens.predict(p, tf.tensor2d([codes]), {});
    const before = predict(base).arraySync() as number[][][];
    for (const changedSlot of [0, 3, 15]) {
      const place = slots.places[changedSlot] ?? 0;
      const after = predict(base.map((code, i) => (i === place ? (code + 5) % 12 : code))).arraySync() as number[][][];
      for (let at = 0; at < 16; at++) {
        const moved = Math.max(...(after[0]?.[at] ?? []).map((x, k) => Math.abs(x - (before[0]?.[at]?.[k] ?? 0))));
        const knows = blockOf(slots.ofPlace[at] ?? 0) > blockOf(changedSlot);
        if (knows) expect(moved).toBeGreaterThan(1e-4);
        else expect(moved).toBeLessThan(1e-6);
      }
    }
  });

  test('a picture encoded is drawn again as its tokens draw it', () => {
    const { model } = setup;
    const weights = all();
    const pictures = tf.tanh(tf.tensor4d(randomNormals(3, 3, 0, 3 * 768), [3, 16, 16, 3]));
    const latents = model.encode?.(weights, pictures, classes());
    if (!latents) throw new Error('expected a way back');
    const levels = networks.levels(under('encoder', weights), pictures);
    const expected = networks.generate(under('decoder', weights), tf.reshape(levels, [3, -1]), classes());
    expect(largest(model.generate(weights, latents, classes()), expected)).toBeLessThan(1e-5);
    const told = model.tokens?.(weights, pictures, classes());
    expect(numbersOf(told?.codes ?? tf.scalar(0))).toEqual(numbersOf(networks.quantiser.codeOf(levels)));
    expect(Math.min(...numbersOf(told?.bits ?? tf.scalar(0)))).toBeGreaterThan(16);
  });

  test('what is seen stays to the last bit, and changes what is drawn beside it', () => {
    const { model } = setup;
    const weights = all();
    const pictures = tf.tanh(tf.tensor4d(randomNormals(4, 3, 0, 3 * 768), [3, 16, 16, 3]));
    const mask = tf.concat([tf.ones([3, 8, 16, 1]), tf.zeros([3, 8, 16, 1])], 1);
    const z = normals();
    const complete = (given: tf.Tensor): tf.Tensor =>
      model.complete?.(weights, given, mask, z, classes()) ?? tf.scalar(0);
    const upper = (x: tf.Tensor): tf.Tensor => tf.slice(x, [0, 0], [3, 8]);
    const lower = (x: tf.Tensor): tf.Tensor => tf.slice(x, [0, 8], [3, 8]);
    const made = complete(pictures);
    expect(largest(upper(made), upper(pictures))).toBe(0);
    expect(largest(lower(complete(tf.neg(pictures))), lower(made))).toBeGreaterThan(0.01);
    // What is hidden is not looked at.
    const other = tf.concat([upper(pictures), tf.zeros([3, 8, 16, 3])], 1);
    expect(largest(complete(other), made)).toBe(0);
  });

  test('the generator is one graph without loops or scans, for any batch, whose rows know nothing of each other', async () => {
    const inputs = { latent: ['batch', 16], class: ['batch', 2] };
    const { encode } = await trace(generatorFunction({ model: setup.model, weights: values }), inputs, {
      name: 'generator',
    });
    const found = Object.keys(operators(readModel(encode())));
    for (const avoided of ['Loop', 'Scan', 'CumSum', 'TopK', 'ScatterElements']) expect(found).not.toContain(avoided);
    const session = await ort.InferenceSession.create(encode());
    const z = randomNormals(5, 3, 0, 5 * 16);
    const draw = async (rows: number[]): Promise<number[]> => {
      const feeds = {
        latent: new ort.Tensor(
          'float32',
          rows.flatMap((i) => [...z.subarray(16 * i, 16 * i + 16)]),
          [rows.length, 16],
        ),
        class: new ort.Tensor(
          'float32',
          rows.flatMap((i) => [i % 2, 1 - (i % 2)]),
          [rows.length, 2],
        ),
      };
      return Array.from((await session.run(feeds)).image?.data as Float32Array);
    };
    const together = await draw([0, 1, 2, 3, 4]);
    expect(together).toHaveLength(5 * 768);
    expect(Math.max(...(await draw([3])).map((x, i) => Math.abs(x - (together[3 * 768 + i] ?? 0))))).toBeLessThan(1e-5);
    await session.release();
  });
});

test('ONNX Runtime finds RMS norm and GELU in the chains that are traced, and runs each as one operator', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-fused-'));
  const p = { 'look.scale': tf.tensor1d(randomNormals(1, 3, 0, 8)) };
  const { encode } = await trace(({ x }) => ({ y: gelu(rmsNorm(p, 'look', x)) }), { x: ['batch', 8] });
  const optimizedModelFilePath = join(folder, 'optimised.onnx');
  const session = await ort.InferenceSession.create(encode(), {
    graphOptimizationLevel: 'extended',
    optimizedModelFilePath,
  });
  await session.release();
  expect(operators(readModel(readFileSync(optimizedModelFilePath)))).toEqual({
    SimplifiedLayerNormalization: 1,
    Gelu: 1,
  });
  rmSync(folder, { recursive: true });
});

test('what is hidden is a rectangle or all but one, a part of the picture in most cases', () => {
  const mask = seenMask(
    tf.tensor2d([
      [0.5, 1, 0, 1, 0.9],
      [0.25, 0.5, 0.25, 0.5, 0.1],
    ]),
    8,
  );
  const [around, inside] = mask.arraySync() as number[][][][];
  // Ends of 0.5·1.5 − 0.25 = 0.5 and 1.25 down, −0.25 and 1.25 across: the lower half is hidden.
  expect(around?.map((row) => row.flat().join(''))).toEqual([
    ...Array(4).fill('11111111'),
    ...Array(4).fill('00000000'),
  ]);
  expect(inside?.flat(2).reduce((a, b) => a + b, 0)).toBe(9);
});

test('phases begin where the recipe says; the learning rate of the third rises first', () => {
  const recipe = transformerRecipe(smallTokens, { images: 100_000, batch: 10 });
  const { phases } = createModel(recipe);
  expect(phases.map(({ from }) => from)).toEqual([0, 10_000, 60_000]);
  const rate = (images: number): number => phases[2]?.scalars(images).learningRate ?? 0;
  expect(rate(60_000)).toBeCloseTo(2e-6, 7);
  expect(rate(65_000)).toBeGreaterThan(9e-4);
  expect(rate(99_990)).toBeLessThan(2e-5);
  // Its optimiser has a momentum of its own, which the first step corrects for.
  const still = { ...recipe, beta1: 0, transformer: { ...transformerStepOptions(recipe).transformer, beta1: 0.9 } };
  expect(stepAfter(still, createModel(still), { ...START, images: 60_000 }).scalars.correction1).toBeCloseTo(10, 9);
  expect(LEVELS).toHaveLength(2);
});

test('the latent has a number a token, whatever the preset says', () => {
  const pictures = { width: 64, height: 64, channels: 4 as const, classes: [], count: 900 };
  const { network, transformer, augment } = recipeFor('auto', pictures, { family: 'transformer' });
  expect(network).toMatchObject({ latent: 64, limit: 'clip' });
  expect(transformer?.levels).toEqual([8, 5, 5, 5]);
  expect(augment.kinds).not.toHaveLength(0);
  const small = { ...pictures, width: 28, height: 28, channels: 1 as const, classes: ['a', 'b'] };
  expect(recipeFor('fashion-transformer', small).network.latent).toBe(16);
});
