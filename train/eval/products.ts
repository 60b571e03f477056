// All inner products between two feature matrices, a · bᵀ, block by block: one Gemm in onnxruntime does in milliseconds
// what loops in JavaScript take seconds for. Kernels and distances are built on it.
import { createGraphBuilder } from '../../trace/graph.ts';
import { encodeModel } from '../../trace/model.ts';
import type { Compute, InferenceSession } from '../engines/runtime.ts';
import { type Features, rowsOf } from './features.ts';

/** Numbers in one block: 32 MB. */
const blockSize = 8e6;

const sessions = new WeakMap<Compute, Promise<InferenceSession>>();

function productSession(compute: Compute): Promise<InferenceSession> {
  let session = sessions.get(compute);
  if (!session) {
    const g = createGraphBuilder();
    const a = g.input('a', 'float32', [1, 1]);
    const b = g.input('b', 'float32', [1, 1]);
    const product = g.node('Gemm', [a, b], { transB: 1 }, 'float32', [1, 1]);
    const names = new Map([
      [a, ['n', 'd']],
      [b, ['m', 'd']],
      [product, ['n', 'm']],
    ]);
    const graph = {
      inputs: [
        { name: 'a', value: a },
        { name: 'b', value: b },
      ],
      outputs: [{ name: 'product', value: product }],
    };
    const model = encodeModel(graph, { name: 'products', dims: (value) => names.get(value) ?? [] });
    session = compute.createSession(model);
    sessions.set(compute, session);
  }
  return session;
}

/** Calls `visit` with blocks of rows of a · bᵀ: `block` is [count, b.rows] and starts at row `start` of a. */
export async function eachProductBlock(
  compute: Compute,
  a: Features,
  b: Features,
  visit: (block: Float32Array, start: number, count: number) => void | Promise<void>,
): Promise<void> {
  const run = await productSession(compute);
  const right = new compute.Tensor('float32', b.data, [b.rows, b.columns]);
  const blockRows = Math.max(1, Math.floor(blockSize / b.rows));
  for (let start = 0; start < a.rows; start += blockRows) {
    const part = rowsOf(a, start, Math.min(a.rows, start + blockRows));
    const left = new compute.Tensor('float32', part.data, [part.rows, part.columns]);
    const { product } = await run.run({ a: left, b: right });
    if (!product) throw new Error('products: onnxruntime gave no output');
    await visit(product.data as Float32Array, start, part.rows);
  }
}

/** Like eachProductBlock, with squared Euclidean distances; rounding may leave them a little below or above the truth. */
export async function eachDistanceBlock(
  compute: Compute,
  a: Features,
  b: Features,
  visit: (block: Float32Array, start: number, count: number) => void,
): Promise<void> {
  const normsA = squaredNorms(a);
  const normsB = squaredNorms(b);
  await eachProductBlock(compute, a, b, (block, start, count) => {
    for (let i = 0; i < count; i++) {
      const norm = normsA[start + i] ?? 0;
      const row = block.subarray(i * b.rows, (i + 1) * b.rows);
      for (let j = 0; j < row.length; j++) row[j] = Math.max(0, norm + (normsB[j] ?? 0) - 2 * (row[j] ?? 0));
    }
    visit(block, start, count);
  });
}

function squaredNorms({ rows, columns, data }: Features): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) sum += (data[j] ?? 0) ** 2;
    norms[i] = sum;
  }
  return norms;
}
