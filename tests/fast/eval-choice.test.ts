// Which snapshot of a run is kept: differences count, noise and small steps for the worse do not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Checked, choose, copies, type Kept } from '../../train/eval/choice.ts';

const check = (kid: number, kidError = 0.001, nearCopies = 0): Checked => ({ samples: 500, kid, kidError, nearCopies });

/** Index of the check that is kept after all of them. */
function keptOf(checks: readonly Checked[], ofHeldOut = 0): number {
  let kept: Kept | undefined;
  let at = -1;
  for (const [i, metrics] of checks.entries()) {
    const { keep, lowest } = choose(metrics, kept, ofHeldOut);
    if (keep) at = i;
    kept = keep || !kept ? { metrics, lowest } : { ...kept, lowest };
  }
  return at;
}

describe('choose', () => {
  test('the first check is kept, a better one after it too, a significantly worse one is not', () => {
    expect(keptOf([check(0.3)])).toBe(0);
    expect(keptOf([check(0.3), check(0.2)])).toBe(1);
    expect(keptOf([check(0.2), check(0.21)])).toBe(0);
  });

  test('within the noise the later one is kept: 1.645 standard errors of the difference', () => {
    const margin = 1.645 * Math.hypot(0.001, 0.001);
    expect(keptOf([check(0.2), check(0.2 + 0.99 * margin)])).toBe(1);
    expect(keptOf([check(0.2), check(0.2 + 1.01 * margin)])).toBe(0);
  });

  test('many small steps for the worse do not add up: the lowest of all is what counts', () => {
    const steps = Array.from({ length: 20 }, (_, i) => check(0.2 + 0.001 * i));
    expect(keptOf(steps)).toBe(2);
  });

  test('whatever is measured, the one kept is never significantly worse than the lowest', () => {
    const checks = fc.array(
      fc.tuple(fc.double({ min: -0.1, max: 1, noNaN: true }), fc.double({ min: 1e-4, max: 0.1, noNaN: true })),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(checks, (list) => {
        const all = list.map(([kid, error]) => check(kid, error));
        const kept = all[keptOf(all)] ?? check(Number.NaN);
        const lowest = all.reduce((best, one) => (one.kid < best.kid ? one : best));
        expect(kept.kid - lowest.kid).toBeLessThanOrEqual(1.645 * Math.hypot(kept.kidError, lowest.kidError) + 1e-12);
      }),
    );
  });

  test('a snapshot that copies never takes the place of one that does not, and gives way to one', () => {
    expect(keptOf([check(0.2), check(0.05, 0.001, 0.2)])).toBe(0);
    expect(keptOf([check(0.05, 0.001, 0.2), check(0.2)])).toBe(1);
    expect(keptOf([check(0.2, 0.001, 0.2), check(0.05, 0.001, 0.3)])).toBe(1);
    // As many as held-out pictures have is no copying.
    expect(keptOf([check(0.2, 0.001, 0.1), check(0.05, 0.001, 0.2)], 0.2)).toBe(1);
  });
});

test('copying begins 2 points and twice the standard error above the share that real pictures have', () => {
  const of = (share: number): Checked => check(0.1, 0.001, share);
  expect(copies(of(0.02))).toBe(false);
  expect(copies(of(0.035))).toBe(false); // 0.035 − 2 × 0.0082
  expect(copies(of(0.045))).toBe(true);
  expect(copies(of(0.045), 0.03)).toBe(false);
  expect(copies({ samples: 20, kid: 0, kidError: 0 })).toBe(false); // not looked for
});
