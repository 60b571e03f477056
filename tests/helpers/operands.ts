// Random tensors for tests of the tracer: every operand may be a graph input, a constant or one value in every place, and an
// input may arrive with its dimensions in another order, so that a transposition is pending when the kernel sees it.
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { randomNormals, randomWords } from '../../contract/random.ts';

export type OperandType = 'float32' | 'int32' | 'bool';

export interface Operand {
  readonly kind: 'input' | 'constant' | 'splat';
  readonly dtype: OperandType;
  readonly shape: readonly number[];
  /** Inputs only: dimension i of the tensor is dimension perm[i] of what is fed. */
  readonly perm: readonly number[];
  /** Row-major, in the tensor's own order. */
  readonly values: Float32Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** What numbers an operand holds. `whole` has many equal ones and zeros, which comparisons and kinks need. */
export type Domain = 'normal' | 'positive' | 'whole';

function numbers(domain: Domain, dtype: OperandType, seed: number, count: number): Float32Array {
  const normals = randomNormals(seed, 0, 0, count);
  if (dtype === 'bool') return normals.map((x) => (x > 0 ? 1 : 0));
  switch (domain) {
    case 'normal':
      return normals.map((x) => (dtype === 'int32' ? Math.round(4 * x) : 2 * x));
    case 'positive':
      return normals.map((x) => (dtype === 'int32' ? 1 + Math.round(Math.abs(4 * x)) : 0.1 + Math.abs(x)));
    case 'whole':
      return normals.map((x) => Math.round(1.5 * x) + 0);
    default:
      return domain satisfies never;
  }
}

/** A permutation of 0 … rank − 1 drawn from the seed; the identity half of the time. */
function permutation(seed: number, rank: number): number[] {
  const perm = Array.from({ length: rank }, (_, i) => i);
  const words = randomWords(seed, 1, 0, rank + 1);
  if ((words[rank] ?? 0) % 2 === 0) return perm;
  for (let i = rank - 1; i > 0; i--) {
    const j = (words[i] ?? 0) % (i + 1);
    const kept = perm[i] ?? 0;
    perm[i] = perm[j] ?? 0;
    perm[j] = kept;
  }
  return perm;
}

export interface OperandOptions {
  readonly domain?: Domain;
  readonly dtype?: OperandType;
}

const kinds = fc.constantFrom<Operand['kind']>('input', 'input', 'input', 'constant', 'splat');

/** Values, kind and storage order are drawn; the shape is given. */
export function operand(shape: readonly number[], options: OperandOptions = {}): fc.Arbitrary<Operand> {
  const { domain = 'normal', dtype = 'float32' } = options;
  return fc.tuple(kinds, fc.nat()).map(([kind, seed]) => {
    const drawn = numbers(domain, dtype, seed, sizeOf(shape));
    const values = kind === 'splat' ? drawn.fill(drawn[0] ?? 0) : drawn;
    return { kind, dtype, shape, perm: permutation(seed, shape.length), values };
  });
}

export const size = fc.integer({ min: 1, max: 4 });
export const shapes = (minRank = 0, maxRank = 4): fc.Arbitrary<number[]> =>
  fc.array(size, { minLength: minRank, maxLength: maxRank });

/** `count` shapes that broadcast with each other: leading dimensions dropped, others set to 1. */
export function broadcasting(count: number, maxRank = 4): fc.Arbitrary<number[][]> {
  return fc
    .tuple(shapes(0, maxRank), fc.array(fc.tuple(fc.nat(maxRank), fc.nat(15)), { minLength: count, maxLength: count }))
    .map(([full, parts]) =>
      parts.map(([dropped, ones]) =>
        full.map((d, i) => ((ones >> i) & 1 && i % 2 === ones % 2 ? 1 : d)).slice(Math.min(dropped, full.length)),
      ),
    );
}

/** The operands' values as they are fed to the graph: row-major in the stored order. */
export function fed({ shape, perm, values }: Operand): { shape: number[]; values: Float32Array } {
  const stored = Array<number>(shape.length).fill(1);
  for (const [i, p] of perm.entries()) stored[p] = shape[i] ?? 1;
  const out = new Float32Array(values.length);
  const index = Array<number>(shape.length).fill(0);
  for (const value of values) {
    let at = 0;
    for (const [p, d] of stored.entries()) at = at * d + (index[perm.indexOf(p)] ?? 0);
    out[at] = value;
    for (let i = shape.length - 1; i >= 0; i--) {
      index[i] = (index[i] ?? 0) + 1;
      if ((index[i] ?? 0) < (shape[i] ?? 1)) break;
      index[i] = 0;
    }
  }
  return { shape: stored, values: out };
}

/** The operand as an ordinary tensor of the current backend. */
export function asTensor({ values, shape, dtype }: Operand): tf.Tensor {
  return tf.tensor(dtype === 'bool' ? Uint8Array.from(values) : values, [...shape], dtype);
}
