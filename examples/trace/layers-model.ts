// A Keras-style model of tfjs as an ONNX classifier for any number of pictures.
import * as tf from '@tensorflow/tfjs';
import { trace } from '../../trace/index.ts'; // in your own project: 'pocketgen/trace'

export const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ inputShape: [28, 28, 1], filters: 8, kernelSize: 3, activation: 'relu' }),
    tf.layers.batchNormalization(),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'relu6' }),
    tf.layers.averagePooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
});

export const { encode, inputs, outputs } = await trace(
  ({ pictures }) => ({ classes: model.apply(pictures) as tf.Tensor }),
  { pictures: ['batch', 28, 28, 1] },
  { name: 'classifier' },
);

/** Write these bytes to a file, or hand them to `ort.InferenceSession.create`. */
export const onnx = encode();
