// The examples of docs/trace.md: each traced model against tfjs, run by onnxruntime alone; and the document quotes them as they are.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import * as saliency from '../../examples/trace/gradient.ts';
import * as classifier from '../../examples/trace/layers-model.ts';
import * as reader from '../../examples/trace/sequence-models.ts';
import * as training from '../../examples/trace/training-step.ts';
import type { TracedModel } from '../../trace/index.ts';
import { largestDifference, operators, readModel } from '../helpers/traced.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const sessions: ort.InferenceSession[] = [];
const sessionOf = async (model: Pick<TracedModel, 'encode'>): Promise<ort.InferenceSession> => {
  const session = await ort.InferenceSession.create(model.encode(), { logSeverityLevel: 3 });
  sessions.push(session);
  return session;
};
afterAll(() => Promise.all(sessions.map((session) => session.release())));

const tensor = (t: tf.Tensor): ort.Tensor =>
  t.dtype === 'int32'
    ? new ort.Tensor('int32', Int32Array.from(t.dataSync()), t.shape)
    : new ort.Tensor('float32', Float32Array.from(t.dataSync()), t.shape);

const normal = (shape: number[], seed: number): tf.Tensor =>
  tf.tensor(
    randomNormals(
      seed,
      0,
      0,
      shape.reduce((a, b) => a * b),
    ),
    shape,
  );

async function sameAsTfjs(
  session: ort.InferenceSession,
  inputs: Record<string, tf.Tensor>,
  expected: Record<string, tf.Tensor>,
): Promise<void> {
  const results = await session.run(Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, tensor(t)])));
  for (const [name, t] of Object.entries(expected)) {
    expect(results[name]?.dims, name).toEqual(t.shape);
    expect(largestDifference((results[name]?.data ?? []) as Float32Array, t.dataSync()), name).toBeLessThan(1e-5);
  }
}

test('a layers model: convolution, normalisation, pooling and dense, for any number of pictures', async () => {
  const session = await sessionOf(classifier);
  expect(classifier.outputs).toEqual([{ name: 'classes', dtype: 'float32', shape: ['batch', 10] }]);
  expect(operators(readModel(classifier.onnx))).toMatchObject({ Conv: 2, MaxPool: 1, AveragePool: 1, Softmax: 1 });
  for (const batch of [1, 5]) {
    const pictures = normal([batch, 28, 28, 1], batch);
    await sameAsTfjs(session, { pictures }, { classes: classifier.model.apply(pictures) as tf.Tensor });
  }
});

describe('models of sequences, ids in', () => {
  const ids = (batch: number, length: number): tf.Tensor2D =>
    tf.tensor2d(
      Int32Array.from({ length: batch * length }, (_, i) => (7 * i + batch) % 50),
      [batch, length],
      'int32',
    );

  test('embedding and LSTM, both ways', async () => {
    const session = await sessionOf(reader.lstm);
    for (const batch of [1, 4]) {
      const given = ids(batch, 9);
      await sameAsTfjs(session, { ids: given }, { output: reader.recurrent.apply(given) as tf.Tensor });
    }
  });
  test('embedding and self-attention, batch and length both open', async () => {
    const session = await sessionOf(reader.attention);
    for (const [batch, length] of [
      [1, 9],
      [3, 4],
      [2, 17],
    ] as const) {
      const given = ids(batch, length);
      await sameAsTfjs(session, { ids: given }, { output: reader.attend(given) });
    }
  });
});

test('a function with gradients in it', async () => {
  const session = await sessionOf(saliency.traced);
  const [pictures, classes] = [normal([3, 12, 12, 1], 1) as tf.Tensor4D, tf.oneHot([0, 4, 9], 10).toFloat()];
  await sameAsTfjs(session, { pictures, classes }, saliency.explain(pictures, classes as tf.Tensor2D));
});

test('a training step with Adam: 100 steps in onnxruntime alone have the losses of tfjs', async () => {
  const session = await sessionOf(training.traced);
  const state: Record<string, ort.Tensor> = Object.fromEntries(
    training.start.map(({ name, values, shape }) => [name, new ort.Tensor('float32', values as Float32Array, shape)]),
  );
  const losses: number[] = [];
  const batches = Array.from({ length: 100 }, (_, i) => {
    const x = normal([training.BATCH, 4], i);
    return { x, y: tf.sin(tf.sum(x, 1, true)) };
  });
  for (const { x, y } of batches) {
    const results = await session.run({ ...state, x: tensor(x), y: tensor(y) });
    losses.push(Number(results.loss?.data[0]));
    for (const { name, next } of training.start) state[name] = results[next] as ort.Tensor;
  }
  // tfjs has not trained yet: tracing has left weights and optimiser as they were.
  const expected = batches.map(({ x, y }) => Number(training.step(x, y).dataSync()[0]));
  expect(largestDifference(losses, expected)).toBeLessThan(1e-5);
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 3);
});

test('docs/trace.md quotes the examples as they are', () => {
  const document = readFileSync(join(ROOT, 'docs/trace.md'), 'utf8');
  const folder = join(ROOT, 'examples/trace');
  const files = readdirSync(folder);
  expect(files).toHaveLength(4);
  for (const file of files) {
    const [, ...code] = readFileSync(join(folder, file), 'utf8').split('\n');
    const quoted = code.join('\n').replace(/'\.\.\/\.\.\/trace\/index\.ts';.*/, "'pocketgen/trace';");
    expect(document, file).toContain(`\`\`\`ts\n${quoted}\`\`\``);
  }
});
