// What models of several networks share: how their state begins, what of it is exported, and how fast averages move.
import { initialValues, type ParameterSpec } from '../nn/layers.ts';
import { shapesOf } from '../nn/optimiser.ts';
import { type StreamName, stream } from '../nn/streams.ts';
import { prefixed, type Shapes, sizeOf, type Values } from '../nn/tensors.ts';
import { type Recipe, scheduled } from '../recipe.ts';
import { countOf } from './family.ts';

/** Networks by name, and the stream of random numbers each starts from. */
export type Parts = Readonly<
  Record<string, { readonly parameters: readonly ParameterSpec[]; readonly start: StreamName }>
>;

/** Shapes of the parameters of some of them, by `part/…`. */
export const weightsOf = (parts: Parts, names: readonly string[]): Shapes =>
  Object.assign({}, ...names.map((name) => prefixed(name, shapesOf(parts[name]?.parameters ?? []))));

export const countsOf = (parts: Parts): Record<string, number> =>
  Object.fromEntries(Object.entries(parts).map(([name, { parameters }]) => [name, countOf(parameters)]));

/** Every network and its average, under `part/` and `ema/part/`. */
export function partsAtStart(parts: Parts, seed: number): Values {
  const started: Values = {};
  for (const [name, { parameters, start }] of Object.entries(parts)) {
    const values = initialValues(parameters, seed, stream(start));
    Object.assign(started, prefixed(name, values), prefixed(`ema/${name}`, values));
  }
  return started;
}

/** The whole state: copies of what has a start, zeros for the rest, which are moments. */
export const filled = (state: Shapes, started: Values): Values =>
  Object.fromEntries(
    Object.entries(state).map(([name, shape]) => [name, started[name]?.slice() ?? new Float32Array(sizeOf(shape))]),
  );

/** Of the images that an average has seen: its longest half-life, so that nothing stays of what it began as (after Karras et al. 2020). */
const RAMP = 0.25;

/**
 * What stays of the averages in a step, at a fraction of the run or of a stretch of it.
 *
 * @param seen images that they are averages over so far, where a network joins late: a short run would end with its start
 */
export function decayAt(
  { emaHalfLife, batch }: Pick<Recipe, 'emaHalfLife' | 'batch'>,
  part: number,
  seen = Number.POSITIVE_INFINITY,
): number {
  const halfLife = Math.min(scheduled(emaHalfLife, part), RAMP * seen);
  return halfLife > 0 ? 0.5 ** (batch / halfLife) : 0;
}

/** The fraction of a stretch, from and to so many images. */
export const along = (from: number, to: number, images: number): number => (images - from) / Math.max(1, to - from);
