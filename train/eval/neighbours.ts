// Metrics of k-nearest-neighbour balls. Precision and recall: Kynkäänniemi et al. 2019 (arXiv:1904.06991), k = 3.
// Density and coverage: Naeem et al. 2020 (arXiv:2002.09797), k = 5.
import type { Compute } from '../engines/runtime.ts';
import type { Features } from './features.ts';
import { eachDistanceBlock } from './products.ts';

export const precisionRecallK = 3;
export const densityCoverageK = 5;

export interface ManifoldMetrics {
  /** Share of generated pictures inside some real ball. */
  precision: number;
  /** Share of real pictures inside some generated ball. */
  recall: number;
  /** Real balls a generated picture lies in, on average, over k; may exceed 1. */
  density: number;
  /** Share of real balls that hold a generated picture. */
  coverage: number;
}

/** Squared distances from each row to its k-th nearest other row, for each k asked for. */
async function squaredRadii(compute: Compute, features: Features, ks: readonly number[]): Promise<Float32Array[]> {
  const most = Math.max(...ks);
  const radii = ks.map(() => new Float32Array(features.rows));
  const nearest = new Float32Array(most);
  await eachDistanceBlock(compute, features, features, (block, start, count) => {
    for (let i = 0; i < count; i++) {
      const row = block.subarray(i * features.rows, (i + 1) * features.rows);
      row[start + i] = Number.POSITIVE_INFINITY; // not its own neighbour
      smallest(row, nearest);
      for (const [index, k] of ks.entries()) (radii[index] ?? nearest)[start + i] = nearest[k - 1] ?? 0;
    }
  });
  return radii;
}

/** Fills `out` with the smallest values of `row`, ascending: insertion, because almost every value fails the first test. */
function smallest(row: Float32Array, out: Float32Array): void {
  out.fill(Number.POSITIVE_INFINITY);
  const last = out.length - 1;
  let bound = Number.POSITIVE_INFINITY;
  for (let j = 0; j < row.length; j++) {
    const value = row[j] ?? 0;
    if (value >= bound) continue;
    let at = last;
    for (; at > 0 && (out[at - 1] ?? 0) > value; at--) out[at] = out[at - 1] ?? 0;
    out[at] = value;
    bound = out[last] ?? 0;
  }
}

export interface RealManifold {
  features: Features;
  radii: Float32Array[];
}

export async function realManifold(compute: Compute, features: Features): Promise<RealManifold> {
  return { features, radii: await squaredRadii(compute, features, [precisionRecallK, densityCoverageK]) };
}

export async function manifoldMetrics(
  compute: Compute,
  real: RealManifold,
  generated: Features,
): Promise<ManifoldMetrics> {
  const [realRadii = new Float32Array(), densityRadii = new Float32Array()] = real.radii;
  const [generatedRadii = new Float32Array()] = await squaredRadii(compute, generated, [precisionRecallK]);
  const recalled = new Uint8Array(real.features.rows);
  const covered = new Uint8Array(real.features.rows);
  let precise = 0;
  let inBalls = 0;
  await eachDistanceBlock(compute, generated, real.features, (block, start, count) => {
    for (let i = 0; i < count; i++) {
      const offset = i * real.features.rows;
      const radius = generatedRadii[start + i] ?? 0;
      let inside = 0;
      for (let j = 0; j < real.features.rows; j++) {
        const distance = block[offset + j] ?? 0;
        if (distance < (realRadii[j] ?? 0)) inside = 1;
        if (distance < radius) recalled[j] = 1;
        if (distance < (densityRadii[j] ?? 0)) {
          inBalls++;
          covered[j] = 1;
        }
      }
      precise += inside;
    }
  });
  const share = (flags: Uint8Array): number => flags.reduce((sum, flag) => sum + flag, 0) / flags.length;
  return {
    precision: precise / generated.rows,
    recall: share(recalled),
    density: inBalls / (densityCoverageK * generated.rows),
    coverage: share(covered),
  };
}

export interface Nearest {
  /** [queries, k]: rows of the nearest neighbours of each query, nearest first. */
  index: Int32Array;
  /** [queries, k]: Euclidean distances to them, computed exactly (not from inner products). */
  distance: Float64Array;
}

export async function nearestRows(compute: Compute, queries: Features, among: Features, k = 1): Promise<Nearest> {
  const index = new Int32Array(queries.rows * k);
  const best = new Float32Array(queries.rows * k).fill(Number.POSITIVE_INFINITY);
  await eachDistanceBlock(compute, queries, among, (block, start, count) => {
    for (let i = 0; i < count; i++) {
      const first = (start + i) * k;
      const last = first + k - 1;
      for (let j = 0; j < among.rows; j++) {
        const distance = block[i * among.rows + j] ?? 0;
        if (distance >= (best[last] ?? 0)) continue;
        let at = last;
        for (; at > first && (best[at - 1] ?? 0) > distance; at--) {
          best[at] = best[at - 1] ?? 0;
          index[at] = index[at - 1] ?? 0;
        }
        best[at] = distance;
        index[at] = j;
      }
    }
  });
  const distance = Float64Array.from(index, (row, i) => exactDistance(queries, Math.floor(i / k), among, row));
  return { index, distance };
}

function exactDistance(a: Features, rowA: number, b: Features, rowB: number): number {
  let sum = 0;
  for (let j = 0; j < a.columns; j++) {
    sum += ((a.data[rowA * a.columns + j] ?? 0) - (b.data[rowB * b.columns + j] ?? 0)) ** 2;
  }
  return Math.sqrt(sum);
}
