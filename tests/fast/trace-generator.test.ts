// The exported generator looks hand-written: NCHW throughout, biases inside their operators, nothing left over.

import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { generatorFunction } from '../../export/weights.ts';
import { schedule } from '../../trace/graph.ts';
import { trace } from '../../trace/index.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { under } from '../../train/nn/tensors.ts';
import { smallNormalised, smallResidual, smallStrided } from '../helpers/networks.ts';
import { graphOf, largestDifference, operators, readModel } from '../helpers/traced.ts';
import { setup } from '../helpers/training.ts';

// Widths whose channel counts are no map's side, so that a shape tells its layout.
const FAMILIES: [name: string, network: NetworkSpec, allowed: string[]][] = [
  [
    'residual, 28 px',
    { ...smallResidual, width: 5, resolution: 28, channels: 1, classes: 10 },
    ['Add', 'Concat', 'Conv', 'DepthToSpace', 'Gemm', 'LeakyRelu', 'MatMul', 'Reshape', 'Resize', 'Tanh'],
  ],
  [
    'residual, 64 px, colour, without classes',
    { ...smallResidual, width: 5, resolution: 64, channels: 3, classes: 0 },
    ['Add', 'Conv', 'DepthToSpace', 'Gemm', 'LeakyRelu', 'Reshape', 'Resize', 'Tanh'],
  ],
  [
    'residual, 32 px, transparent, full resolution, clipped',
    { ...smallResidual, width: 5, fullWidth: 3, limit: 'clip', resolution: 32, channels: 4, classes: 2 },
    ['Add', 'Concat', 'Conv', 'Gemm', 'LeakyRelu', 'MatMul', 'Max', 'Min', 'Reshape', 'Resize'],
  ],
  [
    'strided, 28 px',
    { ...smallStrided, resolution: 28, channels: 1 },
    ['ConvTranspose', 'Gemm', 'LeakyRelu', 'Mul', 'Reshape', 'Sigmoid', 'Sub'],
  ],
  [
    'strided, 32 px, colour',
    { ...smallStrided, resolution: 32, channels: 3 },
    ['ConvTranspose', 'Gemm', 'LeakyRelu', 'Mul', 'Reshape', 'Sigmoid', 'Sub'],
  ],
  [
    'strided, 28 px, normalised',
    { ...smallNormalised, resolution: 28, channels: 1 },
    ['BatchNormalization', 'ConvTranspose', 'LeakyRelu', 'MatMul', 'Mul', 'Reshape', 'Sigmoid', 'Sub'],
  ],
];

describe.each(FAMILIES)('%s', (_name, network, allowed) => {
  const { model, options, state } = setup(network);
  const run = generatorFunction({ model, weights: under('ema', state) });
  const { latent, classes, resolution, channels } = network;
  const shapes = { latent: [latent], ...(classes > 0 ? { class: [classes] } : {}) };
  let bytes: Uint8Array = new Uint8Array();
  beforeAll(async () => {
    const open = Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [key, ['batch', ...shape]]));
    bytes = (await trace(run, open, { name: 'generator' })).encode();
  });

  test('has these operators and no Transpose', () => {
    expect(Object.keys(operators(readModel(bytes))).sort()).toEqual(allowed);
  });

  test('has one operator for each layer of the network, its bias or normalisation with it', () => {
    const graph = readModel(bytes);
    const named = (suffix: string) =>
      options.networks.generatorParameters.filter(({ name }) => name.endsWith(suffix)).length;
    const biased = graph.node.filter(
      ({ opType, input }) => ['Conv', 'ConvTranspose', 'Gemm'].includes(opType) && input.length === 3,
    );
    expect(biased).toHaveLength(named('.bias'));
    const counts = operators(graph);
    expect(counts.BatchNormalization ?? 0).toBe(named('.scale'));
    const all = (counts.Conv ?? 0) + (counts.ConvTranspose ?? 0) + (counts.Gemm ?? 0) + (counts.MatMul ?? 0);
    expect(all).toBe(named('.weight'));
    for (const node of biased) {
      const [, weight, bias] = node.input.map((name) => graph.initializer.find((i) => i.name === name));
      const outputs = Number(weight?.dims[node.opType === 'Conv' ? 0 : 1]);
      expect(bias?.dims.map(Number), `bias of ${node.name}`).toEqual([outputs]);
    }
  });

  test('keeps every map as [batch, channels, side, side]', async () => {
    const batched = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, [13, ...shape]]));
    const graph = await graphOf(run, batched, 'conv');
    const maps = schedule(graph).filter(({ shape }) => shape.length === 4);
    expect(maps.length).toBeGreaterThan(5);
    for (const { shape } of maps) {
      const [n, c, h, w] = shape;
      expect(n).toBe(13);
      expect(h).toBe(w);
      expect(c).not.toBe(h);
    }
    expect(maps.at(-1)?.shape).toEqual([13, channels, resolution, resolution]);
  });

  test('draws what tfjs draws, for any batch', async () => {
    await tf.setBackend('cpu');
    const session = await ort.InferenceSession.create(bytes);
    const given = setup(network, { batch: 6, seed: 2 });
    const { latent: z = new Float32Array(), classes: y = new Float32Array() } = given.inputs(0);
    for (const batch of [1, 6]) {
      const part = (all: Float32Array, width: number): Float32Array => all.slice(0, batch * width);
      const expected = tf.tidy(() => {
        const inputs = {
          latent: tf.tensor(part(z, latent), [batch, latent]),
          ...(classes > 0 ? { class: tf.tensor(part(y, classes), [batch, classes]) } : {}),
        };
        return run(inputs).image?.dataSync().slice() ?? [];
      });
      const { image } = await session.run({
        latent: new ort.Tensor('float32', part(z, latent), [batch, latent]),
        ...(classes > 0 ? { class: new ort.Tensor('float32', part(y, classes), [batch, classes]) } : {}),
      });
      expect(image?.dims).toEqual([batch, channels, resolution, resolution]);
      expect(largestDifference((image?.data ?? []) as Float32Array, expected)).toBeLessThan(1e-5);
    }
    await session.release();
  });
});
