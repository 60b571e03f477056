// The modern pair: pre-activation residual blocks without normalisation (after R3GAN, Huang et al. 2024). Every wide 3x3
// convolution runs at half the picture's resolution or below; up is bilinear, down is blurred. A narrow stage at full resolution
// draws and reads the pixels. Without it (`fullWidth` 0) the picture is a smooth one plus four sub-pixels a place, and down is
// space-to-depth at first: faster, but what is the same in every place of two pixels is seen as a weave, which takes hundreds of
// thousands of images to unlearn. Class-conditional: embedding beside z in the generator, projection (Miyato &
// Koyama 2018) in the discriminator.

import * as tf from '@tensorflow/tfjs';
import {
  addBias,
  bounded,
  conv,
  convParameters,
  dense,
  denseParameters,
  depthToSpace,
  downsample,
  leakyRelu,
  type ParameterSpec,
  spaceToDepth,
  upsample,
} from './layers.ts';
import type { Pass } from './pass.ts';
import type { NetworkSpec, Networks } from './spec.ts';
import { named, type Tensors } from './tensors.ts';

/** Residual branches start small so that a deep stack starts as its shortcuts; see Zhang et al. 2019 (Fixup). */
const BRANCH_GAIN = 0.3;

/** Maps from the smallest to half the picture, two at least: 16 → 4, 8; 28 → 7, 14; 32 → 8, 16; 64 → 8, 16, 32. */
export function stages(spec: NetworkSpec): { size: number; channels: number }[] {
  const sizes = [spec.resolution / 2];
  for (let size = spec.resolution / 4; Number.isInteger(size) && (size >= 7 || sizes.length < 2); size /= 2)
    sizes.unshift(size);
  return sizes.map((size, i) => ({ size, channels: spec.width * 2 ** Math.min(sizes.length - 1 - i, 2) }));
}

/** The dense layer holds most of a generator's bytes, so where the first map is wide it makes fewer channels, widened after. */
const firstChannels = (spec: NetworkSpec, widened: number): number => Math.min(2 * spec.width, widened);

function generatorParameters(spec: NetworkSpec): ParameterSpec[] {
  const [first, ...rest] = stages(spec);
  if (!first) throw new Error(`network: expected a resolution that halves, got ${spec.resolution}`);
  const embedding = spec.classes > 0 ? spec.embedding : 0;
  const list: ParameterSpec[] = [];
  if (spec.classes > 0) list.push({ name: 'embed.weight', shape: [spec.classes, embedding], deviation: 1 });
  const inputs = spec.latent + embedding;
  let channels = firstChannels(spec, first.channels);
  const [weight, bias] = denseParameters('input', inputs, first.size ** 2 * channels, 1 / Math.sqrt(inputs));
  list.push({ ...weight, map: { side: first.size, after: 1 } }, bias);
  if (channels < first.channels) list.push(...convParameters('widen', 1, channels, first.channels));
  for (const [i, stage] of [first, ...rest].entries()) {
    if (i > 0) list.push(...convParameters(`up${i}`, 1, channels, stage.channels));
    channels = stage.channels;
    for (let b = 0; b < spec.generatorBlocks; b++) {
      list.push(...convParameters(`stage${i}.block${b}`, 3, channels, channels, BRANCH_GAIN));
    }
  }
  const full = spec.fullWidth;
  if (full > 0) {
    list.push(...convParameters('up', 1, channels, full), ...convParameters('full', 3, full, full, BRANCH_GAIN));
    list.push(...convParameters('picture', 3, full, spec.channels));
    return list;
  }
  list.push(...convParameters('smooth', 1, channels, spec.channels));
  list.push(...convParameters('detail', 3, channels, 4 * spec.channels, BRANCH_GAIN));
  return list;
}

function generate(spec: NetworkSpec, p: Tensors, latent: tf.Tensor, classes: tf.Tensor | undefined): tf.Tensor {
  const [first, ...rest] = stages(spec);
  if (!first) throw new Error(`network: expected a resolution that halves, got ${spec.resolution}`);
  const levels = spec.limit === 'tanh' ? tf.tanh : bounded;
  let x = classes ? tf.concat([latent, dense(p, 'embed', classes)], 1) : latent;
  x = addBias(p, 'input', dense(p, 'input', x));
  // Read as channels first and turned: in the exported NCHW graph this transposition cancels.
  const channels = firstChannels(spec, first.channels);
  x = tf.transpose(tf.reshape(x, [-1, channels, first.size, first.size]), [0, 2, 3, 1]);
  if (channels < first.channels) x = addBias(p, 'widen', conv(p, 'widen', x));
  for (const i of [first, ...rest].keys()) {
    if (i > 0) x = upsample(addBias(p, `up${i}`, conv(p, `up${i}`, x)));
    for (let b = 0; b < spec.generatorBlocks; b++) {
      const name = `stage${i}.block${b}`;
      x = tf.add(x, addBias(p, name, conv(p, name, leakyRelu(x))));
    }
  }
  if (spec.fullWidth > 0) {
    x = upsample(addBias(p, 'up', conv(p, 'up', x)));
    x = tf.add(x, addBias(p, 'full', conv(p, 'full', leakyRelu(x))));
    return levels(addBias(p, 'picture', conv(p, 'picture', leakyRelu(x)))); // [batch, resolution, resolution, channels]
  }
  x = leakyRelu(x);
  const smooth = upsample(addBias(p, 'smooth', conv(p, 'smooth', x)));
  const detail = depthToSpace(addBias(p, 'detail', conv(p, 'detail', x)));
  return levels(tf.add(smooth, detail)); // [batch, resolution, resolution, channels]
}

