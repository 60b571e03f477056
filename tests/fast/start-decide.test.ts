// What `pocketgen start` does, by what lies under the name and what is asked for.
import { expect, test } from 'vitest';
import { type Decision, decide, type Found, type Wish } from '../../cli/decide.ts';

const decided = (found: Found, wish: Wish) =>
  decide({ name: 'few', bundle: 'models/few', run: 'runs/few', found }, wish);

const run = (trained: number, planned: number) => ({ trained, planned, batch: 16 });
const SNAPSHOT = { images: 320, interim: true, trainer: false };
/** As the end of a start or an export leaves it. */
const WHOLE = { images: 320, interim: false, trainer: false };
const FINISHED = { state: 'finished', images: 320 } as const;
const STOPPED = { state: 'stopped', images: 320 } as const;

test.each<[string, Found, Wish, Decision]>([
  ['nothing', {}, {}, { kind: 'train', from: 0, images: undefined }],
  ['nothing; images', {}, { images: 640 }, { kind: 'train', from: 0, images: 640 }],
  ['nothing; minutes', {}, { minutes: 1 }, { kind: 'train', from: 0, images: undefined }],
  ['a run on its way', { run: run(320, 640) }, {}, { kind: 'train', from: 320, images: 640 }],
  ['a run at its end, not exported', { run: run(320, 320) }, {}, { kind: 'train', from: 320, images: 320 }],
  [
    'a training that was stopped',
    { run: run(320, 640), bundle: SNAPSHOT, training: STOPPED },
    {},
    { kind: 'train', from: 320, images: 640 },
  ],
  [
    'a training that was killed before its first checkpoint',
    { run: run(0, 640), bundle: SNAPSHOT, training: { state: 'training', images: 320 } },
    {},
    { kind: 'train', from: 0, images: 640 },
  ],
  [
    'a training that was killed before its bundle was made',
    { run: run(640, 640), bundle: SNAPSHOT, training: { state: 'training', images: 640 } },
    {},
    { kind: 'train', from: 640, images: 640 },
  ],
  [
    'a longer training that was killed before its first snapshot',
    { run: run(320, 640), bundle: WHOLE, training: { state: 'training', images: 0 } },
    {},
    { kind: 'train', from: 320, images: 640 },
  ],
])('%s is trained', (_, found, wish, decision) => {
  expect(decided(found, wish)).toEqual(decision);
});

test.each<[string, Found, Wish, string]>([
  ['a training that ended', { run: run(320, 320), bundle: WHOLE, training: FINISHED }, {}, ''],
  ['as many images as there are', { run: run(320, 320), bundle: WHOLE, training: FINISHED }, { images: 320 }, ''],
  ['fewer images', { run: run(320, 320), bundle: WHOLE, training: FINISHED }, { images: 16 }, ''],
  ['an export of a run at its end', { run: run(320, 320), bundle: WHOLE }, {}, ''],
  ['an export of its best snapshot', { run: run(640, 640), bundle: WHOLE }, { images: 640 }, ''],
  [
    'an export of a run on its way',
    { run: run(320, 640), bundle: WHOLE },
    {},
    '; runs/few is planned for more, to which --images 640 goes on',
  ],
  [
    'a training whose minutes were over',
    { run: run(320, 640), bundle: WHOLE, training: FINISHED },
    {},
    '; runs/few is planned for more, to which --images 640 goes on',
  ],
  [
    'minutes when all images asked for are trained',
    { run: run(320, 320), bundle: WHOLE, training: FINISHED },
    { images: 320, minutes: 5 },
    '; name more --images for --minutes to have an effect',
  ],
  ['a bundle without its run', { bundle: WHOLE }, {}, ''],
  ['a snapshot without its run', { bundle: SNAPSHOT, training: STOPPED }, {}, ''],
  ['a bundle whose run has nothing yet', { run: run(0, 640), bundle: WHOLE, training: STOPPED }, {}, ''],
  [
    'a bundle beside what a refused start left',
    { run: run(320, 320), bundle: WHOLE, training: { state: 'training', images: 0 } },
    {},
    '',
  ],
])('%s is served as it is', (_, found, wish, more) => {
  const { images } = found.run?.trained ? { images: found.run.trained } : WHOLE;
  expect(decided(found, wish)).toEqual({
    kind: 'serve',
    why: `models/few: made from these pictures with these options (${images} images)${more}`,
  });
});

test.each<[string, Found, Wish, Decision]>([
  [
    'more images',
    { run: run(320, 320), bundle: WHOLE, training: FINISHED },
    { images: 640 },
    { kind: 'train', from: 320, images: 640 },
  ],
  [
    'more minutes, also when the plan is reached',
    { run: run(320, 320), bundle: WHOLE, training: FINISHED },
    { minutes: 1 },
    { kind: 'train', from: 320, images: undefined },
  ],
  [
    'more images of a run that was exported by hand',
    { run: run(320, 320), bundle: WHOLE },
    { images: 640 },
    { kind: 'train', from: 320, images: 640 },
  ],
  [
    'fewer than planned, none trained',
    { run: run(0, 100_000) },
    { images: 640 },
    { kind: 'train', from: 0, images: 640 },
  ],
  [
    'fewer than planned, more than trained',
    { run: run(320, 640) },
    { images: 480 },
    { kind: 'train', from: 320, images: 480 },
  ],
  [
    'so many that the last batch is over',
    { run: run(320, 310) },
    { images: 310 },
    { kind: 'train', from: 320, images: 310 },
  ],
])('%s are gone on to', (_, found, wish, decision) => {
  expect(decided(found, wish)).toEqual(decision);
});

test.each<[string, Found, Wish, string | RegExp]>([
  [
    'more images than a bundle has whose run is gone',
    { bundle: WHOLE, training: FINISHED },
    { images: 100_000 },
    'images: expected runs/few to go on from, after the 320 images of models/few or more, got none for images 100000; put that run back, leave --images out, or begin anew under another --name',
  ],
  [
    'more of a bundle whose run began anew',
    { run: run(16, 100_000), bundle: WHOLE },
    { images: 100_000 },
    /got one after 16 for images 100000; put that run back/,
  ],
  [
    'more of a snapshot whose run is gone',
    { bundle: SNAPSHOT, training: STOPPED },
    { images: 640 },
    /put that run back/,
  ],
  [
    'minutes for a bundle whose run is gone',
    { bundle: { ...WHOLE, trainer: true } },
    { minutes: 5 },
    /^minutes: .* leave --minutes out, .*; pocketgen train --from models\/few goes on from its trainer file$/,
  ],
  [
    'fewer images than a run has been trained on',
    { run: run(320, 640) },
    { images: 300 },
    'images: expected at least 320, which runs/few has been trained on, got 300; leave it out or take another --name',
  ],
])('%s are refused', (_, found, wish, why) => {
  expect(decided(found, wish)).toEqual({
    kind: 'refuse',
    why: typeof why === 'string' ? why : expect.stringMatching(why),
  });
});
