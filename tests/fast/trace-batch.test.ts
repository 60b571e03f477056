// One graph for any batch size.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { traceAnyBatch } from '../../trace/batch.ts';
import type { Tensors } from '../../trace/trace.ts';
import { largestDifference, operators, readModel } from '../helpers/traced.ts';

const x = (inputs: Tensors): tf.Tensor => inputs.x as tf.Tensor;

async function checkBatches(f: (t: tf.Tensor) => tf.Tensor, shape: number[]): Promise<Uint8Array> {
  const bytes = (await traceAnyBatch('any', (i) => ({ y: f(x(i)) }), { x: shape }))();
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
    traceAnyBatch('net', (i) => ({ y: f(x(i)) }), { x: shape });

  test('in a factor', async () => {
    await expect(traced((t) => tf.mul(t, 1 / (t.shape[0] ?? 1)))).rejects.toThrow(
      /net: the batch size is fixed inside a constant/,
    );
  });
  test('in an attribute', async () => {
    await expect(traced((t) => tf.leakyRelu(t, 1 / (t.shape[0] ?? 1)))).rejects.toThrow(
      /net: the batch size is fixed inside an attribute of LeakyRelu/,
    );
  });
  test('in a slice', async () => {
    await expect(traced((t) => tf.slice(t, 0, (t.shape[0] ?? 0) - 1))).rejects.toThrow(
      /net: the batch size is fixed inside Slice/,
    );
  });
  test('in the operators themselves', async () => {
    await expect(
      traced((t) => ((t.shape[0] ?? 0) % 4 === 1 && t.shape[0] === 1009 ? tf.exp(t) : tf.neg(t))),
    ).rejects.toThrow(/net: expected the same operators at every batch size/);
  });
  test('in an output that is a constant', async () => {
    await expect(traced((t) => tf.fill(t.shape, 0.5))).rejects.toThrow(/net: the batch size is fixed inside Expand/);
  });
});
