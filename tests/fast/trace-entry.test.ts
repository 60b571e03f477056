// The entry of pocketgen/trace: what it declares, keeps, restores and refuses.
import { fromBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs';
import { ModelProtoSchema } from 'onnx-buf';
import * as ort from 'onnxruntime-node';
import { beforeEach, describe, expect, test } from 'vitest';
import { NEXT, type TracedModel, trace, UserError } from '../../trace/index.ts';
import { largestDifference } from '../helpers/traced.ts';

const start = (model: TracedModel): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(model.encode(), { logSeverityLevel: 3 });
const floats = (shape: number[], ...values: number[]): ort.Tensor => new ort.Tensor('float32', values, shape);

beforeEach(async () => {
  await tf.setBackend('cpu');
});

describe('what a model declares', () => {
  test('inputs of any element type and outputs of a record, a list or one tensor', async () => {
    const model = await trace(({ x, i, b }) => [tf.where(b, x, tf.neg(x)), tf.add(i, tf.scalar(1, 'int32'))], {
      x: ['batch', 2],
      i: { shape: [3], dtype: 'int32' },
      b: { shape: ['batch', 2], dtype: 'bool' },
    });
    expect(model.inputs).toEqual([
      { name: 'x', dtype: 'float32', shape: ['batch', 2] },
      { name: 'i', dtype: 'int32', shape: [3] },
      { name: 'b', dtype: 'bool', shape: ['batch', 2] },
    ]);
    expect(model.outputs.map(({ name, dtype }) => ({ name, dtype }))).toEqual([
      { name: 'output_0', dtype: 'float32' },
      { name: 'output_1', dtype: 'int32' },
    ]);
    const results = await (await start(model)).run({
      x: floats([1, 2], 3, 4),
      i: new ort.Tensor('int32', [5, 6, 7], [3]),
      b: new ort.Tensor('bool', [1, 0], [1, 2]),
    });
    expect([...((results.output_0?.data ?? []) as Float32Array)]).toEqual([3, -4]);
    expect([...((results.output_1?.data ?? []) as Int32Array)]).toEqual([6, 7, 8]);
  });

  test('its name, description and metadata', async () => {
    const { encode } = await trace(
      ({ x }) => tf.exp(x),
      { x: [] },
      {
        name: 'power',
        description: 'e to the x',
        metadata: { author: 'somebody' },
      },
    );
    const proto = fromBinary(ModelProtoSchema, encode());
    expect(proto.graph?.name).toBe('power');
    expect(proto.docString).toBe('e to the x');
    expect(proto.metadataProps.map(({ key, value }) => [key, value])).toEqual([['author', 'somebody']]);
  });

  test('equal functions give equal bytes', async () => {
    const once = () =>
      trace(({ x }) => tf.grad((y: tf.Tensor) => tf.mean(tf.softmax(tf.maxPool(y as tf.Tensor4D, 2, 2, 'same'))))(x), {
        x: [2, 5, 5, 3],
      });
    const [first, second] = [await once(), await once()];
    expect(Buffer.compare(first.encode(), second.encode())).toBe(0);
  });
});

test('tensors that share their values, of another type or shape, are constants of their own', async () => {
  const whole = tf.tensor1d([1, 2, 3, 4], 'int32');
  const model = await trace(
    ({ x }) => ({
      a: tf.add(x, tf.cast(whole, 'float32')),
      b: tf.gather(x, whole.sub(tf.scalar(1, 'int32'))),
      c: whole.reshape([2, 2]),
    }),
    { x: [4] },
  );
  const { a, b, c } = await (await start(model)).run({ x: floats([4], 10, 20, 30, 40) });
  expect([...((a?.data ?? []) as Float32Array)]).toEqual([11, 22, 33, 44]);
  expect([...((b?.data ?? []) as Float32Array)]).toEqual([10, 20, 30, 40]);
  expect(c?.dims).toEqual([2, 2]);
  const [shared, square] = [tf.cast(whole, 'float32'), tf.reshape(whole, [2, 2])]; // the same values on cpu
  const outside = await trace(({ x }) => [tf.add(x, shared), tf.add(square, square), tf.add(whole, whole)], { x: [4] });
  const { output_0, output_1, output_2 } = await (await start(outside)).run({ x: floats([4], 10, 20, 30, 40) });
  expect(output_0?.type).toBe('float32');
  expect(output_1?.dims).toEqual([2, 2]);
  expect([output_2?.type, ...((output_2?.data ?? []) as Int32Array)]).toEqual(['int32', 2, 4, 6, 8]);
});

test('traces that are started together take turns', async () => {
  const traced = [1, 2, 3].map((n) => trace(({ x }) => tf.mul(tf.exp(x), n), { x: ['batch', 2] }));
  const failing = trace(({ x }) => tf.unique(x).values, { x: [2] });
  await expect(failing).rejects.toThrow(/got Unique/);
  for (const [i, model] of (await Promise.all(traced)).entries()) {
    const { output } = await (await start(model)).run({ x: floats([1, 2], 0, 0) });
    expect([...((output?.data ?? []) as Float32Array)]).toEqual([i + 1, i + 1]);
  }
  expect(tf.getBackend()).toBe('cpu');
});

describe('variables', () => {
  test('are constants with the values they have now', async () => {
    const scale = tf.variable(tf.tensor1d([2, 3]));
    const model = await trace(({ x }) => tf.mul(x, scale), { x: [2] });
    scale.assign(tf.tensor1d([0, 0]));
    const { output } = await (await start(model)).run({ x: floats([2], 10, 10) });
    expect([...((output?.data ?? []) as Float32Array)]).toEqual([20, 30]);
    scale.dispose();
  });

  test('are inputs if asked, by their names, and outputs where they are assigned to', async () => {
    const total = tf.variable(tf.tensor1d([1, 2]), true, 'total');
    const factor = tf.variable(tf.scalar(3));
    const before = tf.memory().numTensors;
    const model = await trace(
      ({ x }) => {
        total.assign(tf.add(total, tf.mul(x, factor)));
        return { doubled: tf.mul(2, total) };
      },
      { x: [2] },
      { variables: 'inputs' },
    );
    expect(model.inputs.map(({ name }) => name)).toEqual(['x', 'variable_0', 'total']);
    expect(model.outputs.map(({ name }) => name)).toEqual(['doubled', `${NEXT}total`]);
    expect(Object.keys(model.variables)).toEqual(['variable_0', 'total']);
    // The trace left no tensor behind and changed no value.
    expect(tf.memory().numTensors).toBe(before);
    expect([...total.dataSync()]).toEqual([1, 2]);
    const results = await (await start(model)).run({
      x: floats([2], 1, 10),
      total: floats([2], 1, 2),
      variable_0: floats([], 3),
    });
    expect([...((results[`${NEXT}total`]?.data ?? []) as Float32Array)]).toEqual([4, 32]);
    expect([...((results.doubled?.data ?? []) as Float32Array)]).toEqual([8, 64]);
    tf.dispose([total, factor]);
  });

  test('that are assigned to cannot be constants', async () => {
    const count = tf.variable(tf.scalar(0), false, 'count');
    await expect(
      trace(
        ({ x }) => {
          count.assign(tf.add(count, 1));
          return x;
        },
        { x: [1] },
      ),
    ).rejects.toThrow(/expected a function that changes no variable, got one that assigns to count; .*'inputs'/);
    expect(count.dataSync()[0]).toBe(0);
    count.dispose();
  });

  test('moving averages of batch normalisation are state of a training step', async () => {
    const layer = tf.layers.batchNormalization({ inputShape: [3], momentum: 0.5 });
    const model = tf.sequential({ layers: [layer] });
    const traced = await trace(
      ({ x }) => model.apply(x, { training: true }) as tf.Tensor,
      { x: [4, 3] },
      { variables: 'inputs' },
    );
    expect(traced.outputs.filter(({ name }) => name.startsWith(NEXT))).toHaveLength(2);
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [4, 3]);
    const feeds = Object.entries(traced.variables).map(([name, v]) => [name, floats(v.shape, ...v.dataSync())]);
    const results = await (await start(traced)).run({
      ...Object.fromEntries(feeds),
      x: floats([4, 3], ...x.dataSync()),
    });
    model.apply(x, { training: true });
    for (const [name, variable] of Object.entries(traced.variables)) {
      const next = results[NEXT + name];
      if (next) expect(largestDifference(next.data as Float32Array, variable.dataSync()), name).toBeLessThan(1e-5);
    }
  });

  test.each(['sgd', 'momentum', 'adam', 'adamax', 'rmsprop', 'adagrad', 'adadelta'] as const)(
    'tf.train.%s: five steps are those of tfjs, its state made while it is traced',
    async (kind) => {
      const optimizer = kind === 'momentum' ? tf.train.momentum(0.05, 0.9) : tf.train[kind](0.05);
      const weights = tf.variable(tf.tensor2d([0.5, -1, 2, 0.1], [4, 1]), true);
      const step = (x: tf.Tensor, y: tf.Tensor): tf.Scalar =>
        optimizer.minimize(() => tf.mean(tf.square(tf.sub(tf.matMul(x, weights), y))), true, [weights]) as tf.Scalar;
      const model = await trace(
        ({ x, y }) => ({ loss: step(x, y) }),
        { x: [3, 4], y: [3, 1] },
        { variables: 'inputs' },
      );
      const session = await start(model);
      const [x, y] = [tf.tensor2d([1, 2, 3, 4, -1, 0, 1, 2, 0, 1, 0, -1], [3, 4]), tf.tensor2d([1, 0, -1], [3, 1])];
      const state = Object.fromEntries(
        Object.entries(model.variables).map(([name, v]) => [name, floats(v.shape, ...v.dataSync())]),
      );
      for (let i = 0; i < 5; i++) {
        const expected = step(x, y).dataSync();
        const results = await session.run({
          ...state,
          x: floats([3, 4], ...x.dataSync()),
          y: floats([3, 1], ...y.dataSync()),
        });
        expect(largestDifference((results.loss?.data ?? []) as Float32Array, expected)).toBeLessThan(1e-6);
        for (const name of Object.keys(state)) {
          const next = results[NEXT + name];
          if (next) state[name] = next as (typeof state)[string];
        }
      }
      expect(
        largestDifference(
          (state.variable_0 ?? state[Object.keys(state)[0] ?? ''])?.data as Float32Array,
          weights.dataSync(),
        ),
      ).toBeLessThan(1e-5);
      weights.dispose();
    },
  );
});

