// Layers as plain functions over named parameters, and how those parameters start.
import * as tf from '@tensorflow/tfjs';
import { randomNormals } from '../../contract/random.ts';
import { named, sizeOf, type Tensors } from './tensors.ts';

/** A parameter starts as normal noise of this standard deviation around `mean` (0 if absent). */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly deviation: number;
  readonly mean?: number;
  /** A moving average over batches: the step updates it, no gradient does. */
  readonly moving?: true;
  /**
   * The parameter has one value (or vector) for each place of a square map: dimensions [before, side², after] when
   * flattened. It starts smooth over the map, because places that start as strangers leave a grid in the pictures.
   */
  readonly map?: { readonly side: number; readonly after: number };
}

/** Those that a gradient moves. */
export const trainedParameters = (specs: readonly ParameterSpec[]): ParameterSpec[] =>
  specs.filter(({ moving }) => !moving);

/** Slope of every leaky ReLU, as in DCGAN and StyleGAN. */
export const LEAK = 0.2;

/** He initialisation (He et al. 2015) with the gain of a leaky ReLU: keeps the variance from layer to layer. */
const heDeviation = (fanIn: number): number => Math.sqrt(2 / ((1 + LEAK * LEAK) * fanIn));

export function denseParameters(
  name: string,
  inputs: number,
  outputs: number,
  deviation = heDeviation(inputs),
): [ParameterSpec, ParameterSpec] {
  return [
    { name: `${name}.weight`, shape: [inputs, outputs], deviation },
    { name: `${name}.bias`, shape: [outputs], deviation: 0 },
  ];
}

export function convParameters(
  name: string,
  size: number,
  inputs: number,
  outputs: number,
  gain = 1,
): [ParameterSpec, ParameterSpec] {
  return [
    {
      name: `${name}.weight`,
      shape: [size, size, inputs, outputs],
      deviation: gain * heDeviation(size * size * inputs),
    },
    { name: `${name}.bias`, shape: [outputs], deviation: 0 },
  ];
}

/** White noise over a map's places, blurred to a Gaussian of one and a half places, its variance kept. */
function smoothed(noise: Float32Array, side: number, after: number): Float32Array {
  const WIDTH = 1.5;
  const kernel = Array.from({ length: side }, (_, i) =>
    Array.from({ length: side }, (_, j) => Math.exp(-((i - j) ** 2) / (2 * WIDTH * WIDTH))),
  ).map((row) => row.map((x) => x / Math.hypot(...row)));
  const blur = (values: Float32Array, step: number): Float32Array =>
    values.map((_, at) => {
      const i = Math.floor(at / step) % side;
      return (kernel[i] ?? []).reduce((sum, weight, j) => sum + weight * (values[at + (j - i) * step] ?? 0), 0);
    });
  return blur(blur(noise, after), side * after);
}

/** Initial values, a pure function of the seed, the number of a random stream and each parameter's place in the list. */
export function initialValues(
  specs: readonly ParameterSpec[],
  seed: number,
  stream: number,
): Record<string, Float32Array> {
  return Object.fromEntries(
    specs.map(({ name, shape, deviation, mean = 0, map }, index) => {
      const count = sizeOf(shape);
      if (deviation === 0) return [name, new Float32Array(count).fill(mean)];
      const noise = randomNormals(seed, stream, index, count);
      return [name, (map ? smoothed(noise, map.side, map.after) : noise).map((x) => mean + x * deviation)];
    }),
  );
}

export function dense(parameters: Tensors, name: string, x: tf.Tensor): tf.Tensor {
  return tf.matMul(x as tf.Tensor2D, named(parameters, `${name}.weight`) as tf.Tensor2D);
}

/** Convolution with zero padding that keeps the size at stride 1; without its bias. */
export function conv(parameters: Tensors, name: string, x: tf.Tensor, stride = 1): tf.Tensor {
  const weight = named(parameters, `${name}.weight`);
  return tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, stride, 'same');
}

export function addBias(parameters: Tensors, name: string, x: tf.Tensor): tf.Tensor {
  return tf.add(x, named(parameters, `${name}.bias`));
}

