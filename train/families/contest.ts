// Real pictures against made ones: what a discriminator D learns from a batch of pairs, and the direction it gives whoever made
// the pictures.
//
// D is piecewise linear, which lets one pass pay for several things. With v = ∇ₓD(x) and D's activation slopes frozen at x, D is
// a linear map, so
//     Σᵢ Dfrozen(cᵢxᵢ + γ/B·vᵢ)  has the parameter gradient of  loss + γ/2·mean‖∇ₓD‖²   (c = ∂loss/∂D(x))
// exactly: no second derivative is taken, and the backward pass of the frozen map consists of the very operations that
// gave v, which the tracer merges. The maker's gradient is v too, scaled per picture by its loss.
import * as tf from '@tensorflow/tfjs';
import { parameterGradients } from '../nn/optimiser.ts';
import { linearPass, recordingPass } from '../nn/pass.ts';
import type { Networks } from '../nn/spec.ts';
import { named, type Tensors } from '../nn/tensors.ts';

export const LOSS_NAMES = ['relativistic', 'bce'] as const;
export type LossName = (typeof LOSS_NAMES)[number];

type PairLoss = (real: tf.Tensor, made: tf.Tensor) => tf.Tensor;

/** Losses on scores [batch]: real and made picture i form a pair. */
const LOSSES: Record<LossName, { discriminator: PairLoss; maker: PairLoss }> = {
  // Relativistic pairing GAN (Jolicoeur-Martineau 2018; Huang et al. 2024).
  relativistic: {
    discriminator: (real, made) => tf.mean(tf.softplus(tf.sub(made, real))),
    maker: (real, made) => tf.mean(tf.softplus(tf.sub(real, made))),
  },
  // Binary cross-entropy on logits, generator in its non-saturating form (Goodfellow et al. 2014).
  bce: {
    discriminator: (real, made) => tf.add(tf.mean(tf.softplus(tf.neg(real))), tf.mean(tf.softplus(made))),
    maker: (_real, made) => tf.mean(tf.softplus(tf.neg(made))),
  },
};

export interface ContestOptions {
  readonly networks: Pick<Networks, 'discriminate'>;
  readonly batch: number;
  readonly loss: LossName;
  /** Zero-centred gradient penalties on real (R1) and made (R2) pictures; their weight is `gamma` of the inputs. */
  readonly penalty: boolean;
}

export const CONTEST_STATISTICS = ['lossD', 'lossG', 'r1', 'r2'] as const;

export interface Contest {
  /** Of D's loss with its penalties, by parameter. */
  readonly gradients: Tensors;
  /** Of the maker's loss, by made picture: [batch, h, w, c]. */
  readonly towards: tf.Tensor;
  /** Slopes of D's activations at both halves, in the order D meets them; kept until `dispose`. */
  readonly slopes: readonly tf.Tensor[];
  readonly statistics: Record<(typeof CONTEST_STATISTICS)[number], tf.Tensor>;
  dispose(): void;
}

/** @param pictures as D is to see them, real ones, then made ones: [2·batch, h, w, c]; `classes` [batch, classes] are those of each half */
export function contest(
  options: ContestOptions,
  d: Tensors,
  pictures: tf.Tensor,
  classes: tf.Tensor | undefined,
  inputs: Tensors,
): Contest {
  const { networks, batch } = options;
  const loss = LOSSES[options.loss];
  const first = (x: tf.Tensor): tf.Tensor => tf.slice(x, 0, batch);
  const second = (x: tf.Tensor): tf.Tensor => tf.slice(x, batch, batch);
  const perPicture = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1, 1, 1, 1]);
  const labels = classes && tf.concat([classes, classes], 0);

  // Scores, slopes, and v: the gradient of every score with respect to its own picture.
  const slopes: tf.Tensor[] = [];
  const pass = recordingPass(slopes);
  const { value: scores, grad: v } = tf.valueAndGrad((x: tf.Tensor) => networks.discriminate(d, x, labels, pass))(
    pictures,
  );
  const [real, made] = [first(scores), second(scores)];
  const [dReal, dMade] = tf.grads(loss.discriminator)([real, made]) as [tf.Tensor, tf.Tensor];
  const [gMade] = tf.grads((s: tf.Tensor) => loss.maker(real, s))([made]) as [tf.Tensor];

  const c = tf.concat([dReal, dMade], 0);
  let mixed = tf.mul(pictures, perPicture(c));
  if (options.penalty) mixed = tf.add(mixed, tf.mul(v, tf.div(named(inputs, 'gamma'), batch)));
  const gradients = parameterGradients((p) => networks.discriminate(p, mixed, labels, linearPass(slopes, c)), d);

  const squaredNorm = (x: tf.Tensor): tf.Tensor => tf.div(tf.sum(tf.square(x)), batch);
  return {
    gradients,
    towards: tf.mul(second(v), perPicture(gMade)),
    slopes,
    statistics: {
      lossD: loss.discriminator(real, made),
      lossG: loss.maker(real, made),
      r1: squaredNorm(first(v)),
      r2: squaredNorm(second(v)),
    },
    dispose: () => tf.dispose(slopes),
  };
}
