// What a recipe says because of its family, before a preset or a user says otherwise.
import type { FamilyName } from './family.ts';
import { VAE_DEFAULTS, type VaeOptions } from './vae/options.ts';

export const FAMILY_SETTINGS: Readonly<Record<FamilyName, { readonly family: FamilyName; readonly vae?: VaeOptions }>> =
  {
    gan: { family: 'gan' },
    vae: { family: 'vae', vae: VAE_DEFAULTS },
  };
