// Metric formulas against pytorch-fid, torch-fidelity and prdc: eval-reference.json, written by eval-reference.py, holds
// their values and versions.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { native } from '../../train/engines/onnxruntime.ts';
import { type Features, rowsOf } from '../../train/eval/features.ts';
import { fitGaussian, frechetDistance } from '../../train/eval/frechet.ts';
import { type KernelEstimate, kernelEstimate, kernelSide, resamples } from '../../train/eval/kernel.ts';
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

async function estimate(a: Features, b: Features, draws = 20): Promise<KernelEstimate> {
  return kernelEstimate(
    native,
    await kernelSide(native, a, resamples(a.rows, 'reference', draws)),
    await kernelSide(native, b, resamples(b.rows, 'generated', draws)),
  );
}

describe.each(reference.cases)('$rows rows, scale $scale, shift $shift', (expected) => {
  const generated = features(expected.seed, expected.rows, expected.scale, expected.shift);

  test('Fréchet distance is pytorch-fid’s', () => {
    const distance = frechetDistance(fitGaussian(real), fitGaussian(generated));
    expect(Math.abs(distance - expected.frechet)).toBeLessThan(1e-4 * Math.max(1, expected.frechet));
  });

  test('kernel distance is torch-fidelity’s', async () => {
    const { kid } = await estimate(rowsOf(real, 0, expected.rows), generated);
    expect(Math.abs(kid - expected.kernel)).toBeLessThan(1e-4);
  });

  test('precision, recall, density and coverage are prdc’s, to the last picture', async () => {
    const { precision, recall, density, coverage } = await manifoldMetrics(
      native,
      await realManifold(native, real),
      generated,
    );
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

  test('copies of the real pictures have precision, recall and coverage 1', async () => {
    const metrics = await manifoldMetrics(native, await realManifold(native, real), real);
    expect(metrics).toMatchObject({ precision: 1, recall: 1, coverage: 1 });
  });

  test('the nearest row of a copy is the original, at distance exactly 0', async () => {
    const { index, distance } = await nearestRows(native, rowsOf(real, 500, 520), real);
    expect([...index]).toEqual(Array.from({ length: 20 }, (_, i) => 500 + i));
    expect([...distance]).toEqual(new Array(20).fill(0));
  });
});

describe('the interval of the kernel distance', () => {
  const pair = (i: number, shift: number): [Features, Features] => [
    features(100 + i, 120, 1, 0, 8),
    features(9000 + i, 150, 1, shift, 8),
  ];
  const trials = 40;

  test('holds the distance of endless pictures about 95 times in 100, and the estimate is right on average', async () => {
    const truth = (await estimate(features(7, 4000, 1, 0, 8), features(8, 4000, 1, 0.4, 8), 2)).kid;
    let [inside, sum] = [0, 0];
    for (let i = 0; i < trials; i++) {
      const { kid, kidLow, kidHigh } = await estimate(...pair(i, 0.4), 200);
      sum += kid / trials;
      if (kidLow <= truth && truth <= kidHigh) inside++;
    }
    expect(inside).toBeGreaterThanOrEqual(0.85 * trials);
    expect(Math.abs(sum - truth)).toBeLessThan(0.15 * truth);
  });

  test('of two samples of one distribution reaches 0 and is not above it on average', async () => {
    let [reached, sum] = [0, 0];
    for (let i = 0; i < trials; i++) {
      const { kid, kidLow, kidHigh } = await estimate(...pair(i, 0), 200);
      sum += kid / trials;
      if (kidLow <= 0 && 0 <= kidHigh) reached++;
    }
    expect(reached).toBeGreaterThanOrEqual(0.9 * trials);
    expect(Math.abs(sum)).toBeLessThan(0.02);
  });

  test('its standard error is what other generated pictures against the same reference differ by', async () => {
    const [reference] = pair(0, 0.4);
    const estimates: KernelEstimate[] = [];
    for (let i = 0; i < trials; i++) estimates.push(await estimate(reference, pair(i, 0.4)[1], 200));
    const mean = estimates.reduce((sum, { kid }) => sum + kid / trials, 0);
    const spread = Math.sqrt(estimates.reduce((sum, { kid }) => sum + (kid - mean) ** 2 / (trials - 1), 0));
    const stated = estimates.reduce((sum, { kidError }) => sum + kidError / trials, 0);
    expect(stated / spread).toBeGreaterThan(0.7);
    expect(stated / spread).toBeLessThan(1.4);
  });

  test('is the same every time', async () => {
    expect(await estimate(...pair(1, 0.4), 50)).toEqual(await estimate(...pair(1, 0.4), 50));
  });
});
