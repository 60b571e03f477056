// Streams of random numbers of a run: one for each use, so that adding a use changes no other.
import { STREAM } from '../../contract/random.ts';

const OFFSETS = {
  generator: 0,
  discriminator: 1,
  latent: 2,
  order: 3,
  mirror: 4,
  augment: 5,
  augmentNormals: 6,
  encoder: 7,
  flow: 8,
  flowStart: 9,
  flowTime: 10,
  transformer: 11,
  hides: 12,
  drops: 13,
  changes: 14,
} as const;
export type StreamName = keyof typeof OFFSETS;

/** Number of the stream, as the contract's generators take it. */
export const stream = (name: StreamName): number => STREAM.training + OFFSETS[name];
