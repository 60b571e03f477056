// The page's state in the address: every state comes back as it was, damaged links say what is wrong with them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeLatent, toGrid } from '../../contract/compact.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { FIRST as BLANK, modelInState, readState, type State, VIEWS, writeState } from '../../web/state.ts';

// Only what the state reads of a manifest.
const manifest = {
  latent: { size: 8 },
  classes: ['T-shirt/top', 'Trouser', 'Ankle boot'],
  defaultTruncation: 0.95,
  encoder: {},
  completer: {},
} as unknown as Manifest;
const FIRST: State = { ...BLANK, model: 'm' };

const truncation = fc.integer({ min: 1, max: 20 }).map((n) => n / 20);
const classIndex = fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined });
const seed = fc.oneof(fc.integer({ min: 0, max: 4294967295 }).map(String), fc.string({ minLength: 1, maxLength: 40 }));
const latent = fc
  .array(fc.float({ min: -8, max: Math.fround(7.99), noNaN: true }), { minLength: 8, maxLength: 8 })
  .map((z) => toGrid(Float32Array.from(z)));
const free = fc.record({
  kind: fc.constant('free' as const),
  z: latent,
  classes: fc.constantFrom([], [[1, 1] as const], [[0, 0.25] as const, [2, 0.75] as const]),
  truncation,
});

test('any state survives the address bar', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...VIEWS),
      classIndex,
      truncation,
      fc.option(free, { nil: undefined }),
      fc.option(free, { nil: undefined }),
      seed,
      fc.integer({ min: 1, max: 4294967295 }),
      fc.integer({ min: 1, max: 999 }),
      (view, picked, cut, centre, other, text, wall, plane) => {
        const state: State = {
          model: 'm',
          view,
          class: picked,
          truncation: cut,
          centre: centre
            ? { ...centre, truncation: cut }
            : { kind: 'seed', seed: text, class: picked, truncation: cut },
          other,
          wall,
          plane,
        };
        expect(readState(writeState(state, manifest), manifest, FIRST)).toEqual(state);
      },
    ),
  );
});

test('links are readable: names of classes, seeds as typed', () => {
  const text = writeState(
    { ...FIRST, class: 2, truncation: 0.95, centre: { kind: 'seed', seed: 'ada', class: 2, truncation: 0.95 } },
    manifest,
  );
  // The model's own truncation goes without saying.
  expect(text).toBe('model=m&seed=ada&class=Ankle+boot');
  expect(readState(text, manifest, FIRST)).toMatchObject({ truncation: 0.95, centre: { truncation: 0.95 } });
  expect(modelInState(text)).toBe('m');
});

test('a link that cannot be right says what it expected', () => {
  const read = (text: string) => () => readState(text, manifest, FIRST);
  expect(read('seed=1&class=Hat')).toThrow('class: expected one of T-shirt/top, Trouser, Ankle boot');
  expect(read('seed=1&truncation=2')).toThrow('truncation: expected a number above 0, at most 1, got 2');
  expect(read('z=AAA')).toThrow('z: expected 8 numbers, got 1');
  expect(read('z=%25%25')).toThrow('z: expected base64url');
  expect(read('wall=-1')).toThrow('wall: expected a whole number');
  expect(read(`z=${encodeLatent(new Float32Array(8))}&classes=7*1`)).toThrow(
    'classes: expected an index below 3, * and a weight, got 7*1',
  );
});

test('a link to a view that the model does not have opens the one that is shown', () => {
  const { encoder: _, ...without } = manifest;
  expect(readState('model=m&view=draw', manifest, FIRST).view).toBe('draw');
  expect(readState('model=m&view=draw', without as Manifest, FIRST).view).toBe('wall');
});
