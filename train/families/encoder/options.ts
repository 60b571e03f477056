// What a recipe says of an encoder's training besides what every recipe says.
import { z } from 'zod';

const weight = z.number().nonnegative();

export const encoderOptionsSchema = z.strictObject({
  /** SHA-256 over the weights of the generator that it is the way back for. */
  generator: z.string(),
  /** Part of the run's images after which real pictures join in. */
  picturesFrom: z.number().min(0).max(1),
  /** Weights of what it is asked for: the latents of generated pictures; of real ones, pixels (L1 at two scales) and D's last map. */
  latents: weight,
  pixels: weight,
  /** 0 where there is no discriminator. */
  features: weight,
});
export type EncoderOptions = z.infer<typeof encoderOptionsSchema>;

export const ENCODER_DEFAULTS = { picturesFrom: 0.2, latents: 1, pixels: 10, features: 1 } as const satisfies Omit<
  EncoderOptions,
  'generator'
>;
