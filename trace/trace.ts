// The tracer's entry: a tfjs function in, an ONNX model out.
import type * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import type { Graph, Value } from './graph.ts';
import type { Lowering } from './kernels/table.ts';
import { type Dimension, encodeModel, type Storage } from './model.ts';
import { type ElementType, type Recording, record, type Tensors } from './record.ts';
import { compareSizes, type OpenName, openNames } from './sizes.ts';

/** The shape of an input, with its element type where that is not float32. A size is a number, or a name: left open. */
export type InputSpec =
  | readonly Dimension[]
  | { readonly shape: readonly Dimension[]; readonly dtype?: ElementType | undefined };

type ShapeOf<S extends InputSpec> = S extends readonly Dimension[]
  ? S
  : S extends { readonly shape: infer T }
    ? T
    : never;

/** The tensor that stands for an input while the function is traced. */
export type TensorOf<S extends InputSpec> =
  ShapeOf<S> extends { readonly length: infer N }
    ? number extends N
      ? tf.Tensor
      : N extends 0
        ? tf.Scalar
        : N extends 1
          ? tf.Tensor1D
          : N extends 2
            ? tf.Tensor2D
            : N extends 3
              ? tf.Tensor3D
              : N extends 4
                ? tf.Tensor4D
                : tf.Tensor
    : tf.Tensor;

export type InputSpecs = Readonly<Record<string, InputSpec>>;
export type TensorsOf<I extends InputSpecs> = { [K in keyof I]: TensorOf<I[K]> };

export interface TraceOptions {
  /** Of the graph, and in front of error messages. Default `traced`. */
  readonly name?: string;
  /**
   * `conv` (default), to serve: Conv and its like in NCHW, weights as constants. `gemm`, to train: convolutions as matrix
   * products over the whole batch, fast where weights are inputs.
   */
  readonly lowering?: Lowering;
  /**
   * `constants` (default): a tf.Variable (a layer's weight) is stored in the model with the value it has now. `inputs`: each one
   * that the function reads is an input, and each one that it assigns to has its new value as the output `next/NAME`.
   */
  readonly variables?: 'constants' | 'inputs';
  /** What the model is, for whoever opens it. */
  readonly description?: string;
  /** ONNX's own metadata, names to values. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface TensorSpec {
  readonly name: string;
  readonly dtype: ElementType;
  /** Numbers, and names of open sizes: `batch`, `2*batch`. */
  readonly shape: readonly Dimension[];
}

export interface TracedModel {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** With `variables: 'inputs'`: what to feed the first time, by the input's name; values as they are now. */
  readonly variables: Readonly<Record<string, tf.Variable>>;
  /** The values and nodes, for tools that look into them. */
  readonly graph: Graph;
  /** The ONNX file; large weights in 32, 16 or 8 bits. Equal functions give equal bytes. */
  readonly encode: (storage?: Storage) => Uint8Array;
}

/**
 * Traces a pure function of tensors into an ONNX model (opset 17).
 *
 * The function is called twice or more and computes nothing: its tensors have no values. Numbers that it draws, reads or is
 * handed become constants of the model; tensors of other backends too.
 *
 * @param fn from named tensors to a tensor, a list or a record of them; synchronous, in tfjs
 * @param inputs shape of each input; `['batch', 28, 28, 1]` leaves the first size open
 * @throws UserError that names kernel and place where something cannot be traced: a kernel without a mapping, values that are
 *   read, an open size that reaches anything but shapes, results that differ from call to call
 *
 * tfjs has one global backend, which this changes and restores: wait for it before other work with tfjs.
 */
export async function trace<const I extends InputSpecs>(
  fn: (inputs: TensorsOf<I>) => tf.Tensor | tf.Tensor[] | Tensors,
  inputs: I,
  options: TraceOptions = {},
): Promise<TracedModel> {
  const { name = 'traced', lowering = 'conv', variables = 'constants' } = options;
  oneOf('lowering', ['conv', 'gemm'], lowering);
  oneOf('variables', ['constants', 'inputs'], variables);
  const specs = Object.entries(inputs ?? {}).map(([key, spec]) => inputOf(key, spec));
  const names = openNames(Object.fromEntries(specs.map(({ name, shape }) => [name, shape])));
  const at = (which: 0 | 1): Promise<Recording> => {
    const size = (d: Dimension): number =>
      typeof d === 'number' ? d : (names.find((open) => open.name === d)?.as[which] ?? 1);
    const declared = specs.map(({ name, dtype, shape }) => ({ name, dtype, shape: shape.map(size) }));
    const recording = record((tensors) => fn(tensors as TensorsOf<I>), declared, { lowering, variables });
    return recording.catch((error: unknown) => {
      throw inWords(error, names, which);
    });
  };
  let first = await at(0);
  // An optimiser makes its state at its first step: once it is there, it can be the graph's.
  if (first.madeVariables) first = await at(0);
  const second = await at(1);
  if (second.madeVariables) {
    throw new UserError(`${name}: expected variables to be made once, got new ones at every call; make them outside`);
  }
  const { graph } = first;
  const { dims, constants } = compareSizes(name, graph, second.graph, names);
  const specOf = ({ name, value }: { name: string; value: Value }): TensorSpec => ({
    name,
    dtype: value.dtype as ElementType,
    shape: dims(value),
  });
  const { description, metadata } = options;
  return {
    inputs: graph.inputs.map(specOf),
    outputs: graph.outputs.map(specOf),
    variables: first.variables,
    graph,
    encode(storage = 'fp32') {
      oneOf('storage', ['fp32', 'fp16', 'int8'], storage);
      return encodeModel(graph, { name, dims, constants, storage, description, metadata });
    },
  };
}

/** Errors of tfjs and of mappings tell the numbers that open sizes are traced with; people know the names. */
function inWords(error: unknown, names: readonly OpenName[], which: 0 | 1): unknown {
  if (!(error instanceof Error)) return error;
  for (const { name, as } of names)
    error.message = error.message.replaceAll(new RegExp(`\\b${as[which]}\\b`, 'g'), name);
  return error;
}

/** What TypeScript says to who uses it. */
function oneOf(what: string, known: readonly string[], given: string): void {
  if (!known.includes(given)) throw new UserError(`trace: expected ${what} ${known.join(' or ')}, got ${given}`);
}

function inputOf(name: string, spec: InputSpec): TensorSpec {
  const isShape = (given: unknown): given is readonly Dimension[] => Array.isArray(given);
  const { shape, dtype = 'float32' } = isShape(spec) ? { shape: spec } : ((spec ?? {}) as Partial<TensorSpec>);
  if (!isShape(shape))
    throw new UserError(
      `trace: expected input ${name} to be a shape, or { shape, dtype }, got ${JSON.stringify(spec)}`,
    );
  const isSize = (d: unknown) =>
    typeof d === 'number' ? Number.isInteger(d) && d > 0 : typeof d === 'string' && d !== '';
  if (!shape.every(isSize)) {
    throw new UserError(`trace: expected sizes of input ${name} to be names or whole numbers from 1, got [${shape}]`);
  }
  oneOf(`dtype of input ${name} to be`, ['float32', 'int32', 'bool'], dtype);
  return { name, shape, dtype };
}
