// Exact and near copies among own pictures, so that a picture and its copy never stand on both sides of the split.
// Candidates agree in a block mean value hash (Yang, Gu & Niu 2006; the package blockhash-core), copies in their pixels too:
// the hash alone takes two yellow faces for one.
import { bmvbhash } from 'blockhash-core';

/** Blocks to a side of the hash: 256 bits in all. */
const BLOCKS = 16;
const WORDS = (BLOCKS * BLOCKS) / 32;
/** Bits in which two hashes of near copies may differ. */
const MOST_BITS = 24;
/**
 * Root of the mean squared difference of near copies, in levels of 255. At 20, clock faces that differ in their hands,
 * recoloured potions and retouched walls are one group each; at 30 different faces begin to join (docs/LOG.md).
 */
const MOST_LEVELS = 20;

/** Pictures as [count, size, size, 4], colours premultiplied by alpha. */
export interface PremultipliedPictures {
  readonly count: number;
  readonly size: number;
  readonly pixels: Uint8Array;
}

export interface NearCopies {
  /** [count]: the lowest index of each picture's group; its own where it has no copy. */
  readonly group: Uint32Array;
  /** Pictures whose pixels are exactly those of an earlier one. */
  readonly exact: number;
  /** Pictures in groups of two or more, exact copies included. */
  readonly grouped: number;
}

/** On mid-grey, so that neither white nor black shapes vanish. */
function onGrey(pixels: Uint8Array): Uint8ClampedArray {
  const out = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i += 4) {
    const rest = (128 * (255 - (pixels[i + 3] ?? 0))) / 255;
    for (let c = 0; c < 3; c++) out[i + c] = (pixels[i + c] ?? 0) + rest;
    out[i + 3] = 255;
  }
  return out;
}

function hashOf(data: Uint8ClampedArray, size: number): Uint32Array {
  const hex = bmvbhash({ width: size, height: size, data }, BLOCKS);
  return Uint32Array.from({ length: WORDS }, (_, i) => Number.parseInt(hex.slice(8 * i, 8 * i + 8), 16));
}

/** Set bits of a 32-bit word (Warren, Hacker's Delight, 5-1). */
function bits(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return (((x + (x >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** Compares every picture with every earlier one: 20,000 pictures take some seconds. */
export function findNearCopies({ count, size, pixels }: PremultipliedPictures): NearCopies {
  const bytes = size * size * 4;
  const hashes = new Uint32Array(count * WORDS);
  const seen = (i: number): Uint8ClampedArray => onGrey(pixels.subarray(i * bytes, (i + 1) * bytes));
  for (let i = 0; i < count; i++) hashes.set(hashOf(seen(i), size), i * WORDS);

  const parent = Uint32Array.from({ length: count }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while ((parent[at] ?? at) !== at) {
      parent[at] = parent[parent[at] ?? at] ?? at;
      at = parent[at] ?? at;
    }
    return at;
  };
  const bound = MOST_LEVELS ** 2 * size * size * 3;
  let exact = 0;
  for (let i = 0; i < count; i++) {
    let mine: Uint8ClampedArray | undefined;
    let copied = false;
    for (let j = 0; j < i; j++) {
      let differing = 0;
      for (let w = 0; w < WORDS && differing <= MOST_BITS; w++)
        differing += bits((hashes[i * WORDS + w] ?? 0) ^ (hashes[j * WORDS + w] ?? 0));
      if (differing > MOST_BITS) continue;
      mine ??= seen(i);
      const squares = squaredDifference(mine, seen(j), bound);
      if (squares > bound) continue;
      copied ||= squares === 0;
      const [a, b] = [root(i), root(j)];
      parent[Math.max(a, b)] = Math.min(a, b);
    }
    if (copied) exact++;
  }
  const group = Uint32Array.from({ length: count }, (_, i) => root(i));
  const sizes = new Uint32Array(count);
  for (const first of group) sizes[first] = (sizes[first] ?? 0) + 1;
  const grouped = group.reduce((sum, first) => sum + ((sizes[first] ?? 0) > 1 ? 1 : 0), 0);
  return { group, exact, grouped };
}

/** Sum over all pixels, or any number above `bound` as soon as it is passed. */
function squaredDifference(a: Uint8ClampedArray, b: Uint8ClampedArray, bound: number): number {
  let sum = 0;
  for (let k = 0; k < a.length && sum <= bound; k++) sum += ((a[k] ?? 0) - (b[k] ?? 0)) ** 2;
  return sum;
}
