// The older pair: strided convolutions down, transposed ones up, as in DCGAN (Radford et al. 2015) and the article this
// project started from (preset `classic`). Not class-conditional.

import * as tf from '@tensorflow/tfjs';
import { addBias, conv, convParameters, dense, denseParameters, leakyRelu, type ParameterSpec } from './layers.ts';
import { byMovingAverages, type Normalise, normalisationParameters } from './normalisation.ts';
import type { Pass } from './pass.ts';
import type { NetworkSpec, Networks, StridedShape } from './spec.ts';
import { named, type Tensors } from './tensors.ts';

const kernelName = (i: number): string => `conv${i}`;

function generatorParameters(spec: NetworkSpec, shape: StridedShape): ParameterSpec[] {
  const list: ParameterSpec[] = [];
  const hidden = ([weight, bias]: [ParameterSpec, ParameterSpec], name: string, channels: number): void => {
    list.push(weight, ...(shape.normalise ? normalisationParameters(name, channels) : [bias]));
  };
  let inputs = spec.latent;
  for (const [i, units] of shape.dense.entries()) {
    hidden(denseParameters(`dense${i}`, inputs, units), `dense${i}`, units);
    inputs = units;
  }
  const [first = 1, ...rest] = shape.generator;
  const base = spec.resolution / 2 ** shape.generator.length;
  const places = base * base * first;
  hidden(denseParameters('input', inputs, places), 'input', places);
  let from = first;
  for (const [i, to] of [...rest, spec.channels].entries()) {
    const [weight, bias] = convParameters(kernelName(i), shape.kernel, from, to);
    // tf.conv2dTranspose keeps its filter as [size, size, out, in].
    const turned = { ...weight, shape: [shape.kernel, shape.kernel, to, from] };
    if (i < rest.length) hidden([turned, bias], kernelName(i), to);
    else list.push(turned, bias);
    from = to;
  }
  return list;
}

function generate(
  spec: NetworkSpec,
  shape: StridedShape,
  p: Tensors,
  latent: tf.Tensor,
  normalise: Normalise,
): tf.Tensor {
  const hidden = (name: string, y: tf.Tensor): tf.Tensor =>
    leakyRelu(shape.normalise ? normalise(p, name, y) : addBias(p, name, y));
  let x = latent;
  for (const i of shape.dense.keys()) x = hidden(`dense${i}`, dense(p, `dense${i}`, x));
  const [first = 1, ...rest] = shape.generator;
  let size = spec.resolution / 2 ** shape.generator.length;
  x = hidden('input', dense(p, 'input', x));
  x = tf.transpose(tf.reshape(x, [-1, first, size, size]), [0, 2, 3, 1]);
  const channels = [...rest, spec.channels];
  for (const [i, out] of channels.entries()) {
    size *= 2;
    const weight = named(p, `${kernelName(i)}.weight`) as tf.Tensor4D;
    x = tf.conv2dTranspose(x as tf.Tensor4D, weight, [x.shape[0] ?? 1, size, size, out], 2, 'same');
    x = i < channels.length - 1 ? hidden(kernelName(i), x) : addBias(p, kernelName(i), x);
  }
  // Sigmoid in [0, 1], as the article has it, moved to the [-1, 1] that every bundle uses.
  return tf.sub(tf.mul(tf.sigmoid(x), 2), 1);
}

function discriminatorParameters(spec: NetworkSpec, shape: StridedShape): ParameterSpec[] {
  const list: ParameterSpec[] = [];
  let channels: number = spec.channels;
  let size: number = spec.resolution;
  for (const [i, out] of shape.discriminator.entries()) {
    list.push(...convParameters(kernelName(i), shape.kernel, channels, out));
    channels = out;
    size = Math.ceil(size / 2);
  }
  const inputs = size * size * channels;
  list.push(...denseParameters('score', inputs, 1, 1 / Math.sqrt(inputs)));
  return list;
}

function discriminate(shape: StridedShape, p: Tensors, pictures: tf.Tensor, pass: Pass): tf.Tensor {
  let x = pictures;
  for (const i of shape.discriminator.keys()) {
    x = pass.leakyRelu(pass.addBias(p, kernelName(i), conv(p, kernelName(i), x, 2)));
  }
  const flat = tf.reshape(x, [x.shape[0] ?? 1, -1]);
  return tf.reshape(pass.addBias(p, 'score', dense(p, 'score', flat)), [-1]);
}

export function stridedNetworks(spec: NetworkSpec, shape: StridedShape): Networks {
  return {
    spec,
    generatorParameters: generatorParameters(spec, shape),
    discriminatorParameters: discriminatorParameters(spec, shape),
    generate: (p, latent, _classes, normalise = byMovingAverages) => generate(spec, shape, p, latent, normalise),
    discriminate: (p, pictures, _classes, pass) => discriminate(shape, p, pictures, pass),
  };
}
