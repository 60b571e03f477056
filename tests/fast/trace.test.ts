// What the tracer refuses and how it says so, and that equal computations exist once in the graph.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { type Graph, schedule } from '../../trace/graph.ts';
import { type Tensors, trace } from '../../trace/index.ts';
import { graphOf, largestDifference } from '../helpers/traced.ts';

const opsOf = (graph: Graph): string[] =>
  schedule(graph).map((v) => (v.source.kind === 'node' ? v.source.node.op : v.source.kind));
const count = (graph: Graph, op: string): number => opsOf(graph).filter((o) => o === op).length;
const x = (inputs: Tensors): tf.Tensor => inputs.x as tf.Tensor;

describe('what cannot be traced', () => {
  test('a kernel without a mapping is named, with the tfjs op that called it', async () => {
    await expect(graphOf((i) => ({ y: tf.unique(x(i)).values }), { x: [3] }, 'conv')).rejects.toThrow(
      /^trace: expected a kernel with an ONNX mapping, got Unique \(called by tf\.unique at trace\.test\.ts:\d+:\d+\); .*values$/,
    );
    await expect(graphOf((i) => ({ y: tf.real(tf.fft(tf.complex(x(i), x(i)))) }), { x: [4] }, 'gemm')).rejects.toThrow(
      /got Complex \(called by tf\.complex at .*complex numbers/,
    );
  });

  test('what a mapping refuses is told with the kernel and the line that called it', async () => {
    await expect(
      graphOf(
        (i) => ({ y: tf.conv2d(x(i) as tf.Tensor4D, tf.ones([1, 1, 1, 1]), 1, 0, 'NCHW') }),
        { x: [1, 1, 4, 4] },
        'conv',
      ),
    ).rejects.toThrow(/^trace: Conv2D \(called by tf\.conv2d at trace\.test\.ts:\d+:\d+\): .*NHWC/);
  });

  test('reading a value says that there is none and what to do', async () => {
    await expect(graphOf((i) => ({ y: tf.scalar(x(i).dataSync()[0] ?? 0) }), { x: [1] }, 'conv')).rejects.toThrow(
      /a traced tensor has no values.*tf\.where/,
    );
    let later: Promise<unknown> = Promise.resolve();
    await graphOf(
      (i) => {
        later = x(i).data();
        later.catch(() => {});
        return { y: x(i) };
      },
      { x: [1] },
      'conv',
    );
    await expect(later).rejects.toThrow(/a traced tensor has no values/);
  });

  test('a tensor kept from an earlier trace is refused', async () => {
    let kept: tf.Tensor | undefined;
    await graphOf(
      (i) => {
        kept = tf.keep(tf.add(x(i), 1));
        return { y: kept };
      },
      { x: [2] },
      'conv',
    );
    await expect(graphOf((i) => ({ y: tf.add(x(i), kept as tf.Tensor) }), { x: [2] }, 'conv')).rejects.toThrow(
      /expected a tensor of this trace, got one of an earlier trace/,
    );
  });

  test('padding given as a number with unequal sides, where tfjs’s output is not that of a convolution', async () => {
    const filter = (): tf.Tensor4D => tf.ones([2, 1, 1, 1]);
    await expect(
      graphOf((i) => ({ y: tf.conv2d(x(i) as tf.Tensor4D, filter(), 1, 0) }), { x: [1, 4, 4, 1] }, 'conv'),
    ).rejects.toThrow(/convolution: expected kernels and strides with equal sides.*got kernel 2x1/);
  });

  test('tfjs works on as before after a failed trace', async () => {
    await tf.setBackend('cpu');
    await expect(graphOf((i) => ({ y: tf.unique(x(i)).values }), { x: [3] }, 'conv')).rejects.toThrow();
    expect(tf.getBackend()).toBe('cpu');
    expect([...tf.add([1, 2], 1).dataSync()]).toEqual([2, 3]);
  });
});

test('tensors of another backend become constants and keep their values for later', async () => {
  await tf.setBackend('cpu');
  const weights = tf.reshape(tf.tensor([[1, 2, 3]]), [3]);
  const same = tf.tensor([5, 5, 5]);
  for (const lowering of ['conv', 'gemm'] as const) {
    const traced = await trace(({ x }) => ({ y: tf.add(tf.mul(x, weights), same) }), { x: [3] }, { lowering });
    const session = await ort.InferenceSession.create(traced.encode());
    const { y } = await session.run({ x: new ort.Tensor('float32', [1, 10, 100], [3]) });
    expect([...((y?.data ?? []) as Float32Array)]).toEqual([6, 25, 305]);
  }
  expect([...tf.add(weights, same).dataSync()]).toEqual([6, 7, 8]);
});

test('matrices broadcast as in numpy, also where tfjs’s cpu backend pairs the wrong ones', async () => {
  const traced = await trace(({ a, b }) => ({ y: tf.matMul(a, b) }), { a: [2, 1, 1, 1], b: [2, 3, 1, 1] });
  const session = await ort.InferenceSession.create(traced.encode());
  const { y } = await session.run({
    a: new ort.Tensor('float32', [10, 100], [2, 1, 1, 1]),
    b: new ort.Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3, 1, 1]),
  });
  expect([...((y?.data ?? []) as Float32Array)]).toEqual([10, 20, 30, 400, 500, 600]);
});

