// Independent random streams, each a pure function of (seed, stream, index): key = [seed, stream],
// counter = [block, index low, index high, 0]. The same numbers in every JavaScript engine; see docs/latents.md.
import { inverseNormal } from './normal.ts';
import { philox4x32 } from './philox.ts';

/** Stream numbers. 0–15 belong to pictures (what a seed means); 16 and above to training. */
export const STREAM = { latent: 0, class: 1, training: 16 } as const;

const TWO_32 = 4294967296;

/** `count` unsigned 32-bit words. `seed` and `stream` are unsigned 32-bit, `index` an integer from 0 to 2^53 − 1. */
export function randomWords(seed: number, stream: number, index: number, count: number): Uint32Array {
  for (const [name, value, end] of [
    ['seed', seed, TWO_32],
    ['stream', stream, TWO_32],
    ['index', index, Number.MAX_SAFE_INTEGER + 1],
  ] as const) {
    if (!Number.isInteger(value) || value < 0 || value >= end)
      throw new RangeError(`${name}: expected an integer from 0 to ${end - 1}, got ${value}`);
  }
  const words = new Uint32Array(count);
  const low = index % TWO_32;
  const high = (index - low) / TWO_32;
  for (let at = 0, block = 0; at < count; at += 4, block++) {
    const four = philox4x32([block, low, high, 0], [seed, stream]);
    for (let i = 0; i < 4 && at + i < count; i++) words[at + i] = four[i] ?? 0;
  }
  return words;
}

/** `count` independent standard normal numbers: word k → u = (k + ½) / 2^32 → inverse normal → float32. */
export function randomNormals(seed: number, stream: number, index: number, count: number): Float32Array {
  const words = randomWords(seed, stream, index, count);
  return Float32Array.from(words, (word) => inverseNormal((word + 0.5) / TWO_32));
}
