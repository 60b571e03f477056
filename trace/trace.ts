// Runs a tfjs function on the trace backend and returns the ONNX graph of what it did.
import * as tf from '@tensorflow/tfjs';
import { BACKEND_NAME, traceBackend } from './backend.ts';
import type { Graph } from './graph.ts';
import type { Lowering } from './kernels/table.ts';
import { materialise } from './ops.ts';
import { plain } from './traced.ts';

export type Tensors = Record<string, tf.Tensor>;

/**
 * Traces `fn`, which must be a pure function of its inputs built from tfjs ops.
 *
 * @param inputs shape of each float32 input by name
 * @param lowering how convolutions are written: `conv` to serve, `gemm` to train
 * @returns the graph; its inputs and outputs keep the names and the order of the two records
 * @throws when an op has no ONNX mapping, or when `fn` reads a value
 *
 * tfjs has one global backend, so traces must not overlap with other tfjs work; `fn` is therefore synchronous.
 */
export async function trace(
  fn: (inputs: Tensors) => Tensors,
  inputs: Readonly<Record<string, readonly number[]>>,
  lowering: Lowering,
): Promise<Graph> {
  const backend = traceBackend();
  const previous = tf.getBackend();
  await tf.setBackend(BACKEND_NAME);
  const g = backend.begin(lowering);
  try {
    const declared = Object.entries(inputs).map(([name, shape]) => ({ name, value: g.input(name, 'float32', shape) }));
    const outputs: { name: string; value: Graph['outputs'][number]['value'] }[] = [];
    tf.tidy(() => {
      const tensors = Object.fromEntries(
        declared.map(({ name, value }) => [name, tf.engine().makeTensorFromTensorInfo(backend.put({ value }))]),
      );
      for (const [name, tensor] of Object.entries(fn(tensors))) {
        outputs.push({ name, value: materialise(g, plain(g, backend.get(tensor))) });
      }
    });
    return { inputs: declared, outputs };
  } finally {
    if (previous) await tf.setBackend(previous);
  }
}
