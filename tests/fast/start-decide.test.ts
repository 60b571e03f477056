// What `pocketgen start` does, by what lies under the name and what is asked for.
import { expect, test } from 'vitest';
import { decide, type Found, type Wish } from '../../cli/decide.ts';

const decided = (found: Found, wish: Wish) =>
  decide({ name: 'few', bundle: 'models/few', run: 'runs/few', found }, wish);

const BUNDLE = { images: 320 };
const FINISHED = { state: 'finished', images: 320 } as const;
const STOPPED = { state: 'stopped', images: 320 } as const;

test.each<[string, Found, Wish, object]>([
  ['nothing', {}, {}, { kind: 'train', images: undefined }],
  ['nothing, images', {}, { images: 640 }, { kind: 'train', images: 640 }],
  ['a run', { run: { planned: 640 } }, {}, { kind: 'train', images: 640 }],
  [
    'a training that was stopped',
    { run: { planned: 640 }, bundle: BUNDLE, training: STOPPED },
    {},
    { kind: 'train', images: 640 },
  ],
  [
    'a training that ended',
    { run: { planned: 320 }, bundle: BUNDLE, training: FINISHED },
    {},
    { kind: 'serve', images: 320 },
  ],
  [
    'a training that ended, more images',
    { run: { planned: 320 }, bundle: BUNDLE, training: FINISHED },
    { images: 640 },
    { kind: 'train', images: 640 },
  ],
  [
    'a training whose minutes were over',
    { run: { planned: 640 }, bundle: BUNDLE, training: FINISHED },
    { minutes: 1 },
    { kind: 'train', images: 640 },
  ],
  ['a bundle without its run', { bundle: BUNDLE }, {}, { kind: 'serve', images: 320 }],
])('%s', (_, found, wish, decision) => {
  expect(decided(found, wish)).toMatchObject(decision);
});
