// The numbers of tfjs-examples' fashion-mnist-vae (2019, Apache 2.0), by its own recipe, in our protocol: a perceptron 784 → 512 →
// 2 and back, squared error of a pixel in [0, 1] summed over the picture plus KL, Adam at 1e-3, batches of 256 in the order of the
// file, 100 epochs. `node bench/peer-vae.ts [--latent 2] [--epochs 100]` with Node 22. Its step is traced and run by ONNX Runtime,
// which computes what tfjs would; Adam's ε is 1e-8 in place of 1e-7.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { randomNormals, STREAM } from '../contract/random.ts';
import { type Tensors, trace } from '../trace/index.ts';
import { loadDataset, type PictureSet, spreadPictures } from '../train/data/index.ts';
import { createSession, type InferenceSession, Tensor } from '../train/engines/onnxruntime.ts';
import { useBackend } from '../train/engines/tfjs.ts';
import { createEvaluator } from '../train/eval/evaluator.ts';
import { judgeFor } from '../train/eval/judge.ts';
import { mostReconstructed, pictureErrors, posteriorNumbers } from '../train/eval/reconstruction.ts';
import { addBias, dense as denseLayer, denseParameters, initialValues } from '../train/nn/layers.ts';
import { adam, momentShapes, parameterGradients, shapesOf } from '../train/nn/optimiser.ts';
import { named, prefixed, sizeOf, under, type Values } from '../train/nn/tensors.ts';

const { values: flags } = parseArgs({
  options: { latent: { type: 'string', default: '2' }, epochs: { type: 'string', default: '100' } },
});
const [LATENT, EPOCHS] = [Number(flags.latent), Number(flags.epochs)];
const [PIXELS, HIDDEN, BATCH, RATE, BETA1, BETA2] = [784, 512, 256, 1e-3, 0.9, 0.999];
const SAMPLES_FROM = 20_000_000;

/** Keras's and tfjs's own start of a dense layer: Glorot normal, biases zero. */
const layer = (name: string, inputs: number, outputs: number) =>
  denseParameters(name, inputs, outputs, Math.sqrt(2 / (inputs + outputs)));
const parameters = [
  ...layer('encoder', PIXELS, HIDDEN),
  ...layer('mean', HIDDEN, LATENT),
  ...layer('logVariance', HIDDEN, LATENT),
  ...layer('decoder', LATENT, HIDDEN),
  ...layer('picture', HIDDEN, PIXELS),
];
const shapes = shapesOf(parameters);
const dense = (p: Tensors, name: string, x: tf.Tensor): tf.Tensor => addBias(p, name, denseLayer(p, name, x));

function encode(p: Tensors, pictures: tf.Tensor) {
  const hidden = tf.relu(dense(p, 'encoder', pictures));
  return { mean: dense(p, 'mean', hidden), logVariance: dense(p, 'logVariance', hidden) };
}
const decode = (p: Tensors, z: tf.Tensor): tf.Tensor =>
  tf.sigmoid(dense(p, 'picture', tf.relu(dense(p, 'decoder', z))));

function loss(p: Tensors, pictures: tf.Tensor, noise: tf.Tensor): tf.Tensor {
  const { mean, logVariance } = encode(p, pictures);
  const made = decode(p, tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise)));
  const error = tf.mul(tf.mean(tf.square(tf.sub(made, pictures))), PIXELS);
  const kl = tf.mul(tf.sum(tf.sub(tf.sub(tf.add(logVariance, 1), tf.square(mean)), tf.exp(logVariance)), -1), -0.5);
  return tf.add(error, tf.mean(kl));
}

const state = { ...prefixed('vae', shapes), ...momentShapes('vae', shapes, BETA1) };
const scalars = { learningRate: [], beta2: [], correction1: [], correction2: [] };

async function stepOf(batch: number): Promise<InferenceSession> {
  const run = (inputs: Tensors): Tensors => {
    const p = under('vae', inputs);
    const [pictures, noise] = [named(inputs, 'pictures'), named(inputs, 'noise')];
    const gradients = parameterGradients((q) => loss(q, pictures, noise), p);
    return { ...prefixed('next', adam('vae', p, gradients, inputs, BETA1)), loss: loss(p, pictures, noise) };
  };
  const inputs = { ...state, ...scalars, pictures: [batch, PIXELS], noise: [batch, LATENT] };
  return createSession((await trace(run, inputs, { name: 'peer', lowering: 'gemm' })).encode());
}