/** From pictures down to the smallest map: what a discriminator and an encoder begin with. */
export function trunkParameters(spec: NetworkSpec): ParameterSpec[] {
  const down = stages(spec).reverse();
  const list: ParameterSpec[] = [];
  let channels: number = spec.channels;
  const full = spec.fullWidth;
  if (full > 0) {
    list.push(...convParameters('picture', 3, channels, full), ...convParameters('full', 3, full, full, BRANCH_GAIN));
    channels = full;
  }
  for (const [i, stage] of down.entries()) {
    const ofSubPixels = i === 0 && full === 0;
    const [size, inputs] = ofSubPixels ? [3, 4 * channels] : [1, channels];
    list.push(...convParameters(`down${i}`, size, inputs, stage.channels));
    channels = stage.channels;
    for (let b = 0; b < spec.discriminatorBlocks; b++) {
      list.push(...convParameters(`stage${i}.block${b}`, 3, channels, channels, BRANCH_GAIN));
    }
  }
  return list;
}

/** A dense layer that reads the trunk's map, whole; it starts smooth over the map's places. */
export function mapReader(spec: NetworkSpec, name: string, outputs: number): [ParameterSpec, ParameterSpec] {
  const { size, channels } = stages(spec)[0] ?? { size: 1, channels: 1 };
  const [weight, bias] = denseParameters(name, size * size * channels, outputs);
  return [{ ...weight, map: { side: size, after: channels * outputs } }, bias];
}

function discriminatorParameters(spec: NetworkSpec): ParameterSpec[] {
  const list = [...trunkParameters(spec), ...mapReader(spec, 'features', spec.features)];
  const deviation = 1 / Math.sqrt(spec.features);
  list.push(...denseParameters('score', spec.features, 1, deviation));
  if (spec.classes > 0) list.push({ name: 'classes.weight', shape: [spec.classes, spec.features], deviation });
  return list;
}

/** pictures [batch, h, w, c] → the smallest map [batch, side, side, channels], before its activation. */
export function trunk(spec: NetworkSpec, p: Tensors, pictures: tf.Tensor, pass: Pass): tf.Tensor {
  let x = pictures;
  const ofSubPixels = spec.fullWidth === 0;
  if (!ofSubPixels) {
    x = pass.addBias(p, 'picture', conv(p, 'picture', x));
    x = tf.add(x, pass.addBias(p, 'full', conv(p, 'full', pass.leakyRelu(x))));
  }
  for (const i of stages(spec).keys()) {
    x = pass.addBias(p, `down${i}`, conv(p, `down${i}`, i === 0 && ofSubPixels ? spaceToDepth(x) : downsample(x)));
    for (let b = 0; b < spec.discriminatorBlocks; b++) {
      const name = `stage${i}.block${b}`;
      x = tf.add(x, pass.addBias(p, name, conv(p, name, pass.leakyRelu(x))));
    }
  }
  return x;
}

/** The map read by the dense layer of that name, [batch, outputs]. */
export function readMap(p: Tensors, name: string, map: tf.Tensor, pass: Pass): tf.Tensor {
  const flat = tf.reshape(pass.leakyRelu(map), [map.shape[0] ?? 1, -1]);
  return pass.addBias(p, name, dense(p, name, flat));
}

function discriminate(
  spec: NetworkSpec,
  p: Tensors,
  pictures: tf.Tensor,
  classes: tf.Tensor | undefined,
  pass: Pass,
): tf.Tensor {
  const x = pass.leakyRelu(readMap(p, 'features', trunk(spec, p, pictures, pass), pass)); // [batch, features]
  let direction = tf.reshape(named(p, 'score.weight'), [1, spec.features]);
  if (classes)
    direction = tf.add(direction, tf.matMul(classes as tf.Tensor2D, named(p, 'classes.weight') as tf.Tensor2D));
  const score = tf.sum(tf.mul(x, direction), 1, true);
  return tf.reshape(pass.addBias(p, 'score', score), [-1]);
}

export function residualNetworks(spec: NetworkSpec): Networks {
  return {
    spec,
    generatorParameters: generatorParameters(spec),
    discriminatorParameters: discriminatorParameters(spec),
    generate: (p, latent, classes) => generate(spec, p, latent, classes),
    discriminate: (p, pictures, classes, pass) => discriminate(spec, p, pictures, classes, pass),
  };
}
