// What a recipe says because of its family, before a preset or a user says otherwise.
import type { PictureSize } from '../nn/spec.ts';
import type { FamilyName } from './family.ts';
import { TRANSFORMER_DEFAULTS, type TransformerOptions } from './transformer/options.ts';
import { tokenCount } from './transformer/order.ts';
import { VAE_DEFAULTS, type VaeOptions } from './vae/options.ts';

export interface FamilySettings {
  readonly family: FamilyName;
  readonly vae?: VaeOptions;
  readonly transformer?: TransformerOptions;
}

export const FAMILY_SETTINGS: Readonly<Record<FamilyName, FamilySettings>> = {
  gan: { family: 'gan' },
  vae: { family: 'vae', vae: VAE_DEFAULTS },
  transformer: { family: 'transformer', transformer: TRANSFORMER_DEFAULTS },
};

export interface FamilySizes {
  /** Preset `auto`: whether pictures are clipped, and from which side on the learning rate begins lower. */
  readonly clips: boolean;
  readonly slowerFrom: number;
  /** Numbers of the latent, where the family says so. */
  latent?(side: PictureSize): number;
}

/**
 * At 4e-4 a GAN's 64 px saturated under tanh within 1,000 images, for good; at 1e-4 it does not, and is far ahead of a generator
 * that is clipped instead (docs/LOG.md). R3GAN halves it twice from 32 to 64 px. L1 pulls an autoencoder into a saturated tanh,
 * where it learns slower.
 */
export const FAMILY_SIZES: Readonly<Record<FamilyName, FamilySizes>> = {
  gan: { clips: false, slowerFrom: 48 },
  vae: { clips: true, slowerFrom: Number.POSITIVE_INFINITY },
  // A number a token.
  transformer: { clips: true, slowerFrom: Number.POSITIVE_INFINITY, latent: tokenCount },
};