async function train(set: PictureSet): Promise<Values> {
  let values: Record<string, Tensor> = {};
  const started = prefixed('vae', initialValues(parameters, 1, STREAM.training));
  for (const [name, shape] of Object.entries(state))
    values[name] = new Tensor('float32', started[name] ?? new Float32Array(sizeOf(shape)), shape);
  const sessions = new Map<number, InferenceSession>();
  let [steps, since] = [0, performance.now()];
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    let [sum, batches] = [0, 0];
    for (let from = 0; from < set.count; from += BATCH) {
      const batch = Math.min(BATCH, set.count - from);
      const session = sessions.get(batch) ?? (await stepOf(batch));
      sessions.set(batch, session);
      const levels = set.pixels.subarray(from * PIXELS, (from + batch) * PIXELS);
      steps++;
      const given = {
        learningRate: RATE,
        beta2: BETA2,
        correction1: 1 / (1 - BETA1 ** steps),
        correction2: 1 / (1 - BETA2 ** steps),
      };
      const results = await session.run({
        ...values,
        ...Object.fromEntries(
          Object.entries(given).map(([name, value]) => [name, new Tensor('float32', Float32Array.of(value), [])]),
        ),
        pictures: new Tensor(
          'float32',
          Float32Array.from(levels, (level) => level / 255),
          [batch, PIXELS],
        ),
        noise: new Tensor('float32', randomNormals(1, STREAM.training, steps, batch * LATENT), [batch, LATENT]),
      });
      values = Object.fromEntries(
        Object.keys(state).map((name) => [name, results[`next/${name}`] as unknown as Tensor]),
      );
      sum += Number(results.loss?.data[0]);
      batches++;
    }
    if (epoch % 10 === 9 || epoch === EPOCHS - 1) {
      const speed = ((epoch + 1) * set.count * 1000) / (performance.now() - since);
      console.error(`epoch ${epoch + 1}: loss ${(sum / batches).toFixed(2)}, ${speed.toFixed(0)} images/s`);
    }
  }
  since = performance.now();
  return Object.fromEntries(Object.entries(under('vae', values)).map(([name, t]) => [name, t.data as Float32Array]));
}

const splits = await loadDataset('fashion-mnist', {});
const weights = await train(splits.train);
await useBackend('cpu');
const p: Tensors = Object.fromEntries(
  parameters.map(({ name, shape }) => [name, tf.tensor(weights[name] ?? [], [...shape])]),
);
const levels = (pictures: tf.Tensor): Uint8Array => Uint8Array.from(pictures.dataSync(), (v) => Math.round(255 * v));
/** In parts, because tfjs's plain backend keeps every product. */
function inParts(
  rows: number,
  width: number,
  data: ArrayLike<number>,
  make: (part: tf.Tensor) => Uint8Array | Float32Array,
): number[] {
  const out: number[] = [];
  for (let from = 0; from < rows; from += BATCH) {
    const count = Math.min(BATCH, rows - from);
    const part = Float32Array.from({ length: count * width }, (_, i) => data[from * width + i] ?? 0);
    for (const value of tf.tidy(() => make(tf.tensor(part, [count, width])))) out.push(value);
  }
  return out;
}

const { judge } = await judgeFor(splits, {});
const evaluator = await createEvaluator(splits, judge);
const count = evaluator.samples;
const latents = Float32Array.from(
  Array.from({ length: count }, (_, i) => [...randomNormals(SAMPLES_FROM + i, STREAM.latent, 0, LATENT)]).flat(),
);
const samples = Uint8Array.from(inParts(count, LATENT, latents, (z) => levels(decode(p, z))));
const { fid, kid, precision, recall, coverage, nyquist } = await evaluator.evaluate(samples);

const held = spreadPictures(splits.test, mostReconstructed);
const unit = Float32Array.from(held.pixels, (level) => level / 255);
const again = Uint8Array.from(inParts(held.count, PIXELS, unit, (x) => levels(decode(p, encode(p, x).mean))));
const part = (key: 'mean' | 'logVariance') =>
  Float32Array.from(inParts(held.count, PIXELS, unit, (x) => encode(p, x)[key].dataSync() as Float32Array));
const numbers = posteriorNumbers({ latent: LATENT, mean: part('mean'), logVariance: part('logVariance') });
console.log(
  JSON.stringify(
    {
      latent: LATENT,
      epochs: EPOCHS,
      samples: { count, fid, kid, precision, recall, coverage, nyquist },
      reconstruction: { ...pictureErrors(held, again), ...numbers },
    },
    null,
    1,
  ),
);
