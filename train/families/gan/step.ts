// One training step as a pure function of tensors: state and inputs in, new state and statistics out. It runs eagerly on
// any tfjs backend, or is traced once into an ONNX graph.
//
// Both players move at once, from one set of pictures. The discriminator D is piecewise linear, which lets one pass pay
// for several things. With v = ∇ₓD(x) and D's activation slopes frozen at x, D is a linear map, so
//     Σᵢ Dfrozen(cᵢxᵢ + γ/B·vᵢ)  has the parameter gradient of  loss + γ/2·mean‖∇ₓD‖²   (c = ∂loss/∂D(x))
// exactly: no second derivative is taken, and the backward pass of the frozen map consists of the very operations that
// gave v, which the tracer merges. The generator's gradient is v too, scaled per picture by its loss.
import * as tf from '@tensorflow/tfjs';
import { type Augmentation, augment, augmentationShapes } from '../../nn/augmentation.ts';
import { type ParameterSpec, parameter, type Tensors, trainedParameters } from '../../nn/layers.ts';
import { byBatch } from '../../nn/normalisation.ts';
import { linearPass, recordingPass } from '../../nn/pass.ts';
import type { Networks } from '../../nn/spec.ts';

export type LossName = 'relativistic' | 'bce';

export interface StepOptions {
  readonly networks: Networks;
  readonly batch: number;
  readonly loss: LossName;
  /** Zero-centred gradient penalties on real (R1) and generated (R2) pictures; weight comes with the inputs. */
  readonly penalty: boolean;
  /** Adam's β1; 0 leaves the first moment out of the state. */
  readonly beta1: number;
  /** How the pictures that D sees are changed; adds inputs. */
  readonly augment: readonly Augmentation[];
}

/** Numbers that change from step to step, as inputs of shape []. */
export const SCALARS = ['learningRate', 'beta2', 'correction1', 'correction2', 'gamma', 'emaDecay'] as const;
export type Scalars = Record<(typeof SCALARS)[number], number>;

export const STATISTICS = ['lossD', 'lossG', 'r1', 'r2'] as const;
export type Statistics = Record<(typeof STATISTICS)[number], number>;

const ADAM_EPSILON = 1e-8;

/** Losses on scores [batch]: real and generated picture i form a pair. */
const LOSSES: Record<LossName, { discriminator: PairLoss; generator: PairLoss }> = {
  // Relativistic pairing GAN (Jolicoeur-Martineau 2018; Huang et al. 2024).
  relativistic: {
    discriminator: (real, fake) => tf.mean(tf.softplus(tf.sub(fake, real))),
    generator: (real, fake) => tf.mean(tf.softplus(tf.sub(real, fake))),
  },
  // Binary cross-entropy on logits, generator in its non-saturating form (Goodfellow et al. 2014).
  bce: {
    discriminator: (real, fake) => tf.add(tf.mean(tf.softplus(tf.neg(real))), tf.mean(tf.softplus(fake))),
    generator: (_real, fake) => tf.mean(tf.softplus(tf.neg(fake))),
  },
};
type PairLoss = (real: tf.Tensor, fake: tf.Tensor) => tf.Tensor;

const prefixed = (prefix: string, tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([k, v]) => [`${prefix}/${k}`, v]));

/** The tensors under `prefix/`, with the prefix removed. */
export const under = <T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(record).flatMap(([k, v]) => (k.startsWith(`${prefix}/`) ? [[k.slice(prefix.length + 1), v]] : [])),
  );

function input(inputs: Tensors, name: string): tf.Tensor {
  const found = inputs[name];
  if (!found) throw new Error(`training step: expected an input named ${name}`);
  return found;
}

/** Shape of every tensor of the state, by name: parameters, their average, Adam's moments of those with a gradient. */
export function stateShapes({ networks, beta1 }: StepOptions): Record<string, readonly number[]> {
  const named = (list: readonly ParameterSpec[]) => list.map(({ name, shape }) => [name, shape] as const);
  const [g, d] = [named(networks.generatorParameters), named(networks.discriminatorParameters)];
  const trained = named(trainedParameters(networks.generatorParameters));
  const groups = { generator: g, discriminator: d, ema: g, 'adam.v/generator': trained, 'adam.v/discriminator': d };
  const moments = beta1 > 0 ? { 'adam.m/generator': trained, 'adam.m/discriminator': d } : {};
  return Object.fromEntries(
    Object.entries({ ...groups, ...moments }).flatMap(([prefix, list]) =>
      list.map(([name, shape]) => [`${prefix}/${name}`, shape]),
    ),
  );
}

/** Shape of every other input. */
export function inputShapes({ networks, batch, augment: kinds }: StepOptions): Record<string, readonly number[]> {
  const { resolution, channels, latent, classes } = networks.spec;
  return {
    real: [batch, resolution, resolution, channels],
    latent: [batch, latent],
    ...(classes > 0 ? { classes: [batch, classes] } : {}),
    ...augmentationShapes({ kinds, size: resolution, channels }, 2 * batch),
    ...Object.fromEntries(SCALARS.map((name) => [name, []])),
  };
}

/** Gradients of Σ dy·f(parameters) with respect to every parameter. */
function parameterGradients(f: (p: Tensors) => tf.Tensor, parameters: Tensors, dy?: tf.Tensor): Tensors {
  const names = Object.keys(parameters);
  const rebuild = (list: tf.Tensor[]): Tensors =>
    Object.fromEntries(names.map((name, i) => [name, list[i] as tf.Tensor]));
  return rebuild(tf.grads((...list: tf.Tensor[]) => f(rebuild(list)))(Object.values(parameters), dy));
}

