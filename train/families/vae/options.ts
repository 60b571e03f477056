// What a recipe says of a variational autoencoder besides what every recipe says.
import { z } from 'zod';

/** Part of a run's images. */
const share = z.number().min(0).max(1);
const weight = z.number().nonnegative();

export const vaeOptionsSchema = z
  .strictObject({
    /** Parts of the run after which the discriminator joins in, and after which only the flow is trained. */
    adversarialFrom: share,
    flowFrom: share,
    /** Bits that a picture's latent carries in the mean: the weight of the KL term follows from it. */
    rate: z.number().positive(),
    /** Bits that a single number of the latent may carry without paying for them (Kingma et al. 2016). */
    freeBits: weight,
    /** Weights of what the decoder is asked for: pixels (L1 at two scales, at half resolution against D), D's last map, D's judgement. */
    pixels: weight,
    features: weight,
    adversarial: weight,
    flow: z.strictObject({
      /** Units of each of the dense layers. */
      width: z.int().positive(),
      layers: z.int().positive(),
      /** Steps from normal numbers to latents, unrolled in the exported generator; velocity is asked for twice in each. */
      steps: z.int().positive(),
      /** Pairs of noise and time that are drawn for each picture shown. */
      draws: z.int().positive(),
      learningRate: z.strictObject({ from: weight, to: weight }),
    }),
  })
  .refine(({ adversarialFrom, flowFrom }) => adversarialFrom <= flowFrom, {
    path: ['flowFrom'],
    message: 'Invalid input: expected a part of the run not before adversarialFrom',
  });
export type VaeOptions = z.infer<typeof vaeOptionsSchema>;

/** For every set so far. The rate is in the middle of 40 to 80 bits, where pictures of 28 to 64 pixels kept their class (docs/LOG.md). */
export const VAE_DEFAULTS: VaeOptions = {
  adversarialFrom: 0.2,
  flowFrom: 0.8,
  rate: 60,
  freeBits: 0.1,
  pixels: 10,
  features: 1,
  adversarial: 1,
  flow: { width: 512, layers: 3, steps: 8, draws: 32, learningRate: { from: 1e-3, to: 1e-5 } },
};
