// How long `pocketgen start` trains, once it has timed this machine.
import { expect, test } from 'vitest';
import type { Found } from '../../cli/decide.ts';
import { planAtSpeed, secondsOf } from '../../cli/plan.ts';

const OWN = { images: 1_000_000, batch: 16 };
const QUICK = { images: 100_000, batch: 16 };
const FIRST = 50_000;
const at = (trained: number, planned: number): Found => ({ run: { trained, planned, batch: 16 } });

test.each([
  ['own pictures: first shapes', {}, {}, OWN, FIRST, { images: 50_000 }],
  ['own pictures, minutes: what fits into them', {}, { minutes: 1 }, OWN, FIRST, { images: 5408, minutes: 1 }],
  ['at the end of the plan: as many more', at(5408, 5408), { minutes: 1 }, OWN, FIRST, { images: 10_816, minutes: 1 }],
  ['a plan nearly reached is no limit', at(5400, 5408), { minutes: 1 }, OWN, FIRST, { images: 10_800, minutes: 1 }],
  ['a plan that reaches further is kept', at(320, 90_000), { minutes: 1 }, OWN, FIRST, { images: 90_000, minutes: 1 }],
  [
    'a plan by which nothing was trained is not',
    at(0, 90_000),
    { minutes: 1 },
    OWN,
    FIRST,
    { images: 5408, minutes: 1 },
  ],
  ['a named data set: four minutes', {}, {}, QUICK, undefined, { images: 21_600, minutes: 4 }],
  ['its preset’s images at most', {}, { minutes: 60 }, QUICK, undefined, { images: 100_000, minutes: 60 }],
  [
    'and more once those are trained',
    at(100_000, 100_000),
    { minutes: 1 },
    QUICK,
    undefined,
    { images: 105_408, minutes: 1 },
  ],
] as const)('%s', (_, found, wish, recipe, without, plan) => {
  expect(planAtSpeed(100, found, wish, recipe, without)).toEqual({ minutes: undefined, ...plan });
});

test('what is trained already takes no time, and minutes end a session before its images', () => {
  expect(secondsOf({ images: 1000, minutes: undefined }, { from: 0 }, 10)).toBe(100);
  expect(secondsOf({ images: 1000, minutes: undefined }, { from: 900 }, 10)).toBe(10);
  expect(secondsOf({ images: 1_000_000, minutes: 2 }, { from: 900 }, 10)).toBe(120);
  expect(secondsOf({ images: 1000, minutes: 2 }, { from: 1008 }, 10)).toBe(0);
});