/** One Adam step (Kingma & Ba 2015) on every parameter; bias corrections come in as 1 / (1 − Πβ). */
function adam(
  prefix: string,
  parameters: Tensors,
  gradients: Tensors,
  state: Tensors,
  scalars: Tensors,
  beta1: number,
): Tensors {
  const result: Tensors = {};
  const beta2 = input(scalars, 'beta2');
  const rate = tf.mul(input(scalars, 'learningRate'), input(scalars, 'correction1'));
  for (const [name, parameter] of Object.entries(parameters)) {
    const gradient = input(gradients, name);
    const v = input(state, `adam.v/${prefix}/${name}`);
    const nextV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), tf.sub(1, beta2)));
    let nextM = gradient;
    if (beta1 > 0) {
      const m = input(state, `adam.m/${prefix}/${name}`);
      nextM = tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1));
      result[`adam.m/${prefix}/${name}`] = nextM;
    }
    const scale = tf.add(tf.sqrt(tf.mul(nextV, input(scalars, 'correction2'))), ADAM_EPSILON);
    result[`adam.v/${prefix}/${name}`] = nextV;
    result[`${prefix}/${name}`] = tf.sub(parameter, tf.div(tf.mul(nextM, rate), scale));
  }
  return result;
}

/** The step for these options. Its inputs are `stateShapes` and `inputShapes`; it returns the state and `STATISTICS`. */
export function createStep(options: StepOptions): (inputs: Tensors) => Tensors {
  const { networks, batch, beta1 } = options;
  const loss = LOSSES[options.loss];

  return (inputs) => {
    const [g, d] = [under('generator', inputs), under('discriminator', inputs)];
    const [real, latent, classes] = [input(inputs, 'real'), input(inputs, 'latent'), inputs.classes];
    const seen = (pictures: tf.Tensor, from: number): tf.Tensor =>
      options.augment.length > 0 ? augment(inputs, pictures, from) : pictures;
    const first = (x: tf.Tensor): tf.Tensor => tf.slice(x, 0, batch);
    const second = (x: tf.Tensor): tf.Tensor => tf.slice(x, batch, batch);

    const averages: Tensors = {};
    const fake = networks.generate(g, latent, classes, byBatch(averages));
    const pictures = tf.concat([seen(real, 0), seen(fake, batch)], 0); // [2·batch, h, w, c]
    const labels = classes && tf.concat([classes, classes], 0);

    // Scores, slopes, and v: the gradient of every score with respect to its own picture.
    const slopes: tf.Tensor[] = [];
    const pass = recordingPass(slopes);
    const { value: scores, grad: v } = tf.valueAndGrad((x: tf.Tensor) => networks.discriminate(d, x, labels, pass))(
      pictures,
    );
    const [realScores, fakeScores] = [first(scores), second(scores)];
    const [dReal, dFake] = tf.grads(loss.discriminator)([realScores, fakeScores]) as [tf.Tensor, tf.Tensor];
    const [gFake] = tf.grads((s: tf.Tensor) => loss.generator(realScores, s))([fakeScores]) as [tf.Tensor];
    const perPicture = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1, 1, 1, 1]);

    // Discriminator: see the head of this file.
    const c = tf.concat([dReal, dFake], 0);
    let mixed = tf.mul(pictures, perPicture(c));
    if (options.penalty) mixed = tf.add(mixed, tf.mul(v, tf.div(input(inputs, 'gamma'), batch)));
    const gradientsD = parameterGradients((p) => networks.discriminate(p, mixed, labels, linearPass(slopes, c)), d);

    // Generator: the picture gradient of its loss, pulled back through augmentation and network.
    const vFake = tf.mul(second(v), perPicture(gFake));
    const trained = Object.fromEntries(
      trainedParameters(networks.generatorParameters).map(({ name }) => [name, parameter(g, name)]),
    );
    const gradientsG = parameterGradients((p) => {
      const again = networks.generate({ ...g, ...p }, latent, classes, byBatch({}));
      return tf.sum(tf.mul(seen(again, batch), vFake));
    }, trained);

    const nextD = adam('discriminator', d, gradientsD, inputs, inputs, beta1);
    const nextG = {
      ...adam('generator', trained, gradientsG, inputs, inputs, beta1),
      ...prefixed('generator', averages),
    };
    const decay = input(inputs, 'emaDecay');
    const ema = prefixed(
      'ema',
      Object.fromEntries(
        Object.entries(under('ema', inputs)).map(([name, average]) => {
          const now = input(nextG, `generator/${name}`);
          return [name, tf.add(now, tf.mul(tf.sub(average, now), decay))];
        }),
      ),
    );
    const squaredNorm = (x: tf.Tensor): tf.Tensor => tf.div(tf.sum(tf.square(x)), batch);
    const statistics = {
      lossD: loss.discriminator(realScores, fakeScores),
      lossG: loss.generator(realScores, fakeScores),
      r1: squaredNorm(first(v)),
      r2: squaredNorm(second(v)),
    };
    for (const slope of slopes) slope.dispose();
    return { ...nextG, ...nextD, ...ema, ...statistics };
  };
}
