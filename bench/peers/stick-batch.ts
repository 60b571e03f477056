// What a step of the stick is given: noise, as what is on a picture costs nothing.
export const BATCH = 64;
export const DROPPED = 0.25;
/** Of what dropout falls on, in order. */
export const MASKS = { mask0: [BATCH, 10, 10, 16], mask1: [BATCH, 32] } as const;

export const uniform = (count: number): Float32Array => Float32Array.from({ length: count }, Math.random);
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
/** 0, or what keeps the mean: a new one for each step, as dropout draws it. */
export const maskOf = (shape: readonly number[]): Float32Array =>
  uniform(sizeOf(shape)).map((x) => (x < DROPPED ? 0 : 1 / (1 - DROPPED)));
export const pictures = uniform(BATCH * 28 * 28 * 3);
export const labels = Float32Array.from({ length: BATCH * 10 }, (_, i) => (i % 10 === Math.floor(i / 10) % 10 ? 1 : 0));