describe('where tfjs’s cpu backend is wrong, the graph is right', () => {
  const run = async (f: (t: tf.Tensor) => tf.Tensor, x: tf.Tensor): Promise<ort.Tensor> => {
    const { encode } = await trace((i) => f(i.x), { x: x.shape });
    const session = await ort.InferenceSession.create(encode(), { logSeverityLevel: 3 });
    const { output } = await session.run({ x: new ort.Tensor('float32', Float32Array.from(x.dataSync()), x.shape) });
    if (!output) throw new Error('session: expected an output');
    return output;
  };
  const pictures = (shape: [number, number, number, number]): tf.Tensor4D =>
    tf.tensor4d(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
      shape,
    );
  const gradient = (resize: typeof tf.image.resizeBilinear) => (x: tf.Tensor) =>
    tf.grad((y: tf.Tensor) => tf.square(resize(y as tf.Tensor4D, [5, 7])))(x);

  test('the gradient of nearest neighbours, for a batch of several', async () => {
    const x = pictures([3, 2, 2, 1]);
    const f = gradient(tf.image.resizeNearestNeighbor);
    const alone = x.split(3).map((one) => f(one));
    expect(largestDifference((await run(f, x)).data as Float32Array, tf.concat(alone).dataSync())).toBeLessThan(1e-5);
  });
  test('the gradient of bilinear resizing, for maps that are not square', async () => {
    const x = pictures([1, 2, 3, 1]);
    const found = await run(gradient(tf.image.resizeBilinear), x);
    expect(found.dims).toEqual([1, 2, 3, 1]);
    // Resizing is linear: a pixel's slope is twice what its own picture and the whole one have in common, both resized.
    const resized = tf.image.resizeBilinear(x, [5, 7]);
    const slopes = Array.from({ length: 6 }, (_, i) => {
      const pixel = tf.oneHot(i, 6).reshape<tf.Tensor4D>([1, 2, 3, 1]);
      return 2 * (tf.sum(tf.mul(tf.image.resizeBilinear(pixel, [5, 7]), resized)).dataSync()[0] ?? 0);
    });
    expect(largestDifference(found.data as Float32Array, slopes)).toBeLessThan(1e-5);
  });
  test('a transform of a batch of several, each by its own or all by one', async () => {
    const x = pictures([2, 4, 5, 3]);
    const both = tf.tensor2d([1, 0.2, -0.5, 0.1, 0.9, 0.3, 0, 0, 0.8, 0, 1, -0.3, 1.1, 0, 0.01, 0], [2, 8]);
    for (const transforms of [both, both.slice(1)] as tf.Tensor2D[]) {
      const f = (t: tf.Tensor, by: tf.Tensor2D): tf.Tensor =>
        tf.image.transform(t as tf.Tensor4D, by, 'bilinear', 'constant', 0.5);
      const each = x
        .split(2)
        .map((one, i) => f(one, transforms.slice(i % (transforms.shape[0] ?? 1), 1) as tf.Tensor2D));
      const found = await run((t) => f(t, transforms), x);
      expect(largestDifference(found.data as Float32Array, tf.concat(each).dataSync())).toBeLessThan(1e-5);
    }
  });
  test('einsum over two letters', async () => {
    const x = pictures([1, 2, 3, 4]).reshape([2, 3, 4]);
    const found = await run((t) => tf.einsum('bij,bij->b', t, t), x);
    expect(largestDifference(found.data as Float32Array, tf.sum(tf.square(x), [1, 2]).dataSync())).toBeLessThan(1e-5);
  });
});

