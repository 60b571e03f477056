// Runs tfjs functions as ONNX on onnxruntime-node, and looks into the models.
import { fromBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs';
import { type GraphProto, ModelProtoSchema } from 'onnx-buf';
import * as ort from 'onnxruntime-node';
import type { Graph } from '../../trace/graph.ts';
import { type Tensors, trace } from '../../trace/index.ts';
import type { Lowering } from '../../trace/kernels/table.ts';
import { asTensor, fed, type Operand } from './operands.ts';

export interface Values {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export type Run = (tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

const asList = (x: tf.Tensor | tf.Tensor[]): tf.Tensor[] => (Array.isArray(x) ? x : [x]);

/** What tfjs's cpu backend computes, and the kernels it called on the way. */
export async function runOnCpu(
  run: Run,
  operands: readonly Operand[],
): Promise<{ outputs: Values[]; kernels: string[] }> {
  await tf.setBackend('cpu');
  const outputs: Values[] = [];
  const profile = await tf.profile(() =>
    tf.tidy(() => {
      for (const t of asList(run(operands.map(asTensor)))) {
        outputs.push({ dtype: t.dtype, shape: t.shape, data: t.dataSync().slice() });
      }
      return tf.scalar(0);
    }),
  );
  tf.dispose(profile.result);
  return { outputs, kernels: profile.kernelNames };
}

/** What onnxruntime computes from the traced graph. */
export async function runTraced(run: Run, operands: readonly Operand[], lowering: Lowering): Promise<Values[]> {
  const shapes: Record<string, number[]> = {};
  const feeds: Record<string, ort.Tensor> = {};
  for (const [i, o] of operands.entries()) {
    if (o.kind !== 'input') continue;
    const { shape, values } = fed(o);
    shapes[`x${i}`] = shape;
    feeds[`x${i}`] = new ort.Tensor('float32', values, shape);
  }
  const traced = (inputs: Tensors): Tensors => {
    const tensors = operands.map((o, i) => {
      const x = inputs[`x${i}`];
      if (!x) return asTensor(o);
      const turned = o.perm.length > 1 ? tf.transpose(x, [...o.perm]) : x;
      return o.dtype === 'float32' ? turned : tf.cast(turned, o.dtype);
    });
    return Object.fromEntries(asList(run(tensors)).map((t, i) => [`y${i}`, t]));
  };
  const model = (await trace(traced, shapes, { name: 'test', lowering })).encode();
  // Level 3 hides the notes about initializers that constant folding no longer needs.
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  try {
    const results = await session.run(feeds);
    return session.outputNames.map((name) => {
      const t = results[name];
      if (!t) throw new Error(`session: expected an output named ${name}`);
      return { dtype: t.type, shape: t.dims, data: t.data as unknown as ArrayLike<number> };
    });
  } finally {
    await session.release();
  }
}

/** The graph of a function, for a look at its nodes. */
export const graphOf = async (
  fn: (inputs: Tensors) => Tensors,
  shapes: Readonly<Record<string, readonly number[]>>,
  lowering: Lowering,
): Promise<Graph> => (await trace(fn, shapes, { lowering })).graph;

/** Largest |a − b| / (1 + |b|); infinite where one is NaN and the other is not. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    if (Object.is(x, y) || x === y) continue;
    const difference = Math.abs(x - y) / (1 + Math.abs(y));
    largest = Math.max(largest, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
  }
  return largest;
}

export function readModel(bytes: Uint8Array): GraphProto {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  if (!graph) throw new Error('model: expected a graph, got none');
  return graph;
}

/** How often each operator occurs. */
export function operators(graph: GraphProto): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of graph.node) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}