/** tf.leakyRelu with a gradient that keeps only the slope: tfjs's own cannot be differentiated again. */
export function leakyRelu(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const value = input as tf.Tensor;
    (save as tf.GradSaveFunc)([value]);
    return {
      value: tf.leakyRelu(value, LEAK),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(dy, tf.step(saved as tf.Tensor, LEAK)),
    };
  })(x);
}

/** [batch, h, w, 4c] → [batch, 2h, 2w, c]. tfjs has the kernel but not its gradient, which is the inverse move. */
export function depthToSpace(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input) => ({
    value: tf.depthToSpace(input as tf.Tensor4D, 2, 'NHWC'),
    gradFunc: (dy: tf.Tensor) => spaceToDepth(dy),
  }))(x);
}

/** [batch, 2h, 2w, c] → [batch, h, w, 4c], the inverse of depthToSpace. */
export function spaceToDepth(x: tf.Tensor): tf.Tensor {
  const [n = 1, h = 2, w = 2, c = 1] = x.shape;
  const blocks = tf.reshape(x, [n, h / 2, 2, w / 2, 2, c]);
  return tf.reshape(tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [n, h / 2, w / 2, 4 * c]);
}

/** Weights of bilinear interpolation from n to 2n points at half-pixel centres, edges repeated: [2n, n]. */
function interpolation(n: number): tf.Tensor2D {
  const weights = new Float32Array(2 * n * n);
  for (let i = 0; i < 2 * n; i++) {
    const at = (i + 0.5) / 2 - 0.5;
    const low = Math.floor(at);
    for (const [j, weight] of [
      [low, 1 - (at - low)],
      [low + 1, at - low],
    ] as const) {
      const k = i * n + Math.min(n - 1, Math.max(0, j));
      weights[k] = (weights[k] ?? 0) + weight;
    }
  }
  return tf.tensor2d(weights, [2 * n, n]);
}

/** The transposed map of `upsample`: [batch, 2h, 2w, c] → [batch, h, w, c]. */
function gatherDown(x: tf.Tensor): tf.Tensor {
  const [n = 1, h = 2, w = 2, c = 1] = x.shape;
  const rows = tf.matMul(interpolation(h / 2).expandDims(0), tf.reshape(x, [n, h, w * c]), true, false);
  const columns = tf.matMul(interpolation(w / 2).expandDims(0), tf.reshape(rows, [(n * h) / 2, w, c]), true, false);
  return tf.reshape(columns, [n, h / 2, w / 2, c]);
}

/**
 * Bilinear, [batch, h, w, c] → [batch, 2h, 2w, c], half-pixel centres. With its own gradient: tfjs's ignores the half
 * pixel (its ResizeBilinearGrad knows alignCorners only).
 */
export function upsample(x: tf.Tensor): tf.Tensor {
  const [, h = 1, w = 1] = x.shape;
  return tf.customGrad((input) => ({
    value: tf.image.resizeBilinear(input as tf.Tensor4D, [2 * h, 2 * w], false, true),
    gradFunc: (dy: tf.Tensor) => gatherDown(dy),
  }))(x);
}

/**
 * Halves a map after the blur [1, 3, 3, 1] / 8 in each direction (Zhang 2019, arXiv:1904.11486): the transpose of
 * `upsample`, so that means stay means. Windows that do not overlap would send the generator gradients with a grid in them.
 */
export function downsample(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input) => ({
    value: tf.mul(gatherDown(input as tf.Tensor), 0.25),
    gradFunc: (dy: tf.Tensor) => tf.mul(upsample(dy), 0.25),
  }))(x);
}

/**
 * x within [-1, 1], exactly at either end. The gradient is that of x, but for what would lead further out: a saturated
 * picture can still change, where the gradient of tanh is zero.
 */
export function bounded(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const value = input as tf.Tensor;
    (save as tf.GradSaveFunc)([value]);
    return {
      value: tf.clipByValue(value, -1, 1),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [before] = saved as [tf.Tensor];
        const outside = tf.step(tf.sub(tf.abs(before), 1));
        // A step of descent goes against dy.
        const outward = tf.step(tf.neg(tf.mul(dy, before)));
        return tf.mul(dy, tf.sub(1, tf.mul(outside, outward)));
      },
    };
  })(x);
}
