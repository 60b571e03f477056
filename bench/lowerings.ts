// The two ways a convolution is lowered, weights as inputs, on onnxruntime's CPU: `node bench/lowerings.ts` with Node 22.
// They take turns; medians are printed.
import { cpus, loadavg } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { randomNormals } from '../contract/random.ts';
import { type Tensors, trace } from '../trace/index.ts';
import type { Lowering } from '../trace/kernels/table.ts';

const BATCH = 64;
const RUNS = 60;
const LOWERINGS: readonly Lowering[] = ['conv', 'gemm'];

type Shape = readonly [number, number, number, number];
interface Case {
  readonly name: string;
  readonly x: Shape;
  /** [kernel, kernel, in, out] */
  readonly filter: Shape;
  readonly run: (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor;
}

const down = (stride: number) => (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.conv2d(x, filter, stride, 'same');
const up = (x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor => {
  const [n, h, w] = x.shape;
  return tf.conv2dTranspose(x, filter, [n, 2 * h, 2 * w, filter.shape[2]], 2, 'same');
};

const CASES: readonly Case[] = [
  { name: 'conv 3x3, 14x14, 64 → 64', x: [BATCH, 14, 14, 64], filter: [3, 3, 64, 64], run: down(1) },
  { name: 'conv 3x3, 7x7, 128 → 128', x: [BATCH, 7, 7, 128], filter: [3, 3, 128, 128], run: down(1) },
  { name: 'conv 4x4 stride 2, 14x14, 64 → 128', x: [BATCH, 14, 14, 64], filter: [4, 4, 64, 128], run: down(2) },
  { name: 'transposed 4x4 stride 2, 7x7, 128 → 64', x: [BATCH, 7, 7, 128], filter: [4, 4, 64, 128], run: up },
  { name: 'conv 1x1, 14x14, 64 → 64', x: [BATCH, 14, 14, 64], filter: [1, 1, 64, 64], run: down(1) },
];

function tensor(shape: Shape): ort.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return new ort.Tensor('float32', randomNormals(1, 0, 0, size), shape);
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

console.log(
  `milliseconds, median of ${RUNS} runs, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`,
);
for (const { name, x, filter, run } of CASES) {
  const f = (inputs: Tensors): Tensors => ({ y: run(inputs.x as tf.Tensor4D, inputs.filter as tf.Tensor4D) });
  const sessions: ort.InferenceSession[] = [];
  for (const lowering of LOWERINGS) {
    const traced = await trace(f, { x, filter }, { lowering });
    sessions.push(await ort.InferenceSession.create(traced.encode()));
  }
  const feeds = { x: tensor(x), filter: tensor(filter) };
  const times = LOWERINGS.map((): number[] => []);
  for (let i = -5; i < RUNS; i++) {
    for (const [k, session] of sessions.entries()) {
      const before = performance.now();
      await session.run(feeds);
      if (i >= 0) times[k]?.push(performance.now() - before);
    }
  }
  const [conv = 0, gemm = 0] = times.map(median);
  console.log(
    `${name.padEnd(42)} conv ${conv.toFixed(2).padStart(7)}  gemm ${gemm.toFixed(2).padStart(7)}  ${(conv / gemm).toFixed(2)}x`,
  );
  for (const session of sessions) await session.release();
}
