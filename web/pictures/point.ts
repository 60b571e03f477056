// What a picture on the page is: a seed, or a point of latent space reached by hand, with its classes. A point's numbers
// are kept on a grid of 1/4096, so that the link to it gives exactly the picture that was on the screen.
import * as places from '../../client/places.ts';
import { type ClassMix, mixWeights, toGrid, toMix } from '../../contract/compact.ts';
import { classOf, latentOf, oneHot, parseSeed } from '../../contract/latent.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { blend, slerp } from '../../contract/walk.ts';

export interface SeedPoint {
  kind: 'seed';
  /** Number or any text, as typed. */
  seed: string;
  /** undefined: the class the seed itself chooses. */
  class: number | undefined;
  truncation: number;
}

export interface FreePoint {
  kind: 'free';
  /** [latent size], before truncation, on the grid. */
  z: Float32Array;
  classes: ClassMix;
  truncation: number;
}

export type Point = SeedPoint | FreePoint;

/** The latent before truncation: [latent size]. */
export function rawLatent(point: Point, manifest: Manifest): Float32Array {
  return point.kind === 'seed' ? latentOf(parseSeed(point.seed), manifest.latent.size) : point.z;
}

/** [classes]; all zeros for an unconditional model. */
export function classWeights(point: Point, manifest: Manifest): Float32Array {
  const count = manifest.classes.length;
  if (point.kind === 'seed')
    return count === 0 ? new Float32Array() : oneHot(point.class ?? classOf(parseSeed(point.seed), count), count);
  return mixWeights(point.classes, manifest);
}

export type { Inputs } from '../../client/places.ts';

const placeOf = (point: Point, manifest: Manifest) => ({
  latent: rawLatent(point, manifest),
  weights: classWeights(point, manifest),
  truncation: point.truncation,
});

export function inputsOf(point: Point, manifest: Manifest): places.Inputs {
  return places.inputsOf(placeOf(point, manifest));
}

export function withClass(point: Point, index: number | undefined): Point {
  if (point.kind === 'seed') return { ...point, class: index };
  return index === undefined ? point : { ...point, classes: [[index, 1]] };
}

/** The one class of a point, or undefined for a mixture and for models without classes. */
export function soleClass(point: Point, manifest: Manifest): number | undefined {
  const mix = toMix(classWeights(point, manifest));
  return mix.length === 1 ? mix[0]?.[0] : undefined;
}

export function classLabel(point: Point, manifest: Manifest): string {
  const mix = toMix(classWeights(point, manifest));
  return [...mix]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([index]) => manifest.classes[index] ?? String(index))
    .join(' + ');
}

function norm(z: Float32Array): number {
  let sum = 0;
  for (const x of z) sum += x * x;
  return Math.sqrt(sum);
}

function scaled(z: Float32Array, length: number): Float32Array {
  const current = norm(z);
  return current === 0 ? z : z.map((x) => (x * length) / current);
}

/** A frame of the walk from a to b: the same numbers, so the same picture, as the edge's walk. */
export function inputsBetween(a: Point, b: Point, t: number, manifest: Manifest): places.Inputs {
  return places.inputsBetween(placeOf(a, manifest), placeOf(b, manifest), t);
}

/** The same place as a point that can be kept and linked to. */
export function pointBetween(a: Point, b: Point, t: number, manifest: Manifest): Point {
  if (t === 0) return a;
  if (t === 1) return b;
  return {
    kind: 'free',
    z: toGrid(slerp(rawLatent(a, manifest), rawLatent(b, manifest), t)),
    classes: toMix(blend(classWeights(a, manifest), classWeights(b, manifest), t)),
    // On a grid of 1/1000: between two equal ones lies that one, and links stay short.
    truncation: Math.round(1000 * (a.truncation * (1 - t) + b.truncation * t)) / 1000,
  };
}

/** Two directions at right angles to `centre` and to each other, as long as it: a plane to walk on, numbered. */
export function planeThrough(centre: Float32Array, number: number): [Float32Array, Float32Array] {
  // The middle of the latent space has no direction and no length: around it, those of random latents.
  const length = norm(centre) || Math.sqrt(centre.length);
  const axes: Float32Array[] = [];
  for (const seed of [number * 2, number * 2 + 1]) {
    let axis = latentOf(seed >>> 0, centre.length);
    for (const other of [centre, ...axes]) {
      let dot = 0;
      axis.forEach((x, i) => {
        dot += x * (other[i] ?? 0);
      });
      const share = dot === 0 ? 0 : dot / norm(other) ** 2;
      axis = axis.map((x, i) => x - share * (other[i] ?? 0));
    }
    axes.push(scaled(axis, length));
  }
  const [right = centre, up = centre] = axes;
  return [right, up];
}

/** The latent at (x, y) of the plane, each in [-1, 1]; at an edge the picture is some 60° away from the centre. */
export function onPlane(
  centre: Float32Array,
  [right, up]: readonly [Float32Array, Float32Array],
  x: number,
  y: number,
): Float32Array {
  const reach = 1.7;
  const moved = centre.map((c, i) => c + reach * (x * (right[i] ?? 0) + y * (up[i] ?? 0)));
  return scaled(moved, norm(centre) || norm(moved));
}

/** A child of two parents, on the grid. */
export function childOf(a: Point, b: Point, seed: number, manifest: Manifest): FreePoint {
  const { latent, weights, truncation } = places.childOf(placeOf(a, manifest), placeOf(b, manifest), seed);
  return { kind: 'free', z: toGrid(latent), classes: toMix(weights), truncation };
}
