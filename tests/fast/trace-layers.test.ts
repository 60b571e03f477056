// Layers of tfjs as ONNX, each in a small model, for two batches: what people have is models of layers.
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomNormals } from '../../contract/random.ts';
import { type ElementType, trace } from '../../trace/index.ts';
import { largestDifference } from '../helpers/traced.ts';

interface LayerCase {
  readonly shape: readonly number[];
  readonly layers: () => tf.layers.Layer[];
  readonly dtype?: ElementType;
}

const { layers: l } = tf;

const CASES: Readonly<Record<string, LayerCase>> = {
  dense: { shape: [5], layers: () => [l.dense({ units: 4, activation: 'relu' }), l.dense({ units: 2 })] },
  'dense on sequences': { shape: [3, 5], layers: () => [l.dense({ units: 4, activation: 'selu' })] },
  conv1d: { shape: [9, 3], layers: () => [l.conv1d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same' })] },
  conv2d: { shape: [9, 8, 3], layers: () => [l.conv2d({ filters: 4, kernelSize: 3, strides: 2, activation: 'elu' })] },
  'conv2d, causal gaps': { shape: [9, 9, 2], layers: () => [l.conv2d({ filters: 3, kernelSize: 3, dilationRate: 2 })] },
  conv3d: { shape: [5, 6, 5, 2], layers: () => [l.conv3d({ filters: 3, kernelSize: 3, padding: 'same' })] },
  conv2dTranspose: { shape: [4, 5, 3], layers: () => [l.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 })] },
  depthwiseConv2d: { shape: [7, 7, 3], layers: () => [l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 })] },
  separableConv2d: { shape: [7, 7, 3], layers: () => [l.separableConv2d({ filters: 4, kernelSize: 3 })] },
  'pooling 1d': { shape: [9, 3], layers: () => [l.maxPooling1d({ poolSize: 2 }), l.averagePooling1d({ poolSize: 2 })] },
  'pooling 2d': {
    shape: [11, 11, 3],
    layers: () => [
      l.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      l.averagePooling2d({ poolSize: [2, 2], padding: 'same' }),
    ],
  },
  'pooling 3d': { shape: [6, 6, 6, 2], layers: () => [l.maxPooling3d({ poolSize: [2, 2, 2] })] },
  'global pooling 2d': {
    shape: [6, 6, 3],
    layers: () => [l.conv2d({ filters: 4, kernelSize: 3 }), l.globalAveragePooling2d({})],
  },
  'global pooling 1d': { shape: [6, 3], layers: () => [l.globalMaxPooling1d({})] },
  batchNormalization: {
    shape: [6, 6, 3],
    layers: () => [l.conv2d({ filters: 4, kernelSize: 3 }), l.batchNormalization()],
  },
  layerNormalization: { shape: [4, 6], layers: () => [l.layerNormalization()] },
  'upSampling2d and cropping2D': {
    shape: [4, 5, 2],
    layers: () => [l.upSampling2d({ interpolation: 'bilinear' }), l.zeroPadding2d(), l.cropping2D({ cropping: 2 })],
  },
  'prelu, leakyReLU, elu and softmax': {
    shape: [3, 6],
    layers: () => [l.prelu({}), l.leakyReLU({}), l.elu({}), l.thresholdedReLU({ theta: 0.1 }), l.softmax({ axis: 2 })],
  },
  'dropout and noise, which only train': {
    shape: [8],
    layers: () => [l.dropout({ rate: 0.5 }), l.gaussianNoise({ stddev: 1 }), l.alphaDropout({ rate: 0.5 })],
  },
  'reshape, permute, flatten and repeatVector': {
    shape: [4, 6],
    layers: () => [
      l.permute({ dims: [2, 1] }),
      l.reshape({ targetShape: [3, 8] }),
      l.flatten(),
      l.repeatVector({ n: 2 }),
    ],
  },
  embedding: {
    shape: [7],
    dtype: 'int32',
    layers: () => [l.embedding({ inputDim: 20, outputDim: 6, inputLength: 7 })],
  },
  simpleRNN: { shape: [5, 4], layers: () => [l.simpleRNN({ units: 3 })] },
  gru: { shape: [5, 4], layers: () => [l.gru({ units: 3, returnSequences: true })] },
  lstm: { shape: [5, 4], layers: () => [l.lstm({ units: 3, returnSequences: true }), l.lstm({ units: 2 })] },
  bidirectional: {
    shape: [5, 4],
    layers: () => [l.bidirectional({ layer: l.lstm({ units: 3 }) as tf.RNN, mergeMode: 'concat' })],
  },
  convLstm2d: { shape: [3, 5, 5, 2], layers: () => [l.convLstm2d({ filters: 2, kernelSize: 3 }) as tf.layers.Layer] },
  timeDistributed: { shape: [3, 5], layers: () => [l.timeDistributed({ layer: l.dense({ units: 2 }) })] },
};

beforeAll(() => tf.setBackend('cpu'));

