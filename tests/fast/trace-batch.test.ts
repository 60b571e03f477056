// One graph for any batch size.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { trace } from '../../trace/index.ts';
import { largestDifference, operators, readModel } from '../helpers/traced.ts';

async function checkBatches(f: (t: tf.Tensor) => tf.Tensor, shape: number[]): Promise<Uint8Array> {
  const bytes = (await trace((i) => ({ y: f(i.x) }), { x: ['batch', ...shape] })).encode();
  const session = await ort.InferenceSession.create(bytes);
  await tf.setBackend('cpu');
  for (const batch of [1, 2, 3, 7, 64]) {
    const values = randomNormals(
      batch,
      0,
      0,
      [batch, ...shape].reduce((a, b) => a * b),
    );
    const expected = tf.tidy(() => {
      const y = f(tf.tensor(values, [batch, ...shape]));
      return { shape: y.shape, data: y.dataSync().slice() };
    });
    const { y } = await session.run({ x: new ort.Tensor('float32', values, [batch, ...shape]) });
    expect(y?.dims).toEqual(expected.shape);
    expect(largestDifference((y?.data ?? []) as Float32Array, expected.data)).toBeLessThan(1e-5);
  }
  return bytes;
}

test('reshapes, transpositions and reductions keep the batch open', async () => {
  const bytes = await checkBatches(
    (t) => {
      const n = t.shape[0] ?? 0;
      const y = tf.transpose(tf.reshape(t, [n, 3, 2, 4]), [0, 2, 3, 1]);
      return tf.add(tf.mean(y, [1, 2]), tf.reshape(tf.slice(t, [0, 0], [n, 3]), [-1, 3]));
    },
    [24],
  );
  const { input, output } = readModel(bytes);
  for (const info of [...input, ...output]) {
    const type = info.type?.value;
    const dim = type?.case === 'tensorType' ? type.value.shape?.dim[0]?.value : undefined;
    expect(dim).toEqual({ case: 'dimParam', value: 'batch' });
  }
});

test('what a reshape leaves open is told, as a product of the batch; a size that is none is not', async () => {
  const bytes = await checkBatches(
    (t) => {
      const n = t.shape[0] ?? 0;
      const rows = tf.tanh(tf.reshape(t, [n * 4, 6]));
      const more = tf.reshape(tf.concat([rows, tf.zeros([1, 6])], 0), [-1]);
      return tf.add(tf.reshape(rows, [n, 24]), tf.sum(more));
    },
    [24],
  );
  const told = readModel(bytes).valueInfo.map(({ type }) => {
    const dims = type?.value.case === 'tensorType' ? (type.value.value.shape?.dim ?? []) : [];
    return dims.map(({ value }) => String(value.value)).join();
  });
  expect(told.sort()).toEqual(['4*batch,6', 'batch,24']);
});

test('a split into parts of one size is one node, also where a part is an output', async () => {
  const bytes = await checkBatches(
    (t) => {
      const [a, b, c] = tf.split(t, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.sub(tf.mul(a, b), c);
    },
    [6],
  );
  expect(operators(readModel(bytes))).toEqual({ Split: 1, Mul: 1, Sub: 1 });
  const { encode } = await trace((i) => ({ last: tf.split(i.x as tf.Tensor, 2, 1)[1] as tf.Tensor }), {
    x: ['batch', 4],
  });
  const session = await ort.InferenceSession.create(encode());
  const { last } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]) });
  expect(last?.data).toEqual(Float32Array.of(3, 4));
});

test('a fixed size that equals the batch of some run stays fixed', async () => {
  // Two reshapes to the same numbers, one of them by the batch: they must not share a constant.
  for (const size of [2, 3, 7]) {
    await checkBatches(
      (t) => {
        const fixed = tf.reshape(tf.tensor1d(randomNormals(1, 0, 0, size * 4)), [size, 4]);
        const open = tf.reshape(t, [t.shape[0] ?? 0, 4]);
        return tf.matMul(open as tf.Tensor2D, fixed as tf.Tensor2D, false, true);
      },
      [2, 2],
    );
  }
});

