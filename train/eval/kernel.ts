// Kernel Inception Distance (Bińkowski et al. 2018, arXiv:1801.01401): the unbiased squared maximum mean discrepancy under
// the kernel (x·y / columns + 1)³, over all pictures at once (no random subsets, so no variance from drawing them).
import { randomWords } from '../../contract/random.ts';
import type { Compute } from '../engines/runtime.ts';
import type { Features } from './features.ts';
import { eachProductBlock } from './products.ts';

/** Mean of the kernel over pairs of different rows. */
async function meanKernelWithin(compute: Compute, features: Features): Promise<number> {
  const { rows, columns } = features;
  let sum = 0;
  await eachProductBlock(compute, features, features, (block, start, count) => {
    for (let i = 0; i < count; i++) {
      const row = block.subarray(i * rows, (i + 1) * rows);
      sum += kernelSum(row, columns) - kernelSum(row.subarray(start + i, start + i + 1), columns);
    }
  });
  return sum / (rows * (rows - 1));
}

function kernelSum(products: Float32Array, columns: number): number {
  let sum = 0;
  for (let i = 0; i < products.length; i++) {
    const value = (products[i] ?? 0) / columns + 1;
    sum += value * value * value;
  }
  return sum;
}

/** The distance may be slightly negative for equal distributions: the estimator is unbiased around 0. */
export interface KernelEstimate {
  kid: number;
  /** 95 % bootstrap interval over both sides' pictures. */
  kidLow: number;
  kidHigh: number;
  /** Standard error that the choice of generated pictures alone causes: of use between measurements against one reference. */
  kidError: number;
}

/** One side of a distance, with what resampling it gives; made once for a reference. */
export interface KernelSide {
  features: Features;
  /** [draws, rows]: how often each row is in each resample. */
  weights: Features;
  within: number;
  /** [draws]: the within-kernel mean of each resample. */
  resampled: Float64Array;
}

const STREAM_OF = { reference: 66, generated: 67 } as const;

/** [draws, rows]: bootstrap resamples of a side, always the same ones, so that a measurement repeats itself. */
export function resamples(rows: number, side: keyof typeof STREAM_OF, draws = 400): Features {
  const data = new Float32Array(draws * rows);
  for (const [i, word] of randomWords(1, STREAM_OF[side], 0, draws * rows).entries()) {
    const at = Math.floor(i / rows) * rows + Math.floor((word / 2 ** 32) * rows);
    data[at] = (data[at] ?? 0) + 1;
  }
  return { rows: draws, columns: rows, data };
}

export async function kernelSide(compute: Compute, features: Features, weights: Features): Promise<KernelSide> {
  const { rows } = features;
  const draws = weights.rows;
  const within = await meanKernelWithin(compute, features);
  // Σ w w K over pairs of different pictures: a picture drawn twice is not its own neighbour.
  const sums = new Float64Array(draws);
  const pairs = new Float64Array(draws);
  await eachProductBlock(compute, features, features, async (block, start, count) => {
    const kernel = kernelBlock(block, features.columns, within);
    for (let i = 0; i < count; i++) kernel[i * rows + start + i] = 0;
    const sideways = await product(compute, weights, { rows: count, columns: rows, data: kernel });
    for (let b = 0; b < draws; b++) {
      for (let i = 0; i < count; i++) {
        sums[b] = (sums[b] ?? 0) + (sideways[b * count + i] ?? 0) * (weights.data[b * rows + start + i] ?? 0);
      }
    }
  });
  for (let b = 0; b < draws; b++) {
    const squares = weights.data.subarray(b * rows, (b + 1) * rows).reduce((sum, w) => sum + w * w, 0);
    pairs[b] = rows * rows - squares;
  }
  return { features, weights, within, resampled: sums.map((sum, b) => within + sum / (pairs[b] ?? 1)) };
}

/**
 * The distance with its interval: percentiles of the bootstrap, in which resamples leave out pairs of a picture with itself,
 * so that the estimate stays unbiased.
 */
export async function kernelEstimate(
  compute: Compute,
  reference: KernelSide,
  generated: KernelSide,
): Promise<KernelEstimate> {
  const [m, n] = [reference.features.rows, generated.features.rows];
  const draws = Math.min(reference.weights.rows, generated.weights.rows);
  const centre = reference.within;
  const both = new Float64Array(draws);
  const one = new Float64Array(draws);
  let between = 0;
  await eachProductBlock(compute, generated.features, reference.features, async (block, start, count) => {
    const kernel = kernelBlock(block, reference.features.columns, centre);
    const rowMeans = Float64Array.from({ length: count }, (_, i) =>
      kernel.subarray(i * m, (i + 1) * m).reduce((sum, value) => sum + value, 0),
    ).map((sum) => sum / m);
    between += rowMeans.reduce((sum, mean) => sum + mean, 0) / n;
    const sideways = await product(compute, reference.weights, { rows: count, columns: m, data: kernel });
    for (let b = 0; b < draws; b++) {
      for (let i = 0; i < count; i++) {
        const weight = (generated.weights.data[b * n + start + i] ?? 0) / n;
        both[b] = (both[b] ?? 0) + (weight * (sideways[b * count + i] ?? 0)) / m;
        one[b] = (one[b] ?? 0) + weight * (rowMeans[i] ?? 0);
      }
    }
  });
  const distance = (a: number, b: number, cross: number): number => a + b - 2 * (cross + centre);
  const kids = both.map((cross, b) => distance(reference.resampled[b] ?? 0, generated.resampled[b] ?? 0, cross)).sort();
  const alone = one.map((cross, b) => distance(reference.within, generated.resampled[b] ?? 0, cross));
  const mean = alone.reduce((sum, value) => sum + value, 0) / draws;
  return {
    kid: distance(reference.within, generated.within, between),
    kidLow: kids[Math.floor(0.025 * draws)] ?? Number.NaN,
    kidHigh: kids[Math.ceil(0.975 * draws) - 1] ?? Number.NaN,
    kidError: Math.sqrt(alone.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (draws - 1)),
  };
}

/** The kernel of each inner product, less `centre`: a constant cancels in the distance, and single precision then suffices. */
function kernelBlock(products: Float32Array, columns: number, centre: number): Float32Array {
  return products.map((value) => {
    const x = value / columns + 1;
    return x * x * x - centre;
  });
}

async function product(compute: Compute, a: Features, b: Features): Promise<Float32Array> {
  const out = new Float32Array(a.rows * b.rows);
  await eachProductBlock(compute, a, b, (block, start) => out.set(block, start * b.rows));
  return out;
}
