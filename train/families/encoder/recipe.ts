// The recipe of an encoder: the same for every generator.
import type { NetworkSpec } from '../../nn/spec.ts';
import { checked, type Recipe, type RecipeOverrides, recipeSchema } from '../../recipe.ts';
import { ENCODER_DEFAULTS, type EncoderOptions } from './options.ts';

const NAME = 'encoder';

export type EncoderOverrides = Pick<RecipeOverrides, 'batch' | 'images' | 'seed' | 'learningRate'>;

export function encoderRecipe(
  network: NetworkSpec,
  options: Pick<EncoderOptions, 'generator'> & Partial<EncoderOptions>,
  overrides: EncoderOverrides = {},
): Recipe {
  return checked(recipeSchema, {
    preset: NAME,
    family: NAME,
    network,
    loss: 'relativistic',
    penalty: false,
    augment: { kinds: [], probability: { from: 0, to: 0 } },
    mirror: false,
    batch: 32,
    images: 400_000,
    seed: 1,
    learningRate: { from: 1e-3, to: 1e-5 },
    beta1: 0.9,
    beta2: { from: 0.99, to: 0.99 },
    gamma: { from: 0, to: 0 },
    emaHalfLife: { from: 500, to: 5_000 },
    encoder: { ...ENCODER_DEFAULTS, ...options },
    ...overrides,
  });
}
