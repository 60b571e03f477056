// From what was asked for, in seeds, labels and weights, to a place in latent space, and back.
import { distance } from 'fastest-levenshtein';
import { UserError } from '../contract/errors.ts';
import { classOf, latentOf, oneHot, parseSeed } from '../contract/latent.ts';
import { classIndex } from '../contract/lookup.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Place } from './places.ts';
import type { Point } from './types.ts';

/** Throws UserError naming what is wrong. */
export function placeOf(point: Point, manifest: Manifest): Place {
  const truncation = point.truncation ?? manifest.defaultTruncation;
  if (!(truncation > 0 && truncation <= 1))
    throw new UserError(`truncation: expected a number above 0, at most 1, got ${truncation}`);
  if (point.latent !== undefined && point.seed !== undefined)
    throw new UserError('point: expected a seed or a latent, got both');
  const seed = point.latent === undefined ? (point.seed ?? randomSeed()) : undefined;
  const number = seed === undefined ? 0 : parseSeed(seed);
  const latent =
    point.latent === undefined ? latentOf(number, manifest.latent.size) : checkedLatent(point.latent, manifest);
  return { seed, latent, weights: weightsOf(point.class, number, manifest), truncation };
}

export const randomSeed = () => Math.floor(Math.random() * 4294967296);

function checkedLatent(latent: Float32Array | readonly number[], { latent: { size } }: Manifest): Float32Array {
  if (latent.length !== size) throw new UserError(`latent: expected ${size} numbers, got ${latent.length}`);
  const numbers = Float32Array.from(latent);
  const wrong = numbers.findIndex((z) => !Number.isFinite(z));
  if (wrong >= 0) throw new UserError(`latent: expected finite numbers, got ${latent[wrong]} at ${wrong}`);
  return numbers;
}

function weightsOf(asked: Point['class'], seed: number, manifest: Manifest): Float32Array {
  const count = manifest.classes.length;
  if (asked === undefined) return count === 0 ? new Float32Array() : oneHot(classOf(seed, count), count);
  if (typeof asked !== 'object') return oneHot(labelled(asked, manifest), count);
  const weights = new Float32Array(count);
  for (const [label, weight] of Object.entries(asked)) {
    if (!Number.isFinite(weight)) throw new UserError(`class ${label}: expected a finite weight, got ${weight}`);
    weights[labelled(label, manifest)] = weight;
  }
  return weights;
}

/** The index of a class; for a label that is none, the error names the nearest. */
function labelled(asked: string | number, manifest: Manifest): number {
  try {
    return classIndex(manifest, String(asked));
  } catch (error) {
    const { classes } = manifest;
    if (!(error instanceof UserError) || classes.length === 0) throw error;
    const wanted = String(asked).toLowerCase();
    const near = classes
      .map((label) => ({ label, edits: distance(label.toLowerCase(), wanted) }))
      .reduce((a, b) => (b.edits < a.edits ? b : a));
    // Further than half its letters, and the list alone says more.
    throw near.edits <= wanted.length / 2 ? new UserError(`${error.message}; did you mean ${near.label}?`) : error;
  }
}

/** As it is asked for: drawn again, it gives the same picture. */
export function pointOf({ seed, latent, weights, truncation }: Place, labels: readonly string[]): Point {
  const mixed = Object.fromEntries(
    labels.flatMap((label, i) => ((weights[i] ?? 0) === 0 ? [] : [[label, weights[i] ?? 0]])),
  );
  const [sole, ...others] = Object.keys(mixed);
  const single = sole !== undefined && others.length === 0 && mixed[sole] === 1;
  return {
    ...(seed === undefined ? { latent } : { seed }),
    ...(labels.length === 0 ? {} : { class: single ? sole : mixed }),
    truncation,
  };
}
