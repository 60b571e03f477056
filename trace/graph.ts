// The ONNX graph under construction. Values are immutable and nodes are hash-consed: asking twice for the same operator
// on the same inputs gives the same value back, so common subexpressions (a forward pass that autodiff repeats, an
// unfold shared by a convolution and its filter gradient) exist once without a separate pass.

export type DType = 'float32' | 'int32' | 'int64' | 'bool';
export type ConstantData = Float32Array | Int32Array | BigInt64Array | Uint8Array;
export type Attribute = number | string | readonly number[] | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** A tensor in the graph. `constant` holds known values, `splat` one known value in every place (never stored in full). */
export interface Value {
  readonly id: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly source:
    | { readonly kind: 'input'; readonly name: string }
    | { readonly kind: 'constant'; readonly data: ConstantData }
    | { readonly kind: 'splat'; readonly fill: number }
    | { readonly kind: 'node'; readonly node: Node };
}

export interface Node {
  /** ONNX operator, in the default domain. */
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  /** Which of the operator's outputs the value is; most have one. */
  readonly output: OutputOf;
}

export interface OutputOf {
  readonly at: number;
  readonly of: number;
}

const ONLY: OutputOf = { at: 0, of: 1 };

export interface Graph {
  readonly inputs: readonly { readonly name: string; readonly value: Value }[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

export interface GraphBuilder {
  input(name: string, dtype: DType, shape: readonly number[]): Value;
  constant(data: ConstantData, dtype: DType, shape: readonly number[]): Value;
  /** int64 vector: shapes, axes, pads and the like. */
  ints(values: readonly number[]): Value;
  splat(fill: number, dtype: DType, shape: readonly number[]): Value;
  node(
    op: string,
    inputs: readonly Value[],
    attributes: Attributes,
    dtype: DType,
    shape: readonly number[],
    output?: OutputOf,
  ): Value;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function createGraphBuilder(): GraphBuilder {
  const known = new Map<string, Value>();
  const constants = new Map<string, Value[]>();
  let nextId = 0;

  const make = (dtype: DType, shape: readonly number[], source: Value['source']): Value => {
    nextId += 1;
    return { id: nextId, dtype, shape, source };
  };
  const once = (key: string, create: () => Value): Value => {
    const found = known.get(key);
    if (found) return found;
    const value = create();
    known.set(key, value);
    return value;
  };

  const constant: GraphBuilder['constant'] = (data, dtype, shape) => {
    if (data.length !== sizeOf(shape)) {
      throw new Error(`constant: expected ${sizeOf(shape)} values for shape [${shape}], got ${data.length}`);
    }
    // Equal contents are one initializer: hash first, then compare, because a network has megabytes of them.
    const key = `${dtype}[${shape}]${hashBytes(data)}`;
    const candidates = constants.get(key) ?? [];
    const same = candidates.find((v) => v.source.kind === 'constant' && equalBytes(v.source.data, data));
    if (same) return same;
    const value = make(dtype, shape, { kind: 'constant', data });
    constants.set(key, [...candidates, value]);
    return value;
  };

  return {
    constant,
    input: (name, dtype, shape) => make(dtype, shape, { kind: 'input', name }),
    ints: (values) => constant(BigInt64Array.from(values, BigInt), 'int64', [values.length]),
    splat: (fill, dtype, shape) =>
      once(`splat ${dtype}[${shape}] ${Object.is(fill, -0) ? '-0' : fill}`, () =>
        make(dtype, shape, { kind: 'splat', fill }),
      ),
    node: (op, inputs, attributes, dtype, shape, output = ONLY) =>
      once(`${op}(${inputs.map((v) => v.id)})${JSON.stringify(attributes)}${output.at}/${output.of}`, () =>
        make(dtype, shape, { kind: 'node', node: { op, inputs, attributes, output } }),
      ),
  };
}

/** Nodes that the outputs need, each after its inputs. */
export function schedule(graph: Graph): Value[] {
  const done = new Set<number>();
  const order: Value[] = [];
  const visit = (root: Value): void => {
    // An explicit stack: a training step is thousands of nodes deep.
    const stack: { value: Value; next: number }[] = [{ value: root, next: 0 }];
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const { value } = frame;
      const inputs = value.source.kind === 'node' ? value.source.node.inputs : [];
      const input = inputs[frame.next];
      if (done.has(value.id)) stack.pop();
      else if (input) {
        frame.next += 1;
        if (!done.has(input.id)) stack.push({ value: input, next: 0 });
      } else {
        done.add(value.id);
        if (value.source.kind === 'node') order.push(value);
        stack.pop();
      }
    }
  };
  for (const { value } of graph.outputs) visit(value);
  return order;
}

function bytesOf(data: ConstantData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** FNV-1a over the bytes; only a filter, `equalBytes` decides. */
function hashBytes(data: ConstantData): number {
  let hash = 0x811c9dc5;
  for (const byte of bytesOf(data)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function equalBytes(a: ConstantData, b: ConstantData): boolean {
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return x.length === y.length && x.every((byte, i) => byte === y[i]);
}
