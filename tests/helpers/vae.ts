// A variational autoencoder on random numbers, and the losses of its three phases as a textbook writes them.
import * as tf from '@tensorflow/tfjs';
import { randomNormals } from '../../contract/random.ts';
import { createBatches } from '../../train/data/batches.ts';
import type { Phase } from '../../train/families/family.ts';
import { createModel } from '../../train/families/models.ts';
import { vaeStepOptions } from '../../train/families/vae/model.ts';
import { VAE_DEFAULTS } from '../../train/families/vae/options.ts';
import { type Augmentation, augment } from '../../train/nn/augmentation.ts';
import { downsample } from '../../train/nn/layers.ts';
import { plainPass } from '../../train/nn/pass.ts';
import type { NetworkSpec } from '../../train/nn/spec.ts';
import { named, prefixed, type Tensors, under, type Values } from '../../train/nn/tensors.ts';
import type { Recipe } from '../../train/recipe.ts';
import { type Losses, PROBE_BETA1 } from './phase-gradients.ts';
import { randomPictures } from './training.ts';

export const VAE_PROBE = {
  learningRate: 0,
  beta2: 0.9,
  correction1: 1,
  correction2: 1,
  gamma: 0.7,
  emaDecay: 0.5,
} as const;

export function vaeRecipe(network: NetworkSpec, changes: Partial<Recipe> = {}): Recipe {
  const schedule = { from: 1e-3, to: 1e-3 };
  return {
    preset: 'test',
    family: 'vae',
    network,
    loss: 'relativistic',
    penalty: true,
    augment: { kinds: [], probability: { from: 0.8, to: 0.8 } },
    mirror: false,
    batch: 2,
    images: 100,
    seed: 1,
    learningRate: schedule,
    beta1: PROBE_BETA1,
    beta2: { from: 0.9, to: 0.9 },
    gamma: schedule,
    emaHalfLife: schedule,
    vae: { ...VAE_DEFAULTS, freeBits: 0.3, flow: { ...VAE_DEFAULTS.flow, width: 6, layers: 2, steps: 4, draws: 3 } },
    ...changes,
  };
}

export function vaeSetup(network: NetworkSpec, kinds: readonly Augmentation[] = []) {
  const recipe = vaeRecipe(network, { augment: { kinds: [...kinds], probability: { from: 0.8, to: 0.8 } } });
  const model = createModel(recipe);
  const state = model.initialState();
  // Vectors that start as one number everywhere, and the flow's last layer, which starts at zero, would hide mistakes.
  for (const [i, [name, values]] of Object.entries(state).entries())
    if (/\.bias$|flow\/output/.test(name) && !name.startsWith('adam'))
      values.set(randomNormals(1, 4, i, values.length).map((x) => 0.1 * x));
  const batches = createBatches(recipe, randomPictures(network, 8, 1));
  const values = (phase: Phase): Values => ({
    ...state,
    ...Object.fromEntries(Object.entries(batches(0, phase)).map(([name, data]) => [name, data.slice()])),
    ...Object.fromEntries(Object.entries(VAE_PROBE).map(([name, value]) => [name, Float32Array.of(value)])),
  });
  const inputs = new Map(model.phases.map((phase) => [phase, values(phase)]));
  return { recipe, model, options: vaeStepOptions(recipe), inputs: (phase: Phase) => inputs.get(phase) ?? {} };
}
export type VaeSetup = ReturnType<typeof vaeSetup>;

/** What each group of parameters of a phase is to make small. */
export function vaeLosses({ options, recipe }: VaeSetup, phase: Phase, t: Tensors): Losses {
  const { networks, flow, vae, batch } = options;
  const { classes } = t;
  const real = named(t, 'real');
  const score = (d: Tensors, x: tf.Tensor): tf.Tensor => networks.discriminate(d, x, classes, plainPass);
  const seen = (x: tf.Tensor, from: number): tf.Tensor => (recipe.augment.kinds.length > 0 ? augment(t, x, from) : x);
  const bits = (p: Tensors) => {
    const { mean, logVariance } = networks.encode(under('encoder', p), real);
    const z = tf.add(mean, tf.mul(tf.exp(tf.div(logVariance, 2)), named(t, 'noise')));
    // ½(μ² + σ² − 1 − log σ²), Kingma & Welling 2014, appendix B.
    const nats = tf.mean(tf.div(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), tf.add(1, logVariance)), 2), 0);
    return { made: networks.generate(under('decoder', p), z, classes), nats };
  };
  const plain = (p: Tensors) => {
    const { made, nats } = bits(p);
    const half = tf.mean(tf.abs(tf.sub(downsample(made), downsample(real))));
    const alone = phase.name === 'reconstruction';
    const pixels = alone ? tf.add(tf.mean(tf.abs(tf.sub(made, real))), half) : half;
    const paid = tf.sum(tf.maximum(nats, vae.freeBits * Math.LN2));
    return { made, loss: tf.add(tf.mul(vae.pixels, pixels), tf.mul(named(t, 'balance/rate'), paid)) };
  };
  if (phase.name === 'flow prior') {
    const { mean, logVariance } = networks.encode(under('ema/encoder', t), real);
    const { draws } = vae.flow;
    const rows = Array.from({ length: batch * draws }, (_, i) => Math.floor(i / draws));
    const pick = (x: tf.Tensor): tf.Tensor => tf.gather(x, rows);
    const n = [batch * draws, mean.shape[1] ?? 1];
    const noise = tf.reshape(named(t, 'noise'), n);
    const [from, time] = [tf.reshape(named(t, 'start'), n), tf.reshape(named(t, 'time'), [-1, 1])];
    const to = tf.add(pick(mean), tf.mul(pick(tf.exp(tf.div(logVariance, 2))), noise));
    const between = tf.add(tf.mul(from, tf.sub(1, time)), tf.mul(to, time));
    const loss = (p: Tensors): tf.Tensor =>
      tf.mean(tf.square(tf.sub(flow.velocity(p, between, time, classes && pick(classes)), tf.sub(to, from))));
    return { flow: { parameters: under('flow', t), loss } };
  }
  const both = {
    ...prefixed('encoder', under('encoder', t)),
    ...prefixed('decoder', under('decoder', t)),
  };
  if (phase.name === 'reconstruction') return { '': { parameters: both, loss: (p) => plain(p).loss } };

  const d = under('discriminator', t);
  const fixed = seen(bits(both).made, batch);
  const realSeen = seen(real, 0);
  const map = (x: tf.Tensor): tf.Tensor => networks.map(d, x, plainPass);
  const penalty = (p: Tensors, x: tf.Tensor): tf.Tensor =>
    tf.div(tf.sum(tf.square(tf.grad((y: tf.Tensor) => tf.sum(score(p, y)))(x))), batch);
  return {
    '': {
      parameters: both,
      loss: (p) => {
        const { made, loss } = plain(p);
        const judged = seen(made, batch);
        const adversarial = tf.mean(tf.softplus(tf.sub(score(d, realSeen), score(d, judged))));
        const apart = tf.div(tf.mean(tf.square(tf.sub(map(judged), map(realSeen)))), tf.mean(tf.square(map(realSeen))));
        return tf.addN([loss, tf.mul(vae.adversarial, adversarial), tf.mul(vae.features, apart)]);
      },
    },
    discriminator: {
      parameters: d,
      loss: (p) =>
        tf.add(
          tf.mean(tf.softplus(tf.sub(score(p, fixed), score(p, realSeen)))),
          tf.mul(VAE_PROBE.gamma / 2, tf.add(penalty(p, realSeen), penalty(p, fixed))),
        ),
    },
  };
}
