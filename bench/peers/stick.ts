// The published stick: the CNN for MNIST of EPFL's DISCO (epfml/disco, discojs/src/default_tasks/mnist.ts: 28x28x3, Adam, batches of
// 64), trained as it trains it, by tfjs's layers; and the same step, dropout too, traced by pocketgen/trace.
import * as tf from '@tensorflow/tfjs';
import { NEXT, trace } from '../../trace/index.ts';
import type { Tensor } from '../../train/engines/runtime.ts';
import type { Step, Work } from './contest.ts';
import { jaxStick } from './jax.ts';
import { wasmRuntime } from './runtime.ts';
import { BATCH, DROPPED, labels, MASKS, maskOf, pictures } from './stick-batch.ts';

function network(): tf.Sequential {
  const { conv2d, dense, dropout, flatten, maxPooling2d } = tf.layers;
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [28, 28, 3], kernelSize: 5, filters: 8, activation: 'relu' }),
      conv2d({ kernelSize: 5, filters: 16, activation: 'relu' }),
      maxPooling2d({ poolSize: 2 }),
      dropout({ rate: DROPPED }),
      flatten(),
      dense({ units: 32, activation: 'relu' }),
      dropout({ rate: DROPPED }),
      dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

/** Batches come from memory at each step, as they do with a data set. */
async function eager(): Promise<Step> {
  const model = network();
  model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  return async () => {
    const [x, y] = [tf.tensor4d(pictures, [BATCH, 28, 28, 3]), tf.tensor2d(labels, [BATCH, 10])];
    await model.trainOnBatch(x, y);
    tf.dispose([x, y]);
  };
}

async function traced(threads: number): Promise<Step> {
  const model = network();
  const optimizer = tf.train.adam();
  const shapes = { x: [BATCH, 28, 28, 3], y: [BATCH, 10], ...MASKS };
  const { encode, variables } = await trace(
    ({ x, y, mask0, mask1 }) => {
      const masks = [mask0, mask1];
      const forward = (): tf.Tensor =>
        model.layers.reduce(
          (h: tf.Tensor, layer) =>
            layer.getClassName() === 'Dropout' ? tf.mul(h, masks.shift() as tf.Tensor) : (layer.apply(h) as tf.Tensor),
          x as tf.Tensor,
        );
      const loss = () => tf.mean(tf.metrics.categoricalCrossentropy(y as tf.Tensor, forward())) as tf.Scalar;
      return { loss: optimizer.minimize(loss, true) as tf.Scalar };
    },
    shapes,
    { name: 'stick', lowering: 'gemm', variables: 'inputs' },
  );
  const { Tensor, createSession } = await wasmRuntime(threads);
  const session = await createSession(encode());
  const tensor = (data: Float32Array, shape: readonly number[]): Tensor => new Tensor('float32', data, [...shape]);
  let state: Record<string, Tensor> = {};
  for (const [name, variable] of Object.entries(variables))
    state[name] = tensor((variable.dataSync() as Float32Array).slice(), variable.shape);
  return async () => {
    const masks = Object.entries(MASKS).map(([name, shape]) => [name, tensor(maskOf(shape), shape)]);
    const given = { x: tensor(pictures, shapes.x), y: tensor(labels, shapes.y), ...Object.fromEntries(masks) };
    const results = await session.run({ ...state, ...given });
    for (const old of Object.values(state)) old.dispose();
    state = Object.fromEntries(Object.keys(state).map((name) => [name, results[NEXT + name] as Tensor]));
    if (!Number.isFinite(results.loss?.data[0])) throw new Error('stick: expected a finite loss');
  };
}

export const stick: Work = { batch: BATCH, traced, eager, jax: jaxStick };
