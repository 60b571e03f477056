// What a recipe says of a Transformer besides what every recipe says.
import { z } from 'zod';

/** Part of a run's images. */
const share = z.number().min(0).max(1);
const weight = z.number().nonnegative();
const count = z.int().positive();

export const transformerOptionsSchema = z
  .strictObject({
    /** Levels of the numbers of a token (Mentzer et al. 2023): their product is the number of codes. */
    levels: z.array(z.int().min(3).max(16)).min(1).max(8),
    /** Parts of the run after which the discriminator joins in, and after which only tokens are learnt. */
    adversarialFrom: share,
    tokensFrom: share,
    /** Weights of what the decoder is asked for: pixels (L1 at two scales, at half resolution against D), D's last map, D's judgement. */
    pixels: weight,
    features: weight,
    adversarial: weight,
    width: count,
    layers: count,
    heads: count,
    /** A picture's tokens are drawn in so many steps, unrolled in the exported generator. */
    steps: count,
    /** Part of the pictures whose class is not told, so that a picture without one can be drawn too. */
    classDropout: share,
    /** Part of the pictures of a set that is augmented which are shown changed, and said to be. */
    changed: share,
    /** How many times as far as it moves the logits of a picture of any class a class that is told moves them when one is drawn; 1: as learnt. */
    guidance: z.number().min(1).default(1),
    learningRate: z.strictObject({ from: weight, to: weight }),
    beta1: z.number().min(0).max(0.9999),
  })
  .refine(({ adversarialFrom, tokensFrom }) => adversarialFrom <= tokensFrom, {
    path: ['tokensFrom'],
    message: 'Invalid input: expected a part of the run not before adversarialFrom',
  })
  .refine(({ width, heads }) => width % heads === 0, {
    path: ['heads'],
    message: 'Invalid input: expected a divisor of the width',
  });
export type TransformerOptions = z.infer<typeof transformerOptionsSchema>;

export const TRANSFORMER_DEFAULTS: TransformerOptions = {
  levels: [8, 5, 5, 5],
  adversarialFrom: 0.1,
  tokensFrom: 0.6,
  pixels: 10,
  features: 1,
  adversarial: 1,
  width: 128,
  layers: 6,
  heads: 4,
  steps: 8,
  classDropout: 0.1,
  changed: 0.5,
  guidance: 1,
  learningRate: { from: 1e-3, to: 1e-5 },
  beta1: 0.9,
};
