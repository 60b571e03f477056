// Sizes that stay open, a batch for instance. tfjs code sees numbers, so the function is recorded at two sets of sizes and
// whatever differs between the graphs depends on them.
import { UserError } from '../contract/errors.ts';
import { type ConstantData, type Graph, schedule, type Value } from './graph.ts';
import type { Dimension, OpenShape, OpenSize } from './model.ts';

/**
 * Sizes to record with. Equal numbers are one constant, so a size must not meet another one by chance: large primes (nothing
 * is computed, so size costs nothing).
 */
const PRIMES = [
  [1009, 1013],
  [1019, 1021],
  [1031, 1033],
  [1039, 1049],
] as const;

/** A size left open: its name, the numbers it is recorded with, and the first place of an input that has it. */
export interface OpenName {
  readonly name: string;
  readonly as: readonly [number, number];
  readonly at: { readonly input: string; readonly axis: number };
}

/** The names among the dimensions of the inputs, in the order they appear. */
export function openNames(inputs: Readonly<Record<string, readonly Dimension[]>>): OpenName[] {
  const found = new Map<string, OpenName>();
  for (const [input, shape] of Object.entries(inputs)) {
    for (const [axis, d] of shape.entries()) {
      if (typeof d === 'number' || found.has(d)) continue;
      const as = PRIMES[found.size];
      if (!as) throw new UserError(`trace: expected ${PRIMES.length} open sizes or fewer, got ${d} as one more`);
      found.set(d, { name: d, as, at: { input, axis } });
    }
  }
  return [...found.values()];
}

/** What the encoder needs to leave sizes open. */
export interface Opened {
  readonly dims: (value: Value) => readonly Dimension[];
  readonly constants: ReadonlyMap<number, ConstantData | OpenShape>;
}

/**
 * Compares two recordings of one function, at the first and the second of each size's numbers (the same one twice where none is
 * open).
 *
 * @throws UserError where a size reaches what ONNX cannot leave open, or where two calls differ for another reason
 */
export function compareSizes(model: string, a: Graph, b: Graph, names: readonly OpenName[]): Opened {
  const open = names.map(({ name }) => name).join(' or ');
  const refuse = (where: string): never => {
    throw new UserError(
      names.length === 0
        ? `${model}: expected the same graph from every call, got another ${where}; hand in as inputs what is random or changes`
        : `${model}: the size ${open} is fixed inside ${where}; expected it in shapes only: ` +
            'hand in as an input what is computed from it, or is random',
    );
  };
  const other = new Map<number, Value>();
  /** Constants that differ → the operators that use them. */
  const differing = new Map<
    number,
    { readonly a: ConstantData; readonly b: ConstantData; readonly users: Set<string> }
  >();

  const pair = (x: Value, y: Value, user: string): void => {
    const known = other.get(x.id);
    if (known && known !== y) refuse(`what ${user} takes, where it is also the size of something else`);
    other.set(x.id, y);
    if (x.source.kind === 'constant' && y.source.kind === 'constant') {
      const [one, two] = [x.source.data, y.source.data];
      if (one.length === two.length && one.every((v, i) => Object.is(v, two[i]))) return;
      const found = differing.get(x.id) ?? { a: one, b: two, users: new Set() };
      found.users.add(user);
      differing.set(x.id, found);
    } else if (x.source.kind !== y.source.kind) refuse(`what ${user} takes`);
  };

  const [orderA, orderB] = [schedule(a), schedule(b)];
  for (const [i, x] of orderA.entries()) {
    const y = orderB[i];
    if (x.source.kind !== 'node') continue;
    const { op, inputs, attributes } = x.source.node;
    if (y?.source.kind !== 'node' || y.source.node.op !== op || y.source.node.inputs.length !== inputs.length) {
      return refuse(`the operators themselves: node ${i} is ${op}`);
    }
    if (JSON.stringify(attributes) !== JSON.stringify(y.source.node.attributes)) refuse(`an attribute of ${op}`);
    for (const [j, input] of inputs.entries()) pair(input, y.source.node.inputs[j] ?? input, op);
    pair(x, y, op);
  }
  if (orderB.length !== orderA.length) refuse('the operators themselves');
  for (const [i, { value }] of a.inputs.entries()) pair(value, b.inputs[i]?.value ?? value, 'an input');
  for (const [i, { name, value }] of a.outputs.entries()) pair(value, b.outputs[i]?.value ?? value, `output ${name}`);

  const constants = new Map<number, ConstantData | OpenShape>();
  for (const [id, { a: one, b: two, users }] of differing) {
    const where = `${one instanceof BigInt64Array ? '' : 'a constant of '}${[...users].join(', ')}`;
    if (!(one instanceof BigInt64Array) || !(two instanceof BigInt64Array) || one.length !== two.length)
      return refuse(where);
    constants.set(id, onlyOneOfReshape(one, two, users) ?? sizesOf(one, two, names) ?? refuse(where));
  }
  return { constants, dims: (value) => dimsOf(value, other.get(value.id), names) };
}

/** A reshape may leave one dimension to ONNX. */
function onlyOneOfReshape(a: BigInt64Array, b: BigInt64Array, users: ReadonlySet<string>): ConstantData | undefined {
  if (a.filter((v, i) => v !== b[i]).length !== 1 || [...users].some((op) => op !== 'Reshape')) return undefined;
  return a.map((v, i) => (v === b[i] ? v : -1n));
}

/** A vector of sizes, computed when the model runs. */
function sizesOf(a: BigInt64Array, b: BigInt64Array, names: readonly OpenName[]): OpenShape | undefined {
  const sizes = [...a].map((v, i) => product(Number(v), Number(b[i]), names));
  return sizes.every((size) => size !== undefined) ? sizes.map(asSize) : undefined;
}

interface Product {
  readonly factor: number;
  readonly of: readonly OpenName[];
}

const asSize = ({ factor, of }: Product): number | OpenSize =>
  of.length === 0 ? factor : { factor, of: of.map(({ at }) => at) };

/** A number that was `a` at the first sizes and `b` at the second, as a factor times sizes. */
function product(a: number, b: number, names: readonly OpenName[]): Product | undefined {
  if (a === b) return { factor: a, of: [] };
  for (const name of names) {
    if (a % name.as[0] !== 0 || b % name.as[1] !== 0) continue;
    const rest = product(a / name.as[0], b / name.as[1], names);
    if (rest) return { factor: rest.factor, of: [name, ...rest.of] };
  }
  return undefined;
}

/** `batch`, `2*batch`, `batch*time`; a size that is no product (a batch and one more) has no name of its own. */
function dimsOf(value: Value, twin: Value | undefined, names: readonly OpenName[]): Dimension[] {
  return value.shape.map((d, i) => {
    const found = product(d, twin?.shape[i] ?? d, names);
    if (!found) return `size_${i}`;
    if (found.of.length === 0) return found.factor;
    const term = found.of.map(({ name }) => name).join('*');
    return found.factor === 1 ? term : `${found.factor}*${term}`;
  });
}
