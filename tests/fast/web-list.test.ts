// The list of models, and which measurements of a training the page has a line for.
import { expect, test } from 'vitest';
import type { Manifest } from '../../contract/manifest.ts';
import { listedBundle, parseModelList } from '../../contract/model-list.ts';
import { bundleVersion } from '../../contract/version.ts';
import { measuresOf } from '../../web/ui/curve.ts';
import { timeText } from '../../web/ui/live.ts';

// Only what the list says of a manifest.
const manifest = {
  name: 'emoji-gan',
  title: 'Emoji',
  image: { width: 64, height: 64, channels: 3 },
  classes: ['flags', 'food'],
  latent: { size: 8 },
  defaultVariant: 'int8',
  files: [
    { role: 'generator', variant: 'fp32', bytes: 4000 },
    { role: 'generator', variant: 'int8', bytes: 1000 },
  ],
} as unknown as Manifest;

test('an entry says what a model is without its manifest, and comes back from JSON as it was', async () => {
  const version = await bundleVersion(manifest);
  const entry = await listedBundle(manifest, true);
  expect(entry).toEqual({
    name: 'emoji-gan',
    title: 'Emoji',
    training: true,
    version,
    bundle: { image: { width: 64, height: 64, channels: 3 }, classes: 2, bytes: 1000 },
  });
  const awaited = { name: 'new', title: 'new', training: true };
  expect(parseModelList(JSON.parse(JSON.stringify([entry, awaited])))).toEqual([entry, awaited]);
});

test('anything else is refused in one sentence', () => {
  expect(() => parseModelList(['emoji-gan'])).toThrow(/^models\/index.json 0: expected a list of models/);
  expect(() => parseModelList({})).toThrow('models/index.json');
});

test('the curve has the distance that was measured, and shares only where there are two', () => {
  const point = (images: number, rest: object) => ({ images, ...rest });
  expect(measuresOf([])).toEqual([]);
  expect(measuresOf([point(1, { kid: 1, coverage: 0.1 })])).toEqual([]);
  expect(measuresOf([point(1, { fid: 9 }), point(2, { fid: 5 })])).toEqual(['fid']);
  const full = { fid: 5, kid: 0.2, coverage: 0.5, nearCopies: 0 };
  expect(measuresOf([point(1, full), point(2, full)])).toEqual(['kid', 'coverage', 'nearCopies']);
});

test('time left is said in the unit that is worth saying', () => {
  expect([0, 59, 60, 3599, 3600, 45_000].map(timeText)).toEqual([
    '1 s',
    '59 s',
    '1 min',
    '1 h 0 min',
    '1 h 0 min',
    '12 h 30 min',
  ]);
});
