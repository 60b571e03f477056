// What a kernel mapping is: named inputs and attributes as tfjs hands them over, in; traced tensors, out.
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
