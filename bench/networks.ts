// The network and the two steps of the training benchmarks: the DCGAN of the design's prototype, 64 → 128 channels,
// 28x28x1, latent 64.
import type { NetworkSpec } from '../train/nn/spec.ts';

export const dcgan = (kernel: number): NetworkSpec => ({
  family: 'strided',
  resolution: 28,
  channels: 1,
  latent: 64,
  classes: 0,
  width: 64,
  fullWidth: 0,
  limit: 'tanh',
  generatorBlocks: 1,
  discriminatorBlocks: 1,
  embedding: 1,
  features: 1,
  strided: { dense: [], generator: [128, 64], discriminator: [64, 128], kernel, normalise: false },
});

export const STEPS = {
  plain: { loss: 'bce', penalty: false },
  modern: { loss: 'relativistic', penalty: true },
} as const;
