// A traced tensor: a value of the graph plus a transposition not yet written down. Keeping the transposition pending lets
// NHWC code of tfjs become an NCHW graph: convolutions ask for their own layout, elementwise operators take any, and a
// pair of transpositions meets and vanishes before either becomes a node.
import { type GraphBuilder, sizeOf, type Value } from './graph.ts';
import { binary, broadcastShape, materialise, reshape, sameShape, transpose } from './ops.ts';

export interface Traced {
  readonly value: Value;
  /** Dimension i of the tensor is dimension perm[i] of `value`; absent: as stored. */
  readonly perm?: readonly number[];
}

/** tfjs's NHWC, stored as ONNX's NCHW. */
export const STORED_NCHW = [0, 2, 3, 1] as const;

export const shapeOf = ({ value, perm }: Traced): number[] =>
  perm ? perm.map((p) => value.shape[p] ?? 1) : [...value.shape];

const inverse = (perm: readonly number[]): number[] => perm.map((_, i) => perm.indexOf(i));

const isIdentity = (perm: readonly number[]): boolean => perm.every((p, i) => p === i);

/** The value in the tensor's own dimension order. */
export const plain = (g: GraphBuilder, x: Traced): Value => (x.perm ? transpose(g, x.value, x.perm) : x.value);

/** The value stored so that `perm` of it is the tensor; lower ranks get leading dimensions of 1 first. */
export function stored(g: GraphBuilder, x: Traced, perm: readonly number[]): Value {
  if (x.perm && sameShape(x.perm, perm)) return x.value;
  const value = plain(g, x);
  const lifted = reshape(g, value, [...Array(perm.length - value.shape.length).fill(1), ...value.shape]);
  return transpose(g, lifted, inverse(perm));
}

export function withPerm(value: Value, perm: readonly number[] | undefined): Traced {
  return perm && !isIdentity(perm) ? { value, perm } : { value };
}

/** tf.transpose: composes with what is pending. */
export function permuted(x: Traced, perm: readonly number[]): Traced {
  return withPerm(x.value, x.perm ? perm.map((p) => x.perm?.[p] ?? p) : perm);
}

export const mapUnary = (x: Traced, f: (value: Value) => Value): Traced => withPerm(f(x.value), x.perm);

/** Brings operands that broadcast with each other into one storage order. */
export function align(
  g: GraphBuilder,
  xs: readonly Traced[],
): { values: Value[]; perm: readonly number[] | undefined } {
  const rank = Math.max(...xs.map((x) => x.value.shape.length));
  const leader = xs
    .filter((x) => x.perm?.length === rank)
    .reduce<Traced | undefined>((a, b) => (a && sizeOf(a.value.shape) >= sizeOf(b.value.shape) ? a : b), undefined);
  const perm = leader?.perm;
  return { perm, values: xs.map((x) => (perm ? stored(g, x, perm) : plain(g, x))) };
}

export function mapBinary(g: GraphBuilder, op: string, a: Traced, b: Traced): Traced {
  broadcastShape(op, shapeOf(a), shapeOf(b));
  const fused = addBias(g, op, a, b) ?? addBias(g, op, b, a);
  if (fused) return fused;
  const { values, perm } = align(g, [a, b]);
  const [x, y] = values;
  if (!x || !y) throw new Error(`${op}: expected two operands`);
  return withPerm(binary(g, op, x, y), perm);
}

/** Conv + constant per channel, MatMul + constant row: the bias input that these operators have. */
function addBias(g: GraphBuilder, op: string, x: Traced, bias: Traced): Traced | undefined {
  const { source } = x.value;
  const known = bias.value.source.kind;
  if (op !== 'Add' || source.kind !== 'node' || (known !== 'constant' && known !== 'splat')) return undefined;
  const { node } = source;
  const channels = shapeOf(x).at(-1);
  if (shapeOf(bias).length > x.value.shape.length) return undefined;
  if (sizeOf(bias.value.shape) !== channels || shapeOf(bias).at(-1) !== channels || node.inputs.length !== 2) {
    return undefined;
  }
  const isConv = (node.op === 'Conv' || node.op === 'ConvTranspose') && x.perm && sameShape(x.perm, STORED_NCHW);
  const isDense = node.op === 'MatMul' && x.value.dtype === 'float32' && !x.perm && x.value.shape.length === 2;
  if (!isConv && !isDense) return undefined;
  const inputs = [...node.inputs, reshape(g, materialise(g, bias.value), [channels])];
  return { ...x, value: g.node(isDense ? 'Gemm' : node.op, inputs, node.attributes, x.value.dtype, x.value.shape) };
}
