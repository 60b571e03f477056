// Random programs of several ops: pending transpositions, bias fusion and removed identities meet each other here.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { operand } from '../helpers/operands.ts';
import { largestDifference, type Run, runOnCpu, runTraced } from '../helpers/traced.ts';

const RUNS = Number(process.env.TRACE_RUNS ?? 25);

type Program = readonly { readonly op: keyof typeof OPS; readonly seed: number }[];
type Op = (x: tf.Tensor4D, seed: number, earlier: readonly tf.Tensor[]) => tf.Tensor;

const weights = (shape: number[], seed: number): tf.Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    randomNormals(seed, 2, 0, count).map((v) => v / Math.sqrt(count)),
    shape,
  );
};

const PERMS = [
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [0, 2, 1, 3],
  [1, 0, 2, 3],
  [3, 2, 1, 0],
  [0, 1, 3, 2],
];

/** Each takes and gives a tensor of rank 4. */
const OPS = {
  conv: (x, seed) => {
    const kernel = 1 + (seed % 3);
    const filter = weights([kernel, kernel, x.shape[3], 1 + (seed % 4)], seed) as tf.Tensor4D;
    return tf.conv2d(x, filter, 1 + (seed % 2), 'same');
  },
  convTranspose: (x, seed) => {
    const [n, h, w, c] = x.shape;
    const out = 1 + (seed % 3);
    const filter = weights([3, 3, out, c], seed) as tf.Tensor4D;
    return tf.conv2dTranspose(x, filter, [n, 2 * h, 2 * w, out], 2, 'same');
  },
  bias: (x, seed) => tf.add(x, weights([x.shape[3]], seed)),
  biasOfRank4: (x, seed) => tf.add(weights([1, 1, 1, x.shape[3]], seed), x),
  scale: (x, seed) => tf.mul(x, weights([x.shape[2], 1], seed)),
  leakyRelu: (x) => tf.leakyRelu(x, 0.2),
  tanh: (x) => tf.tanh(x),
  transpose: (x, seed) => tf.transpose(x, PERMS[seed % PERMS.length]),
  dense: (x, seed) => {
    const [n, h, w, c] = x.shape;
    const rows = tf.matMul(tf.reshape(x, [n, h * w * c]), weights([h * w * c, 8], seed) as tf.Tensor2D);
    return tf.reshape(tf.add(rows, weights([8], seed + 1)), [n, 2, 2, 2]);
  },
  normalise: (x) => tf.sub(x, tf.mean(x, [1, 2], true)),
  depthToSpace: (x) => tf.depthToSpace(tf.concat([x, x, x, x], 3) as tf.Tensor4D, 2, 'NHWC'),
  flatten: (x) => tf.reshape(x, [x.shape[0], 1, -1, x.shape[3]]),
  half: (x, seed) => {
    const axis = seed % 4;
    const size = x.shape.map((d, i) => (i === axis ? Math.ceil(d / 2) : d));
    return tf.slice(x, [0, 0, 0, 0], size);
  },
  addEarlier: (x, seed, earlier) => {
    const fitting = earlier.filter((e) => e.shape.join() === x.shape.join());
    return tf.add(x, fitting[seed % Math.max(1, fitting.length)] ?? 1);
  },
  addTransposed: (x) => tf.add(x, tf.sum(tf.transpose(x, [0, 2, 1, 3]), [1, 2, 3], true)),
  identities: (x) => tf.add(tf.mul(tf.onesLike(x), x), tf.sub(tf.zerosLike(x), tf.div(tf.zerosLike(x), 3))),
} satisfies Record<string, Op>;

const programs: fc.Arbitrary<Program> = fc.array(
  fc.record({ op: fc.constantFrom(...(Object.keys(OPS) as (keyof typeof OPS)[])), seed: fc.nat(1000) }),
  { minLength: 1, maxLength: 8 },
);

const runOf =
  (program: Program): Run =>
  ([start]) => {
    let x = start as tf.Tensor4D;
    const earlier: tf.Tensor[] = [x];
    for (const { op, seed } of program) {
      // Maps may double with each step; enough is enough.
      if ((op === 'convTranspose' || op === 'depthToSpace') && x.size > 2000) continue;
      x = (OPS[op] as Op)(x, seed, earlier) as tf.Tensor4D;
      earlier.push(x);
    }
    return x;
  };

const input = fc
  .tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 1, max: 4 }),
  )
  .chain((shape) => operand(shape));

test('a random program gives the same numbers in tfjs and in ONNX, in both lowerings', {
  timeout: 30_000 + RUNS * 1000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(programs, input, async (program, x) => {
      const run = runOf(program);
      const expected = (await runOnCpu(run, [x])).outputs[0];
      for (const lowering of ['conv', 'gemm'] as const) {
        const [actual] = await runTraced(run, [x], lowering);
        expect(actual?.shape, lowering).toEqual(expected?.shape);
        expect(largestDifference(actual?.data ?? [], expected?.data ?? []), lowering).toBeLessThan(1e-4);
      }
    }),
    { numRuns: RUNS },
  );
});

test('gradients of a random program are the same in tfjs and in ONNX', { timeout: 30_000 + RUNS * 1000 }, async () => {
  const without = new Set(['depthToSpace', 'leakyRelu']); // tfjs has no gradient of the first; kinks of the second
  await fc.assert(
    fc.asyncProperty(programs, input, async (program, x) => {
      const forward = runOf(program.filter(({ op }) => !without.has(op)));
      const run: Run = ([t]) =>
        tf.grad((y: tf.Tensor) => tf.mean(tf.square(forward([y]) as tf.Tensor)))(t as tf.Tensor);
      const expected = (await runOnCpu(run, [x])).outputs[0];
      for (const lowering of ['conv', 'gemm'] as const) {
        const [actual] = await runTraced(run, [x], lowering);
        expect(largestDifference(actual?.data ?? [], expected?.data ?? []), lowering).toBeLessThan(1e-4);
      }
    }),
    { numRuns: RUNS },
  );
});
