// Points of latent space: planes, walks and children are where they should be, and the same in every browser.
import { expect, test } from 'vitest';
import { toMix } from '../../contract/compact.ts';
import { latentOf } from '../../contract/latent.ts';
import type { Manifest } from '../../contract/manifest.ts';
import {
  childOf,
  inputsBetween,
  inputsOf,
  onPlane,
  planeThrough,
  pointBetween,
  type SeedPoint,
  soleClass,
  withClass,
} from '../../web/pictures/point.ts';

const manifest = { latent: { size: 64 }, classes: ['a', 'b', 'c', 'd'] } as unknown as Manifest;
const seed = (text: string, index?: number): SeedPoint => ({ kind: 'seed', seed: text, class: index, truncation: 1 });
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

test('the axes of a plane are at right angles to the centre and each other, and as long', () => {
  const centre = latentOf(5, 64);
  const [right, up] = planeThrough(centre, 1);
  const length = dot(centre, centre);
  for (const [a, b] of [
    [centre, right],
    [centre, up],
    [right, up],
  ] as const)
    expect(Math.abs(dot(a, b)) / length).toBeLessThan(1e-5);
  expect(dot(right, right) / length).toBeCloseTo(1, 5);
  expect(onPlane(centre, [right, up], 0, 0)).toEqual(centre);
  const corner = onPlane(centre, [right, up], 1, 1);
  expect(dot(corner, corner) / length).toBeCloseTo(1, 5);
  expect(planeThrough(centre, 2)[0]).not.toEqual(right);
});

test('around the middle of the latent space, which has no direction, the axes are as long as random latents', () => {
  const centre = new Float32Array(64);
  const [right, up] = planeThrough(centre, 1);
  expect([dot(right, right), dot(up, up)].map(Math.round)).toEqual([64, 64]);
  expect(Math.abs(dot(right, up))).toBeLessThan(1e-4);
  expect(onPlane(centre, [right, up], 0, 0)).toEqual(centre);
  const edge = onPlane(centre, [right, up], 1, 0);
  expect(edge.every(Number.isFinite)).toBe(true);
  expect(dot(edge, right)).toBeGreaterThan(64);
});

test('a walk begins and ends at its pictures, and a place on it that is kept is on the grid', () => {
  const [a, b] = [seed('ada', 1), seed('bob', 3)];
  expect(inputsBetween(a, b, 0, manifest)).toEqual(inputsOf(a, manifest));
  expect(inputsBetween(a, b, 1, manifest)).toEqual(inputsOf(b, manifest));
  expect(pointBetween(a, b, 0, manifest)).toBe(a);
  const middle = pointBetween(a, b, 0.5, manifest);
  if (middle.kind !== 'free') throw new Error('expected a free point');
  expect(middle.classes).toEqual([
    [1, 0.5],
    [3, 0.5],
  ]);
  for (const x of middle.z) expect(Number.isInteger(x * 4096)).toBe(true);
  const cut = (truncation: number) => ({ ...a, truncation });
  for (const t of [0.1, 0.3, 0.7]) expect(pointBetween(cut(0.95), cut(0.95), t, manifest).truncation).toBe(0.95);
  expect(pointBetween(cut(0.5), cut(1), 0.25, manifest).truncation).toBe(0.625);
});

test('a child takes each number from one of its parents, about half from each', () => {
  const [a, b] = [seed('ada', 0), seed('bob', 2)];
  const child = childOf(a, b, 7, manifest);
  const [za, zb] = [inputsOf(a, manifest).z, inputsOf(b, manifest).z];
  let fromA = 0;
  child.z.forEach((x, i) => {
    const near = (y: number | undefined) => Math.abs(x - (y ?? Number.NaN)) <= 1 / 8192 + 1e-9;
    expect(near(za[i]) || near(zb[i])).toBe(true);
    if (near(za[i])) fromA++;
  });
  expect(fromA).toBeGreaterThan(16);
  expect(fromA).toBeLessThan(48);
  expect(childOf(a, b, 7, manifest)).toEqual(child);
});

test('classes can be picked for seeds and free points, and mixtures have no sole class', () => {
  expect(soleClass(withClass(seed('1'), 2), manifest)).toBe(2);
  const middle = pointBetween(seed('1', 0), seed('2', 1), 0.5, manifest);
  expect(soleClass(middle, manifest)).toBeUndefined();
  expect(soleClass(withClass(middle, 3), manifest)).toBe(3);
  expect(toMix(Float32Array.of(0, 0.25, 0, 0.75))).toEqual([
    [1, 0.25],
    [3, 0.75],
  ]);
});
