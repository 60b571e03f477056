// What a kernel mapping is: named inputs and attributes as tfjs hands them over, in; traced tensors, out.
import { util } from '@tensorflow/tfjs';
import type { DType, GraphBuilder } from '../graph.ts';
import type { Traced } from '../traced.ts';

export interface KernelCall {
  readonly g: GraphBuilder;
  /** Input `name`; throws when tfjs did not pass it. */
  input(name: string): Traced;
  /** Whether tfjs passed an input that it may leave out. */
  has(name: string): boolean;
  /** All inputs in order: kernels over a list of tensors (Concat, Pack, AddN). */
  readonly list: readonly Traced[];
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly lowering: Lowering;
}

/**
 * `gemm`: convolutions as unfold + one matrix product over the whole batch, in NHWC. Fast where weights are inputs, as in
 * training. `conv`: Conv and ConvTranspose in NCHW with constant weights, as run-times serve best.
 */
export type Lowering = 'gemm' | 'conv';

export type Kernel = (call: KernelCall) => Traced | Traced[];
export type KernelTable = Readonly<Record<string, Kernel>>;

/** tfjs's name of an element type, checked: it also has complex64 and string. */
export function dtypeOf(name: unknown): DType {
  if (name === 'float32' || name === 'int32' || name === 'bool') return name;
  throw new Error(`trace: expected element type float32, int32 or bool, got ${String(name)}`);
}

/** tfjs's lists of sizes, places or axes, which may be one number. */
export const numbers = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : [Number(value)]);

/** One axis, which may be counted from the end. */
export const axisOf = (value: unknown, rank: number): number => (Number(value ?? 0) + rank) % rank;

/** tfjs's axis argument: one, several, negative or absent (all). */
export const axesOf = (shape: readonly number[], given: unknown): number[] =>
  util.parseAxisParam((given as number | number[] | null | undefined) ?? [...shape.keys()], [...shape]);
