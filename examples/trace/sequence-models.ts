// Two readers of text, ids of words in, a vector out: an embedding and an LSTM, and an embedding and self-attention.
import * as tf from '@tensorflow/tfjs';
import { trace } from '../../trace/index.ts'; // in your own project: 'pocketgen/trace'

const [WORDS, LENGTH, SIZE, HEADS] = [50, 9, 16, 4];

export const recurrent = tf.sequential({
  layers: [
    tf.layers.embedding({ inputDim: WORDS, outputDim: SIZE, inputLength: LENGTH }),
    tf.layers.bidirectional({ layer: tf.layers.lstm({ units: 6 }) as tf.RNN, mergeMode: 'concat' }),
    tf.layers.dense({ units: 3 }),
  ],
});

// Any tfjs code is traced, layers or not: attention written out, one open size for the batch and one for the length.
const random = (...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 0.2);
const weights = {
  words: random(WORDS, SIZE),
  queries: random(SIZE, SIZE),
  keys: random(SIZE, SIZE),
  values: random(SIZE, SIZE),
};

export function attend(ids: tf.Tensor2D): tf.Tensor {
  const [batch, length] = ids.shape;
  const x = tf.gather(weights.words, ids); // [batch, length, SIZE]
  const heads = (w: tf.Tensor): tf.Tensor =>
    tf.transpose(
      tf.reshape(tf.matMul(tf.reshape(x, [-1, SIZE]), w), [batch, length, HEADS, SIZE / HEADS]),
      [0, 2, 1, 3],
    );
  const scores = tf.matMul(heads(weights.queries), heads(weights.keys), false, true);
  const mixed = tf.matMul(tf.softmax(tf.div(scores, Math.sqrt(SIZE / HEADS))), heads(weights.values));
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, length, SIZE]);
  const { mean, variance } = tf.moments(tf.add(x, joined), 2, true);
  return tf.mean(tf.div(tf.sub(tf.add(x, joined), mean), tf.sqrt(tf.add(variance, 1e-5))), 1);
}

export const lstm = await trace(
  ({ ids }) => recurrent.apply(ids) as tf.Tensor,
  { ids: { shape: ['batch', LENGTH], dtype: 'int32' } }, // a recurrent layer is unrolled: its length is a number
  { name: 'lstm' },
);
export const attention = await trace(
  ({ ids }) => attend(ids),
  { ids: { shape: ['batch', 'length'], dtype: 'int32' } },
  { name: 'attention' },
);