describe('equal computations', () => {
  test('a function called twice is computed once', async () => {
    const layer = (t: tf.Tensor): tf.Tensor => tf.tanh(tf.matMul(t as tf.Tensor2D, tf.tensor2d([1, 2, 3, 4], [2, 2])));
    const graph = await graphOf((i) => ({ a: layer(x(i)), b: tf.neg(layer(x(i))) }), { x: [3, 2] }, 'gemm');
    expect(opsOf(graph)).toEqual(['MatMul', 'Tanh', 'Neg']);
  });

  test('equal contents in different arrays are one constant, and unequal ones are not', async () => {
    const graph = await graphOf(
      (i) => ({
        a: tf.add(x(i), tf.tensor1d([1, 2])),
        b: tf.add(x(i), tf.tensor1d([1, 2])),
        c: tf.add(x(i), tf.tensor1d([1, 3])),
        d: tf.add(x(i), tf.tensor1d([0, -0])),
        e: tf.add(x(i), tf.tensor1d([-0, 0])),
      }),
      { x: [2] },
      'conv',
    );
    expect(opsOf(graph)).toEqual(['Add', 'Add', 'Add', 'Add']);
  });

  test('the forward pass that a gradient repeats exists once, and so does the unfold they share with a stride', async () => {
    const shapes = { x: [2, 6, 6, 18], w: [3, 3, 18, 20] };
    const forward = (i: Tensors): tf.Tensor => tf.conv2d(x(i) as tf.Tensor4D, i.w as tf.Tensor4D, 2, 'same');
    const alone = await graphOf((i) => ({ y: forward(i) }), shapes, 'gemm');
    const withGradient = await graphOf(
      (i) => ({
        y: forward(i),
        dw: tf.grad((w) => tf.mean(tf.square(forward({ ...i, w }))))(i.w as tf.Tensor),
      }),
      shapes,
      'gemm',
    );
    expect(count(alone, 'Gather')).toBe(1);
    expect(count(withGradient, 'Gather')).toBe(1);
    expect(count(alone, 'MatMul') + count(alone, 'Gemm')).toBe(1);
    // The filter gradient adds its own product and no second forward pass.
    expect(count(withGradient, 'MatMul') + count(withGradient, 'Gemm')).toBe(2);
  });
});

describe('identities leave no node', () => {
  const cases: [string, (t: tf.Tensor) => tf.Tensor][] = [
    ['x + 0', (t) => tf.add(t, tf.zerosLike(t))],
    ['x · 1', (t) => tf.mul(tf.onesLike(t), t)],
    ['x / 1', (t) => tf.div(t, tf.onesLike(t))],
    ['transpose there and back', (t) => tf.transpose(tf.transpose(t, [2, 0, 1]), [1, 2, 0])],
    ['reshape there and back', (t) => tf.reshape(tf.reshape(t, [-1]), t.shape)],
    ['the whole slice', (t) => tf.slice(t, [0, 0, 0], t.shape)],
    ['one part of one', (t) => tf.split(t, 1)[0] as tf.Tensor],
    ['a cast to its own type', (t) => tf.cast(t, 'float32')],
  ];
  test.each(cases)('%s', async (_name, f) => {
    for (const lowering of ['conv', 'gemm'] as const) {
      expect(opsOf(await graphOf((i) => ({ y: f(x(i)) }), { x: [2, 3, 4] }, lowering))).toEqual([]);
    }
  });
});
