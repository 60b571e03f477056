// Exact and near copies among own pictures, so that a picture and its copy never stand on both sides of the split.
// Candidates agree in a block mean value hash (Yang, Gu & Niu 2006; the package blockhash-core), copies in their pixels too:
// the hash alone takes two yellow faces for one.
import { bmvbhash } from 'blockhash-core';
import type { PictureSet } from './types.ts';

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

/** Pictures of 1, 3 or 4 channels likewise. */
export function premultiplied({
  width,
  channels,
  count,
  pixels,
}: Pick<PictureSet, 'width' | 'channels' | 'count' | 'pixels'>): PremultipliedPictures {
  if (channels === 4) return { count, size: width, pixels };
  const out = new Uint8Array(count * width * width * 4).fill(255);
  for (let i = 0; i < count * width * width; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = pixels[i * channels + (channels === 1 ? 0 : c)] ?? 0;
  }
  return { count, size: width, pixels: out };
}

export interface NearCopies {
  /** [count]: the lowest index of each picture's group; its own where it has no copy. */
  readonly group: Uint32Array;
  /** Pictures whose pixels are exactly those of an earlier one. */
  readonly exact: number;
  /** Pictures in groups of two or more, exact copies included. */
  readonly grouped: number;
}

/** What mid-grey adds below a pixel of this alpha: neither white nor black shapes vanish on it. */
const GROUND = Uint8Array.from({ length: 256 }, (_, alpha) => Math.round((128 * (255 - alpha)) / 255));

function onGrey(pixels: Uint8Array): Uint8ClampedArray {
  const out = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i += 4) {
    const ground = GROUND[pixels[i + 3] ?? 0] ?? 0;
    for (let c = 0; c < 3; c++) out[i + c] = (pixels[i + c] ?? 0) + ground;
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

/** Pictures with their hashes. */
interface Hashed {
  readonly count: number;
  /** [count, WORDS] */
  readonly hashes: Uint32Array;
  picture(i: number): Uint8Array;
}

function hashed({ count, size, pixels }: PremultipliedPictures): Hashed {
  const bytes = size * size * 4;
  const hashes = new Uint32Array(count * WORDS);
  const picture = (i: number): Uint8Array => pixels.subarray(i * bytes, (i + 1) * bytes);
  for (let i = 0; i < count; i++) hashes.set(hashOf(onGrey(picture(i)), size), i * WORDS);
  return { count, hashes, picture };
}

/** Calls `visit` with those pictures `wanted` of `among` that `of`'s picture `i` is a near copy of, until it says stop. */
function eachNearCopy(
  of: Hashed,
  i: number,
  among: Hashed,
  wanted: Iterable<number>,
  visit: (j: number) => 'go on' | 'stop',
  isKnown: (j: number) => boolean = () => false,
): void {
  const mine = of.hashes.subarray(i * WORDS, (i + 1) * WORDS);
  const picture = of.picture(i);
  const { hashes } = among;
  const [first = 0, second = 0] = mine;
  const bound = (MOST_LEVELS ** 2 * picture.length * 3) / 4;
  for (const j of wanted) {
    const other = j * WORDS;
    // Two words tell most pairs apart.
    let differing = bits(first ^ (hashes[other] ?? 0)) + bits(second ^ (hashes[other + 1] ?? 0));
    for (let w = 2; w < WORDS && differing <= MOST_BITS; w++)
      differing += bits((mine[w] ?? 0) ^ (hashes[other + w] ?? 0));
    if (differing > MOST_BITS || isKnown(j)) continue;
    if (squaredDifference(picture, among.picture(j), bound) <= bound && visit(j) === 'stop') return;
  }
}

/** Looks pictures up among `among`, which is hashed once: for each the index of one that it is a near copy of, or −1. */
export function nearCopyFinder(among: PremultipliedPictures): (pictures: PremultipliedPictures) => Int32Array {
  const known = hashed(among);
  const all = Uint32Array.from({ length: known.count }, (_, i) => i);
  return (pictures) => {
    const queries = hashed(pictures);
    return Int32Array.from({ length: pictures.count }, (_, i) => {
      let found = -1;
      eachNearCopy(queries, i, known, all, (j) => {
        found = j;
        return 'stop';
      });
      return found;
    });
  };
}

/** Compares every picture with every earlier one: 20,000 pictures of 64x64 take some seconds (docs/LOG.md). */
export function findNearCopies(pictures: PremultipliedPictures): NearCopies {
  const { count } = pictures;
  const known = hashed(pictures);
  const parent = Uint32Array.from({ length: count }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while ((parent[at] ?? at) !== at) {
      parent[at] = parent[parent[at] ?? at] ?? at;
      at = parent[at] ?? at;
    }
    return at;
  };
  const join = (i: number, j: number): void => {
    const [a, b] = [root(i), root(j)];
    parent[Math.max(a, b)] = Math.min(a, b);
  };
  // One of each is compared, and no two that are of one group already: thousands of blank tiles take no time.
  const different: number[] = [];
  const byHash = new Map<string, number[]>();
  for (let i = 0; i < count; i++) {
    const hash = known.hashes.subarray(i * WORDS, (i + 1) * WORDS).join();
    const alike = byHash.get(hash) ?? [];
    const same = alike.find((j) => areEqual(known.picture(i), known.picture(j)));
    if (same !== undefined) {
      join(i, same);
      continue;
    }
    alike.push(i);
    byHash.set(hash, alike);
    const visit = (j: number) => {
      join(i, j);
      return 'go on' as const;
    };
    eachNearCopy(known, i, known, different, visit, (j) => root(i) === root(j));
    different.push(i);
  }
  const exact = count - different.length;
  const group = Uint32Array.from({ length: count }, (_, i) => root(i));
  const sizes = new Uint32Array(count);
  for (const first of group) sizes[first] = (sizes[first] ?? 0) + 1;
  const grouped = group.reduce((sum, first) => sum + ((sizes[first] ?? 0) > 1 ? 1 : 0), 0);
  return { group, exact, grouped };
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}

/** Sum over all pixels as they lie on mid-grey, or any number above `bound` as soon as it is passed. */
function squaredDifference(a: Uint8Array, b: Uint8Array, bound: number): number {
  let sum = 0;
  for (let k = 0; k < a.length && sum <= bound; k += 4) {
    const ground = (GROUND[a[k + 3] ?? 0] ?? 0) - (GROUND[b[k + 3] ?? 0] ?? 0);
    for (let c = k; c < k + 3; c++) sum += ((a[c] ?? 0) - (b[c] ?? 0) + ground) ** 2;
  }
  return sum;
}
