// Networks for pictures of twice the side that begin as smaller ones (progressive growing, Karras et al. 2018, in one leap). The
// stage that drew and read pixels becomes one more of those at half the resolution, and a new one, half as wide, draws and reads
// the new pixels. Nothing is faded in: from the first step on the generator draws its small picture enlarged, and the
// discriminator judges much as it judged that. With new layers that begin as noise, what was learnt is half lost (docs/LOG.md).
import * as tf from '@tensorflow/tfjs';
import { LEAK } from './layers.ts';
import { stages } from './residual.ts';
import { type NetworkSpec, pictureSizes } from './spec.ts';
import type { Values } from './tensors.ts';

const TAPS = [-1, 0, 1].flatMap((y) => [-1, 0, 1].map((x) => ({ x, y })));
const CENTRE = TAPS.findIndex(({ x, y }) => x === 0 && y === 0);

/**
 * What a filter of 3x3 on smooth pictures comes to: mean, slopes, curvature. They are orthogonal; at twice the resolution a slope
 * from pixel to pixel is half as large, a curvature a quarter.
 */
const FILTERS = [
  { taps: TAPS.map(() => 1 / 3), scale: 1 },
  { taps: TAPS.map(({ x }) => x / Math.sqrt(6)), scale: 2 },
  { taps: TAPS.map(({ y }) => y / Math.sqrt(6)), scale: 2 },
  { taps: TAPS.map(({ x, y }) => (x * x + y * y - 4 / 3) / 2), scale: 4 },
];

/**
 * The least width of networks that grow, for the channels of their pictures: a quarter of it is the new stage's, which reads each of
 * them through each filter.
 */
export const widthToGrow = (channels: number): number => 4 * FILTERS.length * channels;

/** By so much is the picture louder than what was in the same channels before, so that this hardly counts. */
const LOUD = 8;

function of(values: Values, name: string): Float32Array {
  const found = values[name];
  if (!found) throw new Error(`growing: expected a parameter named ${name}`);
  return found;
}

/** Under the names that the layers have in the larger network. */
function renamed(values: Values, called: (layer: string) => string): Values {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, data]) => {
      const [, layer = '', part = ''] = /^(.*)\.(\w+)$/.exec(name) ?? [];
      return layer === 'picture' ? [] : [[`${called(layer)}.${part}`, data]];
    }),
  );
}

/** A residual branch that begins as its shortcut. */
const silent = (fresh: Values, layer: string): Values =>
  Object.fromEntries(
    ['weight', 'bias'].map((part) => [`${layer}.${part}`, new Float32Array(of(fresh, `${layer}.${part}`).length)]),
  );

/**
 * The larger networks' sizes. Undefined where the smaller ones' layers are no part of larger ones: without a stage at the full
 * resolution that is half as wide as the next, where the widest maps are at their limit, or where the new stage would be too narrow.
 */
export function grown(spec: NetworkSpec): NetworkSpec | undefined {
  const { family, width, fullWidth, channels } = spec;
  const resolution = pictureSizes.find((side) => side === 2 * spec.resolution);
  if (family !== 'residual' || !resolution || width !== 2 * fullWidth || fullWidth % 2 > 0) return undefined;
  if (width < widthToGrow(channels) || spec.generatorBlocks < 2) return undefined;
  const small = stages(spec);
  const large: NetworkSpec = { ...spec, resolution, width: fullWidth, fullWidth: fullWidth / 2 };
  const held = stages(large).slice(0, -1);
  const fits =
    held.length === small.length &&
    held.every(({ size, channels }, i) => size === small[i]?.size && channels === small[i]?.channels);
  return fits ? large : undefined;
}

/** Parameters that the larger generator begins with: `old` are the smaller one's, `fresh` those that it would begin with alone. */
export function grownGenerator(spec: NetworkSpec, old: Values, fresh: Values): Values {
  const { channels, fullWidth: stage, generatorBlocks } = spec;
  const last = `stage${stages(spec).length}`;
  const names: Readonly<Record<string, string>> = { up: `up${stages(spec).length}`, full: `${last}.block0` };
  const held = { ...renamed(old, (layer) => names[layer] ?? layer), ...narrowed(spec, old) };
  const values = { ...fresh, ...held, ...silent(fresh, 'full') };
  for (let b = 1; b < generatorBlocks; b++) Object.assign(values, silent(fresh, `${last}.block${b}`));

  // The first channels of the last stage are given the picture, loud.
  const [weight, bias] = [of(values, `${last}.block1.weight`), of(values, `${last}.block1.bias`)];
  const [kernel, ground] = [of(old, 'picture.weight'), of(old, 'picture.bias')];
  for (const [i, value] of kernel.entries()) {
    const c = i % channels;
    weight[((i - c) / channels) * stage + c] = LOUD * value;
  }
  for (const [c, value] of ground.entries()) bias[c] = LOUD * value;

  // Two of the new channels take each of them out of there, one turned round: both sides of a leaky ReLU add up to a line.
  const full = stage / 2;
  const up = Float32Array.from(of(fresh, 'up.weight'));
  const picture = new Float32Array(of(fresh, 'picture.weight').length);
  for (let j = 0; j < 2 * channels; j++) {
    const [c, sign] = [j >> 1, j % 2 === 0 ? 1 : -1];
    for (let i = 0; i < stage; i++) up[i * full + j] = i === c ? sign / LOUD : 0;
    picture[(CENTRE * full + j) * channels + c] = sign / (1 + LEAK);
  }
  return { ...values, 'up.weight': up, 'picture.weight': picture };
}