describe('what is refused, and how', () => {
  const x = { x: [2] } as const;
  const cases: [string, () => Promise<unknown>, RegExp][] = [
    [
      'random numbers',
      () => trace((i) => tf.mul(i.x, tf.randomNormal([2])), x),
      /^traced: expected the same graph from every call, got another a constant of Mul; hand in as inputs what is random or changes$/,
    ],
    [
      'a promise',
      () => trace((async () => tf.scalar(0)) as unknown as () => tf.Tensor, x),
      /returns tensors, got a promise; trace a synchronous function/,
    ],
    ['nothing', () => trace((() => ({})) as unknown as () => tf.Tensor, x), /returns a tensor, got none/],
    [
      'what is no tensor',
      () => trace((() => ({ y: 3 })) as unknown as () => tf.Tensor, x),
      /expected output y to be a tensor, got number/,
    ],
    [
      'an output named as an input',
      () => trace((i) => ({ x: tf.neg(i.x) }), x),
      /expected different names .* got x twice/,
    ],
    [
      'a size that is none',
      () => trace((i) => i.x, { x: [0, 2.5] }),
      /expected sizes of input x to be names or whole numbers from 1, got \[0,2.5\]/,
    ],
    [
      'values that are read',
      () => trace((i) => tf.scalar(i.x.dataSync()[0] ?? 0), x),
      /a traced tensor has no values.*called at trace-entry\.test\.ts:\d+.*tf\.where/,
    ],
    ['strings', () => trace(() => tf.tensor1d(['a']), x), /expected values of type float32, int32 or bool, got string/],
  ];
  test.each(cases)('%s', async (_name, traced, message) => {
    const error = await traced().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
    // tfjs works on.
    expect(tf.getBackend()).toBe('cpu');
    expect([...tf.add([1, 2], 1).dataSync()]).toEqual([2, 3]);
  });

  test('a variable made at every call', async () => {
    const made: tf.Variable[] = [];
    await expect(
      trace(
        (i) => {
          const one = tf.variable(tf.ones([2]));
          made.push(one);
          return tf.add(i.x, one);
        },
        x,
        { variables: 'inputs' },
      ),
    ).rejects.toThrow(/expected variables to be made once, got new ones at every call; make them outside/);
    tf.dispose(made);
  });
});
