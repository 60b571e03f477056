// Metric formulas against pytorch-fid, torch-fidelity and prdc: eval-reference.json, written by eval-reference.py, holds
// their values and versions.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Features, rowsOf } from '../../train/eval/features.ts';
import { fitGaussian, frechetDistance } from '../../train/eval/frechet.ts';
import { kernelDistance, meanKernelWithin } from '../../train/eval/kernel.ts';
import { manifoldMetrics, nearestRows, realManifold } from '../../train/eval/neighbours.ts';
import reference from './eval-reference.json' with { type: 'json' };

/** The same numbers as `features` in eval-reference.py. */
function features(seed: number, rows: number, scale: number, shift: number, columns = 16): Features {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  const data = Float32Array.from({ length: rows * columns }, (_, i) => {
    const u = uniform() + uniform() + uniform() + uniform() - 2;
    return u * scale * (1 + ((i % columns) % 3)) + shift;
  });
  return { rows, columns, data };
}

const real = features(1, 700, 1, 0);

describe.each(reference.cases)('$rows rows, scale $scale, shift $shift', (expected) => {
  const generated = features(expected.seed, expected.rows, expected.scale, expected.shift);

  test('Fréchet distance is pytorch-fid’s', () => {
    const distance = frechetDistance(fitGaussian(real), fitGaussian(generated));
    expect(Math.abs(distance - expected.frechet)).toBeLessThan(1e-4 * Math.max(1, expected.frechet));
  });

  test('kernel distance is torch-fidelity’s', async () => {
    const distance = await kernelDistance(rowsOf(real, 0, expected.rows), generated);
    expect(Math.abs(distance - expected.kernel)).toBeLessThan(1e-4);
  });

  test('precision, recall, density and coverage are prdc’s, to the last picture', async () => {
    const { precision, recall, density, coverage } = await manifoldMetrics(await realManifold(real), generated);
    expect(precision).toBe(expected.precision);
    expect(recall).toBe(expected.recall);
    expect(density).toBeCloseTo(expected.density, 12);
    expect(coverage).toBe(expected.coverage);
  });
});

describe('properties', () => {
  const small = fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 20, max: 60 }));

  test('a Gaussian is at distance 0 from itself, and the distance is symmetric', () => {
    fc.assert(
      fc.property(small, small, ([seedA, rowsA], [seedB, rowsB]) => {
        const a = fitGaussian(features(seedA, rowsA, 1, 0, 8));
        const b = fitGaussian(features(seedB, rowsB, 2, 1, 8));
        expect(frechetDistance(a, a)).toBeLessThan(1e-9);
        expect(Math.abs(frechetDistance(a, b) - frechetDistance(b, a))).toBeLessThan(1e-7);
      }),
      { numRuns: 30 },
    );
  });

  test('fewer pictures than feature columns (a singular covariance) still gives a finite distance', () => {
    const distance = frechetDistance(fitGaussian(features(1, 5, 1, 0)), fitGaussian(features(2, 6, 1, 0)));
    expect(distance).toBeGreaterThan(0);
    expect(distance).toBeLessThan(100);
  });

  test('a remembered within-kernel mean changes nothing', async () => {
    const other = features(9, 100, 1, 0);
    expect(await kernelDistance(real, other, await meanKernelWithin(real))).toBe(await kernelDistance(real, other));
  });

  test('copies of the real pictures have precision, recall and coverage 1', async () => {
    const metrics = await manifoldMetrics(await realManifold(real), real);
    expect(metrics).toMatchObject({ precision: 1, recall: 1, coverage: 1 });
  });

  test('the nearest row of a copy is the original, at distance exactly 0', async () => {
    const { index, distance } = await nearestRows(rowsOf(real, 500, 520), real);
    expect([...index]).toEqual(Array.from({ length: 20 }, (_, i) => 500 + i));
    expect([...distance]).toEqual(new Array(20).fill(0));
  });
});