/**
 * The larger networks' dense layer makes half as many channels, widened after: the principal components of what the smaller one's came
 * to, over latents, classes and places.
 */
function narrowed(spec: NetworkSpec, old: Values): Values {
  const { channels, size } = stages(spec)[0] ?? { channels: 1, size: 1 };
  const places = size * size;
  const [kernel, ground] = [of(old, 'input.weight'), of(old, 'input.bias')];
  const tensors = tf.tidy(() => {
    const inputs = kernel.length / ground.length;
    const [bias, weight] = [
      tf.tensor3d(ground, [1, channels, places]),
      tf.tensor3d(kernel, [inputs, channels, places]),
    ];
    // A number of a latent has variance 1; what a class adds comes once in so many.
    const means = spec.classes > 0 ? tf.add<tf.Tensor3D>(bias, ofClasses(spec, old, weight)) : bias;
    const ofLatent = tf.slice(weight, [0, 0, 0], [spec.latent, -1, -1]);
    const all = byChannel(tf.concat([ofLatent, tf.div<tf.Tensor3D>(means, Math.sqrt(means.shape[0]))]));
    const covariance = tf.matMul(all, all, true).arraySync() as number[][];
    const basis = tf.tensor2d(principal(covariance, channels / 2)); // [kept, channels]
    const turned = (x: tf.Tensor3D): tf.Tensor2D => tf.matMul(byChannel(x), basis, false, true);
    const channelsFirst = (x: tf.Tensor): tf.Tensor =>
      tf.transpose(tf.reshape(x, [-1, places, channels / 2]), [0, 2, 1]);
    const kept = turned(bias);
    return {
      'input.weight': channelsFirst(turned(weight)),
      'input.bias': channelsFirst(kept),
      'widen.weight': basis,
      'widen.bias': tf.mean(tf.sub(byChannel(bias), tf.matMul(kept, basis)), 0),
    };
  });
  const values = Object.entries(tensors).map(([name, one]) => [name, one.dataSync<'float32'>()] as const);
  tf.dispose(tensors);
  return Object.fromEntries(values);
}

/** [inputs, channels, places] → [inputs · places, channels] */
const byChannel = (x: tf.Tensor3D): tf.Tensor2D => tf.reshape(tf.transpose(x, [0, 2, 1]), [-1, x.shape[1]]);

/**
 * So many orthonormal rows that span, nearly, the directions in which a covariance is largest: orthogonal iteration from cosines, which
 * needs no gap between what is kept and what is not.
 */
function principal(covariance: readonly (readonly number[])[], count: number): number[][] {
  const n = covariance.length;
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
  // A little in every direction, or where there are fewer than are asked for, a row would become nothing.
  const little = 1e-6 * Math.max(...covariance.map((row, i) => row[i] ?? 0));
  let rows = Array.from({ length: count }, (_, k) =>
    Array.from({ length: n }, (_, i) => Math.cos((Math.PI * (i + 0.5) * k) / n)),
  );
  for (let step = 0; step < 12; step++) {
    const next: number[][] = [];
    for (const row of rows) {
      let moved = covariance.map((one, i) => dot(one, row) + little * (row[i] ?? 0));
      for (const before of next) {
        const along = dot(before, moved);
        moved = moved.map((x, i) => x - along * (before[i] ?? 0));
      }
      const length = Math.sqrt(dot(moved, moved));
      next.push(moved.map((x) => x / length));
    }
    rows = next;
  }
  return rows;
}

/** What each class adds to the smallest map: [classes, channels, places]. */
function ofClasses(spec: NetworkSpec, old: Values, weight: tf.Tensor3D): tf.Tensor {
  const ofEmbedding = tf.reshape(tf.slice(weight, [spec.latent, 0, 0], [spec.embedding, -1, -1]), [spec.embedding, -1]);
  const embed = tf.tensor2d(of(old, 'embed.weight'), [spec.classes, spec.embedding]);
  return tf.reshape(tf.matMul(embed, ofEmbedding as tf.Tensor2D), [spec.classes, ...weight.shape.slice(1)]);
}

/** The same for the discriminator, whose stages are counted from the pictures on. */
export function grownDiscriminator(spec: NetworkSpec, old: Values, fresh: Values): Values {
  const { channels, fullWidth: stage, discriminatorBlocks } = spec;
  const held = renamed(old, (layer) =>
    layer === 'full'
      ? 'stage0.block0'
      : layer.replace(/^(down|stage)(\d+)/, (_, kind: string, i: string) => `${kind}${Number(i) + 1}`),
  );
  const values = { ...fresh, ...held, ...silent(fresh, 'full') };
  for (let b = 1; b < discriminatorBlocks; b++) Object.assign(values, silent(fresh, `stage0.block${b}`));

  // A new channel reads each colour through each filter; what the old kernel made of that is found in what they read.
  const full = stage / 2;
  const kernel = of(old, 'picture.weight');
  const picture = Float32Array.from(of(fresh, 'picture.weight'));
  const down = new Float32Array(full * stage);
  for (const [f, { taps, scale }] of FILTERS.entries()) {
    for (let c = 0; c < channels; c++) {
      const j = f * channels + c;
      for (const [t, tap] of taps.entries()) {
        for (let i = 0; i < channels; i++) picture[(t * channels + i) * full + j] = i === c ? tap : 0;
        for (let o = 0; o < stage; o++)
          down[j * stage + o] =
            (down[j * stage + o] ?? 0) + scale * tap * (kernel[(t * channels + c) * stage + o] ?? 0);
      }
    }
  }
  return { ...values, 'picture.weight': picture, 'down0.weight': down, 'down0.bias': of(old, 'picture.bias') };
}
