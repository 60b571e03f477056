// What a seed means: seed → number, latent vector, class. Written down for other languages in docs/latents.md;
// changing any of this changes every picture ever published, so it needs a new generator id in the manifest.
import { UserError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { murmur3 } from './murmur.ts';
import { randomNormals, randomWords, STREAM } from './random.ts';

export const LATENT_GENERATOR = 'philox4x32-10/as241';

const MAX_SEED = 4294967295;

/**
 * A seed as an unsigned 32-bit integer. A number, or a decimal string without sign or leading zero, of 0..4294967295
 * is that number; any other text is hashed (MurmurHash3 x86_32, hash seed 0, of its NFC form in UTF-8), so an e-mail
 * address or a name is a seed. Throws UserError for other numbers, empty text and text over the limit.
 */
export function parseSeed(seed: string | number): number {
  if (typeof seed === 'number') {
    if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED)
      throw new UserError(`seed: expected an integer from 0 to ${MAX_SEED} or a text, got ${seed}`);
    return seed + 0; // −0 becomes 0
  }
  if (/^(0|[1-9][0-9]{0,9})$/.test(seed) && Number(seed) <= MAX_SEED) return Number(seed);
  const { length } = [...seed];
  if (length < 1 || length > LIMITS.seedCharacters)
    throw new UserError(`seed: expected 1 to ${LIMITS.seedCharacters} characters, got ${length}`);
  return murmur3(new TextEncoder().encode(seed.normalize('NFC')));
}

/** The latent vector of a seed: [size] standard normal numbers. */
export function latentOf(seed: number, size: number): Float32Array {
  return randomNormals(seed, STREAM.latent, 0, size);
}

/** The class index used when a request names none: uniform, ⌊word × classCount / 2^32⌋. */
export function classOf(seed: number, classCount: number): number {
  const word = randomWords(seed, STREAM.class, 0, 1)[0] ?? 0;
  return Math.floor((word * classCount) / 4294967296); // exact: classCount is far below 2^21
}

/** The latent a network is given: each number times `truncation`, the double product rounded once to float32. */
export function truncate(latent: Float32Array, truncation: number): Float32Array {
  return truncation === 1 ? latent : latent.map((z) => z * truncation);
}

/** A vector of `classCount` numbers, 1 at the class and 0 elsewhere. */
export function oneHot(classIndex: number, classCount: number): Float32Array {
  const weights = new Float32Array(classCount);
  weights[classIndex] = 1;
  return weights;
}
