// Kernel Inception Distance (Bińkowski et al. 2018, arXiv:1801.01401): the unbiased squared maximum mean discrepancy under
// the kernel (x·y / columns + 1)³, over all pictures at once (no random subsets, so no variance from drawing them).
import type { Features } from './features.ts';
import { eachProductBlock } from './products.ts';

/** May be slightly negative for equal distributions: the estimator is unbiased around 0. */
export async function kernelDistance(a: Features, b: Features, meanWithinA?: number): Promise<number> {
  const [withinA, withinB, between] = [
    meanWithinA ?? (await meanKernelWithin(a)),
    await meanKernelWithin(b),
    await meanKernelBetween(a, b),
  ];
  return withinA + withinB - 2 * between;
}

/** Mean of the kernel over pairs of different rows. Reusable as `meanWithinA` when one side stays the same. */
export async function meanKernelWithin(features: Features): Promise<number> {
  const { rows, columns } = features;
  let sum = 0;
  await eachProductBlock(features, features, (block, start, count) => {
    for (let i = 0; i < count; i++) {
      const row = block.subarray(i * rows, (i + 1) * rows);
      sum += kernelSum(row, columns) - kernelSum(row.subarray(start + i, start + i + 1), columns);
    }
  });
  return sum / (rows * (rows - 1));
}

async function meanKernelBetween(a: Features, b: Features): Promise<number> {
  let sum = 0;
  await eachProductBlock(a, b, (block) => {
    sum += kernelSum(block, a.columns);
  });
  return sum / (a.rows * b.rows);
}

function kernelSum(products: Float32Array, columns: number): number {
  let sum = 0;
  for (let i = 0; i < products.length; i++) {
    const value = (products[i] ?? 0) / columns + 1;
    sum += value * value * value;
  }
  return sum;
}
