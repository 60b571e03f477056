// Makes the batch size symbolic. tfjs code sees numbers, so the function is traced at two batch sizes and whatever
// differs between the graphs is the batch.
import type { ConstantData, Graph, Value } from './graph.ts';
import { schedule } from './graph.ts';
import type { Lowering } from './kernels/table.ts';
import { encodeModel, type Storage } from './model.ts';
import { type Tensors, trace } from './trace.ts';

/**
 * Equal numbers are one constant, so a batch size must not meet another size by chance: large primes (nothing is computed,
 * so size costs nothing).
 */
const BATCHES = [1009, 1013] as const;

/**
 * Traces `fn` into an ONNX model that takes any batch size, and returns its encoder for each kind of storage.
 *
 * @param inputs shape of each input without its batch dimension, which comes first
 * @throws when the batch size reaches a place that ONNX cannot leave open (anything but one dimension of a reshape)
 */
export async function traceAnyBatch(
  name: string,
  fn: (inputs: Tensors) => Tensors,
  inputs: Readonly<Record<string, readonly number[]>>,
  lowering: Lowering = 'conv',
): Promise<(storage?: Storage) => Uint8Array> {
  const at = (batch: number): Promise<Graph> =>
    trace(fn, Object.fromEntries(Object.entries(inputs).map(([key, shape]) => [key, [batch, ...shape]])), lowering);
  const [a, b] = [await at(BATCHES[0]), await at(BATCHES[1])];
  const other = new Map<number, Value>();
  const constants = new Map<number, ConstantData>();

  const pair = (x: Value, y: Value): void => {
    const known = other.get(x.id);
    if (known && known !== y) throw new Error(`${name}: the batch size ${BATCHES[0]} is also a size of something else`);
    if (known) return;
    other.set(x.id, y);
    if (x.source.kind === 'constant' && y.source.kind === 'constant') {
      const open = openDimension(name, x.source.data, y.source.data);
      if (open) constants.set(x.id, open);
    } else if (x.source.kind !== y.source.kind) {
      throw new Error(`${name}: expected one graph for every batch size, got ${x.source.kind} and ${y.source.kind}`);
    }
  };

  const [orderA, orderB] = [schedule(a), schedule(b)];
  for (const [i, x] of orderA.entries()) {
    const y = orderB[i];
    if (x.source.kind !== 'node' || y?.source.kind !== 'node' || x.source.node.op !== y.source.node.op) {
      throw new Error(`${name}: expected the same operators at every batch size; node ${i} differs`);
    }
    const { op, inputs: xs, attributes } = x.source.node;
    if (JSON.stringify(attributes) !== JSON.stringify(y.source.node.attributes)) {
      throw new Error(`${name}: the batch size is fixed inside an attribute of ${op}; expected it in reshapes only`);
    }
    for (const [j, input] of xs.entries()) {
      const twin = y.source.node.inputs[j];
      if (!twin) throw new Error(`${name}: ${op} has another number of inputs at another batch size`);
      pair(input, twin);
      if (constants.has(input.id) && op !== 'Reshape') {
        throw new Error(`${name}: the batch size is fixed inside ${op}; expected it in reshapes only`);
      }
    }
    pair(x, y);
  }
  for (const [i, { value }] of a.inputs.entries()) if (b.inputs[i]) other.set(value.id, b.inputs[i].value);
  for (const [i, { value }] of a.outputs.entries()) if (b.outputs[i]) pair(value, b.outputs[i].value);
  if (a.outputs.some(({ value }) => constants.has(value.id))) throw new Error(`${name}: an output is the batch size`);

  return (storage = 'fp32') =>
    encodeModel(a, {
      name,
      constants,
      storage,
      dims: (value) => {
        const twin = other.get(value.id);
        return value.shape.map((d, i) => {
          if (!twin || twin.shape[i] === d) return d;
          return d === BATCHES[0] ? 'batch' : `${d / BATCHES[0]}*batch`;
        });
      },
    });
}

/** A shape whose only difference is the batch: the same with -1 there; undefined where nothing differs. */
function openDimension(name: string, a: ConstantData, b: ConstantData): ConstantData | undefined {
  if (a.length === b.length && a.every((v, i) => v === b[i])) return undefined;
  const differing = [...a].flatMap((v, i) => (v === b[i] ? [] : [i]));
  if (!(a instanceof BigInt64Array) || a.length !== b.length || differing.length !== 1) {
    throw new Error(`${name}: the batch size is fixed inside a constant; expected it in one dimension of a reshape`);
  }
  return a.map((v, i) => (i === differing[0] ? -1n : v));
}
