// Runs a tfjs function on the trace backend and returns the ONNX graph of what it did.
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../contract/errors.ts';
import { BACKEND_NAME, type TraceBackend, traceBackend } from './backend.ts';
import type { DType, Graph, Value } from './graph.ts';
import type { Lowering } from './kernels/table.ts';
import { materialise } from './ops.ts';
import { plain } from './traced.ts';

export type Tensors = Record<string, tf.Tensor>;

/** What tfjs and ONNX both have. */
export type ElementType = Exclude<DType, 'int64'>;

/** In front of a variable's name: the output that carries its new value. ONNX wants names of inputs and outputs to differ. */
export const NEXT = 'next/';

export interface Declared {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
}

export interface RecordOptions {
  readonly lowering: Lowering;
  /** What tf.Variables are: constants of the graph, or inputs of it that it may give new values to. */
  readonly variables: 'constants' | 'inputs';
}

export interface Recording {
  readonly graph: Graph;
  /** The variables that are inputs, by the names of these. */
  readonly variables: Readonly<Record<string, tf.Variable>>;
  /** Whether the function made variables, as an optimiser does at its first step: they are there the next time. */
  readonly madeVariables: boolean;
}

/** The recording under way, if any: tfjs has one global backend, so they take turns. */
let underWay: Promise<unknown> = Promise.resolve();

/**
 * Records one call of `fn`. Variables have their old values again afterwards; those that it made, their first ones.
 *
 * Must not overlap with other work of tfjs, so `fn` is synchronous; with other recordings it cannot.
 */
export function record(
  fn: (inputs: Tensors) => unknown,
  inputs: readonly Declared[],
  options: RecordOptions,
): Promise<Recording> {
  const recording = underWay.then(() => recordNow(fn, inputs, options));
  underWay = recording.catch(() => {});
  return recording;
}

async function recordNow(
  fn: (inputs: Tensors) => unknown,
  inputs: readonly Declared[],
  options: RecordOptions,
): Promise<Recording> {
  // Before anything has run, tfjs has not chosen a backend yet; it must not be left with this one.
  await tf.ready();
  const previous = tf.getBackend();
  const backend = traceBackend();
  const before = Object.values(tf.engine().registeredVariables);
  const kept = new Map(before.map((variable) => [variable, variable.clone()]));
  await tf.setBackend(BACKEND_NAME);
  const g = backend.begin(options.lowering);
  const declared = inputs.map(({ name, dtype, shape }) => ({ name, value: g.input(name, dtype, shape) }));
  const state = options.variables === 'inputs' ? stateOf(backend, before, declared) : undefined;
  const made = new Map<tf.Variable, Value>();
  const stop = onAssign((variable) => {
    if (!kept.has(variable) && !made.has(variable)) made.set(variable, backend.get(variable).value);
  });
  const outputs: { name: string; value: Value }[] = [];
  try {
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        declared.map(({ name, value }) => [name, tf.engine().makeTensorFromTensorInfo(backend.put({ value }))]),
      );
      const add = (name: string, tensor: tf.Tensor): void => {
        outputs.push({ name, value: materialise(g, plain(g, backend.get(tensor))) });
      };
      for (const [name, tensor] of Object.entries(namedOutputs(fn(tensors)))) add(name, tensor);
      for (const variable of before) {
        if (variable.dataId === kept.get(variable)?.dataId) continue;
        if (!state) {
          throw new UserError(
            `trace: expected a function that changes no variable, got one that assigns to ${variable.name}; ` +
              "trace it with variables: 'inputs' and it is an input and an output",
          );
        }
        add(NEXT + state.nameOf(variable), variable);
      }
    });
    for (const variable of Object.values(tf.engine().registeredVariables)) {
      if (!kept.has(variable) && !made.has(variable)) made.set(variable, backend.get(variable).value);
    }
  } finally {
    stop();
    backend.variables = undefined;
    await tf.setBackend(previous);
    for (const [variable, value] of kept) {
      if (variable.dataId !== value.dataId) variable.assign(value);
      value.dispose();
    }
    for (const [variable, value] of made) restart(variable, value);
  }
  checkNames([...declared, ...outputs].map(({ name }) => name));
  return { graph: { inputs: declared, outputs }, variables: state?.used() ?? {}, madeVariables: made.size > 0 };
}

/** Gives a variable that was made while recording the value it was made with. */
function restart(variable: tf.Variable, { source, dtype, shape }: Value): void {
  if (source.kind !== 'constant' && source.kind !== 'splat') {
    throw new UserError(
      `trace: expected variable ${variable.name} to start from known values, got values computed from the inputs; ` +
        'make it before the function is traced',
    );
  }
  const size = shape.reduce((a, b) => a * b, 1);
  const values = source.kind === 'splat' ? new Array<number>(size).fill(source.fill) : Array.from(source.data, Number);
  const start = tf.tensor(values, [...shape], dtype === 'int64' ? 'int32' : dtype);
  variable.assign(start);
  start.dispose();
}

/** Variables as inputs of the graph: each becomes one where it is first read. */
function stateOf(backend: TraceBackend, before: readonly tf.Variable[], declared: { name: string; value: Value }[]) {
  const names = new Map<tf.Variable, string>();
  const byData = new Map<object, tf.Variable>(before.map((variable) => [variable.dataId, variable]));
  // tfjs numbers variables that have no name, by how many there have been: no name to rely on.
  const nameOf = (variable: tf.Variable): string => {
    const unnamed = [...names.keys()].filter(({ name }) => /^\d+$/.test(name)).length;
    const name = names.get(variable) ?? (/^\d+$/.test(variable.name) ? `variable_${unnamed}` : variable.name);
    names.set(variable, name);
    return name;
  };
  const used = new Map<string, tf.Variable>();
  const values = new Map<tf.Variable, Value>();
  backend.variables = (dataId) => {
    const variable = byData.get(dataId);
    if (!variable) return undefined;
    const known = values.get(variable);
    if (known) return known;
    const name = nameOf(variable);
    const value = backend.g.input(name, variable.dtype as ElementType, variable.shape);
    values.set(variable, value);
    declared.push({ name, value });
    used.set(name, variable);
    return value;
  };
  return { nameOf, used: () => Object.fromEntries(used) };
}

/** tfjs tells nobody when a variable is assigned to, so its method is wrapped for as long as a function is recorded. */
function onAssign(notice: (variable: tf.Variable) => void): () => void {
  const { assign } = tf.Variable.prototype;
  tf.Variable.prototype.assign = function (this: tf.Variable, value: tf.Tensor): void {
    notice(this);
    assign.call(this, value);
  };
  return () => {
    tf.Variable.prototype.assign = assign;
  };
}

/** A record of tensors as it is; one tensor, or a list of them as a model of several outputs gives, by made names. */
function namedOutputs(given: unknown): Tensors {
  if (given instanceof tf.Tensor) return { output: given };
  if (given instanceof Promise) {
    given.catch(() => {});
    throw new UserError('trace: expected a function that returns tensors, got a promise; trace a synchronous function');
  }
  const entries = Array.isArray(given)
    ? given.map((value: unknown, i): [string, unknown] => [`output_${i}`, value])
    : Object.entries(given ?? {});
  if (entries.length === 0) throw new UserError('trace: expected a function that returns a tensor, got none');
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (value instanceof tf.Tensor) return [name, value];
      throw new UserError(`trace: expected output ${name} to be a tensor, got ${typeof value}`);
    }),
  );
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UserError(`trace: expected different names for all inputs, outputs and variables, got ${twice} twice`);
  }
}