describe.each(Object.entries(CASES))('%s', (_name, { shape, layers, dtype = 'float32' }) => {
  test('gives what tfjs gives', async () => {
    const input = tf.input({ shape: [...shape], dtype });
    const output = layers().reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
    const model = tf.model({ inputs: input, outputs: output });
    const traced = await trace(({ x }) => model.apply(x) as tf.Tensor, { x: { shape: ['batch', ...shape], dtype } });
    expect(traced.outputs.map((o) => o.shape)).toEqual([['batch', ...output.shape.slice(1)]]);
    const session = await ort.InferenceSession.create(traced.encode(), { logSeverityLevel: 3 });
    for (const batch of [1, 3]) {
      const size = [batch, ...shape];
      const normals = randomNormals(
        batch,
        0,
        0,
        size.reduce((a, b) => a * b, 1),
      );
      const values =
        dtype === 'int32' ? Int32Array.from(normals, (v) => Math.min(19, Math.floor(7 * Math.abs(v)))) : normals;
      const expected = model.apply(tf.tensor(values, size, dtype)) as tf.Tensor;
      const { output: actual } = await session.run({
        x: new ort.Tensor(dtype as 'float32', values as Float32Array, size),
      });
      expect(actual?.dims).toEqual(expected.shape);
      expect(largestDifference((actual?.data ?? []) as Float32Array, expected.dataSync())).toBeLessThan(1e-5);
    }
    await session.release();
    model.dispose();
  });
});

test('attention made of dot layers', async () => {
  const x = tf.input({ shape: [5, 8] });
  const project = (): tf.SymbolicTensor => l.dense({ units: 8 }).apply(x) as tf.SymbolicTensor;
  const scores = l.dot({ axes: 2 }).apply([project(), project()]) as tf.SymbolicTensor;
  const weights = l.activation({ activation: 'softmax' }).apply(scores) as tf.SymbolicTensor;
  const mixed = l.dot({ axes: [2, 1] }).apply([weights, project()]) as tf.SymbolicTensor;
  const normal = l.layerNormalization().apply(l.add().apply([mixed, x]) as tf.SymbolicTensor) as tf.SymbolicTensor;
  const model = tf.model({ inputs: x, outputs: normal });
  const traced = await trace((i) => model.apply(i.x) as tf.Tensor, { x: ['batch', 5, 8] });
  const session = await ort.InferenceSession.create(traced.encode(), { logSeverityLevel: 3 });
  const values = randomNormals(1, 0, 0, 3 * 5 * 8);
  const { output } = await session.run({ x: new ort.Tensor('float32', values, [3, 5, 8]) });
  const expected = model.apply(tf.tensor(values, [3, 5, 8])) as tf.Tensor;
  expect(largestDifference((output?.data ?? []) as Float32Array, expected.dataSync())).toBeLessThan(1e-5);
});

test('a graph model, as the converter of TensorFlow and Keras models writes them', async () => {
  const [kernel, bias, dense] = [tf.randomNormal([3, 3, 1, 4]), tf.randomNormal([4]), tf.randomNormal([4, 2])];
  const float = { type: 'DT_FLOAT' };
  const node = (name: string, op: string, input: string[] = [], attr: object = {}) => ({ name, op, input, attr });
  const whole = { list: { i: ['1', '1', '1', '1'] } };
  const shape = { shape: { dim: [-1, 8, 8, 1].map((size) => ({ size: String(size) })) } };
  const modelTopology = {
    versions: { producer: 1 },
    node: [
      node('x', 'Placeholder', [], { dtype: float, shape }),
      ...['kernel', 'bias', 'dense'].map((name) => node(name, 'Const', [], { dtype: float })),
      node('axes', 'Const', [], { dtype: { type: 'DT_INT32' } }),
      // Strings of a graph are base64: SAME, NHWC.
      node('conv', 'Conv2D', ['x', 'kernel'], {
        strides: whole,
        dilations: whole,
        padding: { s: 'U0FNRQ==' },
        data_format: { s: 'TkhXQw==' },
      }),
      node('biased', 'BiasAdd', ['conv', 'bias']),
      node('relu', 'Relu6', ['biased']),
      node('mean', 'Mean', ['relu', 'axes'], { keep_dims: { b: false } }),
      node('logits', 'MatMul', ['mean', 'dense'], { transpose_a: { b: false }, transpose_b: { b: false } }),
      node('classes', 'Softmax', ['logits']),
    ],
  };
  const weights = { kernel, bias, dense, axes: tf.tensor1d([1, 2], 'int32') };
  const { data, specs } = await tf.io.encodeWeights(weights);
  const artifacts = { modelTopology, format: 'graph-model', weightSpecs: specs, weightData: data };
  const model = await tf.loadGraphModel(tf.io.fromMemory(artifacts));
  const traced = await trace(({ x }) => model.execute({ x }) as tf.Tensor, { x: ['batch', 8, 8, 1] });
  const session = await ort.InferenceSession.create(traced.encode(), { logSeverityLevel: 3 });
  const values = randomNormals(1, 0, 0, 3 * 64);
  const { output } = await session.run({ x: new ort.Tensor('float32', values, [3, 8, 8, 1]) });
  const expected = model.execute({ x: tf.tensor(values, [3, 8, 8, 1]) }) as tf.Tensor;
  expect(output?.dims).toEqual([3, 2]);
  expect(largestDifference((output?.data ?? []) as Float32Array, expected.dataSync())).toBeLessThan(1e-5);
});
