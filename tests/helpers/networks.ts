// Small networks of every family, for tests that run a whole training step.
import type { NetworkSpec } from '../../train/nn/spec.ts';

export const smallResidual = {
  family: 'residual',
  latent: 5,
  width: 4,
  fullWidth: 0,
  limit: 'tanh',
  generatorBlocks: 2,
  discriminatorBlocks: 1,
  embedding: 3,
  features: 6,
} satisfies Partial<NetworkSpec>;

export const smallShape = { dense: [7], generator: [6, 4], discriminator: [4, 6], kernel: 4, normalise: false };

export const smallStrided = {
  ...smallResidual,
  family: 'strided',
  classes: 0,
  strided: smallShape,
} satisfies Partial<NetworkSpec>;

/** With batch normalisation; wants batches of more than two, which would all be normalised to ±1. */
export const smallNormalised = {
  ...smallStrided,
  strided: { ...smallShape, normalise: true },
} satisfies Partial<NetworkSpec>;