test('a product of the batch and other sizes stays open', async () => {
  await checkBatches(
    (t) => {
      const [n = 0, rows = 0, c = 0] = t.shape;
      const flat = tf.matMul(tf.reshape(t, [n * rows, c]) as tf.Tensor2D, tf.ones([c, 5]) as tf.Tensor2D);
      return tf.reshape(flat, [n, rows * 5]);
    },
    [4, 3],
  );
});

test('values spread over the batch broadcast instead of being written down', async () => {
  const bytes = await checkBatches((t) => tf.add(t, tf.fill(t.shape, 0.25)), [6]);
  expect(operators(readModel(bytes))).toEqual({ Add: 1 });
});

describe('a batch size that is baked in is an error that says where', () => {
  const traced = (f: (t: tf.Tensor) => tf.Tensor, shape = [4]) =>
    trace((i) => ({ y: f(i.x) }), { x: ['batch', ...shape] }, { name: 'net' });

  test('in a factor', async () => {
    await expect(traced((t) => tf.mul(t, 1 / (t.shape[0] ?? 1)))).rejects.toThrow(
      /^net: the size batch is fixed inside a constant of Mul; .*as an input what is computed from it/,
    );
  });
  test('in an attribute', async () => {
    await expect(traced((t) => tf.leakyRelu(t, 1 / (t.shape[0] ?? 1)))).rejects.toThrow(
      /net: the size batch is fixed inside an attribute of LeakyRelu/,
    );
  });
  test('in shapes that do not fit, told by name', async () => {
    await expect(traced((t) => tf.matMul(t, t))).rejects.toThrow(
      /BatchMatMul .*expected inner sizes to agree, got \[batch,4\] and \[batch,4\]/,
    );
  });
  test('in a slice', async () => {
    await expect(traced((t) => tf.slice(t, 0, (t.shape[0] ?? 0) - 1))).rejects.toThrow(
      /net: the size batch is fixed inside Slice/,
    );
  });
  test('in the operators themselves', async () => {
    await expect(
      traced((t) => ((t.shape[0] ?? 0) % 4 === 1 && t.shape[0] === 1009 ? tf.exp(t) : tf.neg(t))),
    ).rejects.toThrow(/net: the size batch is fixed inside the operators themselves: node 0 is Exp/);
  });
});

describe('shapes that are computed when the model runs', () => {
  test('an output that is a constant for each of the batch', async () => {
    const bytes = await checkBatches((t) => tf.fill([t.shape[0] ?? 0, 3], 0.5), [4]);
    expect(operators(readModel(bytes))).toEqual({ Shape: 1, Concat: 1, Expand: 1 });
  });
  test('a slice, a tile and a reshape of two open dimensions', async () => {
    await checkBatches(
      (t) => {
        const [n = 0, rows = 0, c = 0] = t.shape;
        const twice = tf.concat([t, tf.neg(t)], 0);
        const wide = tf.tile(tf.reshape(tf.sum(t, [1, 2]), [1, n]), [n, 1]);
        return tf.add(tf.reshape(tf.slice(twice, [n, 0, 0], [n, rows, c]), [n, rows * c]), tf.mean(wide));
      },
      [2, 3],
    );
  });
  test('two sizes of two names', async () => {
    const { outputs, encode } = await trace(
      ({ x, y }) => ({ sums: tf.add(tf.sum(x, 2), tf.reshape(y, [1, y.shape[0]])), flat: tf.reshape(x, [-1, 4]) }),
      { x: ['batch', 'time', 4], y: ['time'] },
    );
    expect(outputs.map(({ shape }) => shape)).toEqual([
      ['batch', 'time'],
      ['batch*time', 4],
    ]);
    const session = await ort.InferenceSession.create(encode());
    const { sums, flat } = await session.run({
      x: new ort.Tensor('float32', new Float32Array(24).fill(1), [2, 3, 4]),
      y: new ort.Tensor('float32', [10, 20, 30], [3]),
    });
    expect([...((sums?.data ?? []) as Float32Array)]).toEqual([14, 24, 34, 14, 24, 34]);
    expect(flat?.dims).toEqual([6, 4]);
  });
});
