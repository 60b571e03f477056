// In what order and in how many at a time the tokens of a map are drawn: fixed, so that every step of the unrolled generator knows
// its places, and every token is learnt from exactly those that it will be drawn after.

/** Sides of the square map of tokens, by side of the picture: places of 4 to 16 pixels. */
const SIDES = { 16: 4, 28: 4, 32: 4, 48: 6, 64: 8, 96: 6, 128: 8 } as const;

export const tokenSide = (resolution: keyof typeof SIDES): number => SIDES[resolution];
export const tokenCount = (resolution: keyof typeof SIDES): number => SIDES[resolution] ** 2;

/** k ≥ 1 with its digits in this base mirrored at the point: in (0, 1). */
function radicalInverse(base: number, k: number): number {
  let [rest, digit, value] = [k, 1 / base, 0];
  for (; rest > 0; rest = Math.floor(rest / base)) {
    value += (rest % base) * digit;
    digit /= base;
  }
  return value;
}

/** The places of a side × side map, row by row, as Halton's sequence meets them: early ones lie far apart (arXiv:2503.17076). */
export function haltonOrder(side: number): number[] {
  const met = new Set<number>();
  for (let k = 1; met.size < side * side; k++)
    met.add(Math.floor(radicalInverse(3, k) * side) * side + Math.floor(radicalInverse(2, k) * side));
  return [...met];
}

/**
 * How many of `count` tokens each step draws, few at first, never fewer than before: MaskGIT's cosine (arXiv:2202.04200). Tokens of
 * one step are drawn without knowledge of each other, which the first few can least afford.
 */
export function blockSizes(count: number, steps: number): number[] {
  const whole = Math.min(count, steps);
  const known = Array.from({ length: whole }, (_, k) =>
    Math.min(
      count - (whole - 1 - k),
      Math.max(k + 1, Math.round(count * (1 - Math.cos((Math.PI / 2) * ((k + 1) / whole))))),
    ),
  );
  return known.map((n, k) => n - (known[k - 1] ?? 0)).sort((a, b) => a - b);
}

/** The slots of a sequence in which tokens are drawn, block after block. */
export interface Slots {
  readonly sizes: readonly number[];
  /** First slot of each block. */
  readonly starts: readonly number[];
  /** By slot, its place on the map; and by place, its slot. */
  readonly places: readonly number[];
  readonly ofPlace: readonly number[];
  /** By slot, the earlier slot whose token it is told: those of a block are told to the first of the next one. −1: none. */
  readonly told: readonly number[];
}

export function createSlots(side: number, steps: number): Slots {
  const places = haltonOrder(side);
  const sizes = blockSizes(places.length, steps);
  const starts = sizes.map((_, k) => sizes.slice(0, k).reduce((sum, size) => sum + size, 0));
  const told = sizes.flatMap((size, k) =>
    Array.from({ length: size }, (_, i) => (i < (sizes[k - 1] ?? 0) ? (starts[k - 1] ?? 0) + i : -1)),
  );
  return { sizes, starts, places, ofPlace: places.map((_, place) => places.indexOf(place)), told };
}
