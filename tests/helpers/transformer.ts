// A small Transformer on random numbers, and the losses of its phases as a textbook writes them.
import * as tf from '@tensorflow/tfjs';
import { randomNormals } from '../../contract/random.ts';
import { createBatches } from '../../train/data/batches.ts';
import type { Phase } from '../../train/families/family.ts';
import { createModel } from '../../train/families/models.ts';
import { transformerStepOptions } from '../../train/families/transformer/model.ts';
import { TRANSFORMER_DEFAULTS, type TransformerOptions } from '../../train/families/transformer/options.ts';
import { seenMask } from '../../train/families/transformer/steps.ts';
import { type Augmentation, augment } from '../../train/nn/augmentation.ts';
import { addBias, conv, downsample, leakyRelu } from '../../train/nn/layers.ts';
import { plainPass } from '../../train/nn/pass.ts';
import { trunk } from '../../train/nn/residual.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { named, prefixed, type Tensors, under, type Values } from '../../train/nn/tensors.ts';
import type { Recipe } from '../../train/recipe.ts';
import { smallResidual } from './networks.ts';
import { type Losses, PROBE_BETA1 } from './phase-gradients.ts';
import { randomPictures } from './training.ts';
import { VAE_PROBE, vaeRecipe } from './vae.ts';

export const LEVELS = [4, 3];
export const smallTokens: NetworkSpec = { ...smallResidual, latent: 16, resolution: 16, channels: 3, classes: 2 };

export const SMALL_TRANSFORMER: TransformerOptions = {
  ...TRANSFORMER_DEFAULTS,
  levels: LEVELS,
  width: 8,
  layers: 2,
  heads: 2,
  steps: 5,
  beta1: PROBE_BETA1,
};

export function transformerRecipe(network: NetworkSpec, changes: Partial<Recipe> = {}): Recipe {
  const { vae: _, ...recipe } = vaeRecipe(network, { family: 'transformer' });
  return { ...recipe, transformer: SMALL_TRANSFORMER, ...changes };
}

export function transformerSetup(network: NetworkSpec, kinds: readonly Augmentation[] = []) {
  const recipe = transformerRecipe(network, {
    batch: 4,
    augment: { kinds: [...kinds], probability: { from: 0.8, to: 0.8 } },
  });
  const model = createModel(recipe);
  const state = model.initialState();
  for (const [i, [name, values]] of Object.entries(state).entries())
    if (/\.(bias|scale)$/.test(name) && !name.startsWith('adam'))
      values.set(randomNormals(1, 4, i, values.length).map((x, k) => (values[k] ?? 0) + 0.1 * x));
  const batches = createBatches(recipe, randomPictures(network, 8, 1));
  const inputs = (phase: Phase): Values => ({
    ...state,
    ...Object.fromEntries(Object.entries(batches(0, phase)).map(([name, data]) => [name, data.slice()])),
    ...Object.fromEntries(Object.entries(VAE_PROBE).map(([name, value]) => [name, Float32Array.of(value)])),
  });
  return { recipe, model, options: transformerStepOptions(recipe), inputs };
}
export type TransformerSetup = ReturnType<typeof transformerSetup>;

/** The numbers of tokens before they are rounded, as levels: tanh between the outer ones (Mentzer et al. 2023, appendix A.1). */
function unrounded(network: NetworkSpec, encoder: Tensors, pictures: tf.Tensor): tf.Tensor {
  const map = leakyRelu(trunk(network, encoder, pictures, plainPass));
  const x = tf.reshape(addBias(encoder, 'tokens', conv(encoder, 'tokens', map)), [-1, 16, LEVELS.length]);
  const columns = LEVELS.map((levels, i) => {
    const half = ((levels - 1) * 1.001) / 2;
    const offset = levels % 2 === 1 ? 0 : 0.5;
    const shift = Math.atanh(offset / half);
    const z = tf.sub(tf.mul(tf.tanh(tf.add(tf.slice(x, [0, 0, i], [-1, -1, 1]), shift)), half), offset);
    return tf.div(z, Math.floor(levels / 2));
  });
  return tf.concat(columns, 2);
}

export function transformerLosses({ options, recipe }: TransformerSetup, phase: Phase, t: Tensors): Losses {
  const { networks, tokens, transformer, batch } = options;
  const { network } = recipe;
  const real = named(t, 'real');
  const { classes } = t;
  if (phase.name === 'tokens of pictures') {
    const both = { ...prefixed('encoder', under('encoder', t)), ...prefixed('decoder', under('decoder', t)) };
    // Straight through: what rounding adds is a constant.
    const added = tf.sub(networks.levels(under('encoder', t), real), unrounded(network, under('encoder', t), real));
    const loss = (p: Tensors): tf.Tensor => {
      const levels = tf.add(unrounded(network, under('encoder', p), real), added);
      const made = networks.generate(under('decoder', p), tf.reshape(levels, [batch, -1]), classes);
      const half = tf.sub(downsample(made), downsample(real));
      return tf.mul(tf.add(tf.mean(tf.abs(tf.sub(made, real))), tf.mean(tf.abs(half))), transformer.pixels);
    };
    return { '': { parameters: both, loss } };
  }
  const below = (name: string, share: number): number[] =>
    Array.from(named(t, name).dataSync(), (u) => (u < share ? 1 : 0));
  const changed = recipe.augment.kinds.length > 0 ? below('changes', transformer.changed) : undefined;
  const shown = changed ? tf.where(tf.tensor4d(changed, [batch, 1, 1, 1]).toBool(), augment(t, real, 0), real) : real;
  const codes = networks.quantiser.codeOf(networks.levels(under('ema/encoder', t), shown));
  const kept = below('drops', transformer.classDropout).map((dropped) => 1 - dropped);
  const told = classes && tf.mul(classes, tf.tensor2d(kept, [batch, 1]));
  const mask = seenMask(named(t, 'hides'), network.resolution);
  const numbers = Array.from(codes.dataSync());
  const loss = (p: Tensors): tf.Tensor => {
    let sum: tf.Tensor = tf.scalar(0);
    // Picture by picture, token by token.
    for (let i = 0; i < batch; i++) {
      const row = (x: tf.Tensor): tf.Tensor => tf.slice(x, [i], [1]);
      const logs = tokens.predict(p, row(codes), {
        classes: told && row(told),
        changed: changed && tf.tensor2d([changed[i] ?? 0], [1, 1]),
        seen: i < batch / 2 ? undefined : { pictures: row(shown), mask: row(mask) },
      });
      for (let k = 0; k < 16; k++)
        sum = tf.sub(sum, tf.reshape(tf.slice(logs, [0, k, numbers[i * 16 + k] ?? 0], [1, 1, 1]), []));
    }
    return tf.div(sum, batch / 2);
  };
  return { transformer: { parameters: under('transformer', t), loss } };
}
