// Which snapshot of a run is kept. Checks are measured on a few hundred pictures, so the lowest distance of many is partly
// luck; the rule asks for differences beyond that. Pure.
import type { Metrics } from './evaluator.ts';

/** What the choice rests on. */
export type Checked = Pick<Metrics, 'samples' | 'kid' | 'kidError'> & { nearCopies?: number | undefined };

/** The snapshot that is kept, and the lowest distance so far, which may be an earlier one's. */
export interface Kept {
  readonly metrics: Checked;
  readonly lowest: Pick<Metrics, 'kid' | 'kidError'>;
}

/** One-sided 5 % of a normal distribution. */
const SIGNIFICANT = 1.645;
/** Pictures of a check that are looked up for near copies, spread over all. */
export const MOST_LOOKED_UP = 500;
/** Share of near copies above that of real pictures from which a model counts as copying. */
const TOLERATED_COPIES = 0.02;

/** Near copies beyond what real pictures have of each other, by more than the tolerance and twice the standard error. */
export function copies({ nearCopies = 0, samples }: Checked, ofReal = 0): boolean {
  const error = Math.sqrt((nearCopies * (1 - nearCopies)) / Math.min(samples, MOST_LOOKED_UP));
  return nearCopies - 2 * error > ofReal + TOLERATED_COPIES;
}

/**
 * A later snapshot is kept unless it is significantly worse than the best so far: training goes on improving what a few
 * hundred pictures cannot show, and noise cannot freeze the choice at an early lucky check (the one-standard-error rule of
 * Breiman et al. 1984, stricter). It is compared with the lowest distance, not with the one kept, so that many
 * small steps for the worse do not add up. All checks share seeds and reference, so the standard error counts the generated
 * pictures only. One that copies never takes the place of one that does not.
 * @param ofReal share of real pictures that are near copies of others
 */
export function choose(
  candidate: Checked,
  kept: Kept | undefined,
  ofReal = 0,
): { keep: boolean; lowest: Kept['lowest'] } {
  const own = { kid: candidate.kid, kidError: candidate.kidError };
  if (!kept) return { keep: true, lowest: own };
  const { lowest } = kept;
  const [copying, copied] = [copies(candidate, ofReal), copies(kept.metrics, ofReal)];
  if (copying !== copied) return copying ? { keep: false, lowest } : { keep: true, lowest: own };
  const margin = SIGNIFICANT * Math.hypot(candidate.kidError, lowest.kidError);
  return { keep: candidate.kid - lowest.kid <= margin, lowest: candidate.kid < lowest.kid ? own : lowest };
}
