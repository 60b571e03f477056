// A whole training step, Adam and its state included, as one ONNX model that trains without tfjs.
import * as tf from '@tensorflow/tfjs';
import { NEXT, trace } from '../../trace/index.ts'; // in your own project: 'pocketgen/trace'

export const BATCH = 32;

const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
export const model = tf.sequential({
  layers: [
    tf.layers.dense({ inputShape: [4], units: 16, activation: 'tanh', kernelInitializer }),
    tf.layers.dense({ units: 1, kernelInitializer }),
  ],
});
export const optimizer = tf.train.adam(0.01);

export function step(x: tf.Tensor, y: tf.Tensor): tf.Scalar {
  const loss = () => tf.losses.meanSquaredError(y, model.apply(x) as tf.Tensor) as tf.Scalar;
  return optimizer.minimize(loss, true) as tf.Scalar;
}

// Weights, biases and Adam's moments become inputs, and outputs with NEXT in front of the same name.
export const traced = await trace(
  ({ x, y }) => ({ loss: step(x, y) }),
  { x: [BATCH, 4], y: [BATCH, 1] },
  { name: 'step', lowering: 'gemm', variables: 'inputs' },
);

/** What every variable starts from: feed it, and after each run feed what came out as `NEXT + name`. */
export const start = Object.entries(traced.variables).map(([name, variable]) => ({
  name,
  next: NEXT + name,
  shape: variable.shape,
  values: variable.dataSync().slice(),
}));
