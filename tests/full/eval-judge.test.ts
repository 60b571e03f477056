// The shipped judge and the evaluator on real pictures: what is good, bad and missing must show in the numbers.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomWords } from '../../contract/random.ts';
import { loadDataset, type PictureSet, pickPictures, pictureSet } from '../../train/data/index.ts';
import { native } from '../../train/engines/onnxruntime.ts';
import { type Judge, loadJudge } from '../../train/eval/classifier.ts';
import { accuracy, createEvaluator, type Evaluator } from '../../train/eval/evaluator.ts';
import { examined, type JudgeRecord, judgeFor, turned } from '../../train/eval/judge.ts';
import { memorisation } from '../../train/eval/memorisation.ts';
import { classifierDefaults, classifierSpec, trainOwnJudge } from '../../train/eval/own-judge.ts';

let train: PictureSet;
let held: PictureSet;
let judge: Judge;
let record: JudgeRecord;
let evaluator: Evaluator;
let realFid: number;

beforeAll(async () => {
  const splits = await loadDataset('fashion-mnist', { download: false });
  train = splits.train;
  held = splits.test;
  ({ judge, record } = await judgeFor(splits));
  evaluator = await createEvaluator({ train, test: held }, judge);
  realFid = evaluator.real.fid ?? Number.NaN;
});

const cacheDir = mkdtempSync(join(tmpdir(), 'pocketgen-judge-'));
afterAll(() => rmSync(cacheDir, { recursive: true }));

const share = (set: PictureSet, start: number, count: number): PictureSet =>
  pickPictures(
    set,
    Array.from({ length: count }, (_, i) => start + i),
  );

describe('the shipped judge', () => {
  test('is right on at least 92 % of real test pictures, as its record says', async () => {
    const { labels } = await judge.judge(held.pixels);
    const right = labels.filter((label, i) => label === held.labels[i]).length / held.count;
    expect(right).toBeGreaterThan(0.92);
    // The embedded held-out pictures are a fifth of those the record speaks of.
    expect(Math.abs(right - (record.accuracy ?? 0))).toBeLessThan(held.count === 10_000 ? 0.0005 : 0.015);
  });
});

test('a judge of own pictures tells letters from their mirror images', async () => {
  /** An L of one brightness on another, somewhere; of class 1 mirrored. */
  const letters = (seed: number, count: number): PictureSet => {
    const words = randomWords(seed, 1, 0, 4 * count);
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
    const pixels = new Uint8Array(count * 256);
    for (let i = 0; i < count; i++) {
      const [dx = 0, dy = 0, ink = 0, ground = 0] = words.subarray(4 * i, 4 * i + 4).map((word) => word >>> 26);
      pixels.fill(ground, i * 256, (i + 1) * 256);
      for (let k = 0; k < 9; k++) {
        const [top, left] = [2 + (dy % 4), 2 + (dx % 6)];
        const foot = k % 6;
        for (const [y, x] of [
          [top + k, labels[i] === 1 ? left + 5 : left],
          [top + 8, left + foot],
        ] as const)
          pixels[i * 256 + y * 16 + x] = 160 + ink;
      }
    }
    return pictureSet({
      name: 'letters',
      classes: ['L', 'J'],
      ...{ width: 16, height: 16, channels: 1, pixels, labels },
      note: '',
      options: undefined,
    } as never);
  };
  const train = letters(1, 800);
  const options = { ...classifierDefaults(train), images: 6400 };
  const own = await loadJudge(await trainOwnJudge(train, native, options), classifierSpec(train, true), native);
  expect(await examined(own, letters(2, 200))).toBeGreaterThan(0.9);
});

describe('the evaluator', () => {
  test('training pictures score like held-out ones', async () => {
    const sample = share(train, 0, evaluator.referenceSamples);
    const metrics = await evaluator.evaluate(sample.pixels, sample.labels);
    expect(metrics.fid).toBeLessThan(6 * realFid);
    expect(metrics.precision).toBeGreaterThan(0.6);
    expect(metrics.recall).toBeGreaterThan(0.6);
    expect(evaluator.real.coverage).toBeGreaterThan(0.8);
    expect(metrics.ganTest ?? 0).toBeGreaterThan(0.92);
  });

  test('asks for the reference’s mix of classes, however few pictures it wants and however they are sorted', async () => {
    const sorted = pickPictures(
      held,
      [...held.labels.keys()].sort((a, b) => (held.labels[a] ?? 0) - (held.labels[b] ?? 0)),
    );
    const { labels, referenceSamples } = await createEvaluator({ train, test: sorted }, judge);
    for (const count of [100, referenceSamples, 3 * referenceSamples]) {
      const counts = Array.from({ length: 10 }, (_, c) => labels(count).filter((label) => label === c).length / count);
      for (const share of counts) expect(Math.abs(share - 0.1)).toBeLessThan(0.03);
    }
  });

  test('noise scores badly everywhere', async () => {
    const noise = Uint8Array.from({ length: 500 * 784 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
    const metrics = await evaluator.evaluate(noise, evaluator.labels(500));
    expect(metrics.fid).toBeGreaterThan(20 * realFid);
    expect(metrics.precision).toBeLessThan(0.05);
    expect(metrics.coverage).toBeLessThan(0.05);
    expect(metrics.ganTest ?? 1).toBeLessThan(0.3);
  });

  test('real pictures of half the classes keep their precision and lose recall and coverage', async () => {
    const few = pickPictures(train, [...train.labels.keys()].filter((i) => (train.labels[i] ?? 0) < 5).slice(0, 2000));
    const metrics = await evaluator.evaluate(few.pixels, few.labels);
    expect(metrics.precision).toBeGreaterThan(0.6);
    expect(metrics.recall).toBeLessThan(0.65);
    expect(metrics.coverage).toBeLessThan(0.6);
    expect(metrics.fid).toBeGreaterThan(10 * realFid);
  });

  test('pictures of the wrong class show in GAN-test alone; without labels there is none', async () => {
    const sample = share(train, 0, 1000);
    const right = await evaluator.evaluate(sample.pixels, sample.labels);
    const wrong = await evaluator.evaluate(
      sample.pixels,
      sample.labels.map((label) => (label + 1) % 10),
    );
    expect(wrong.ganTest ?? 1).toBeLessThan(0.1);
    expect({ ...wrong, ganTest: 0 }).toEqual({ ...right, ganTest: 0 });
    expect(await evaluator.evaluate(sample.pixels)).not.toHaveProperty('ganTest');
  });

  test('labels to generate have the mix of the reference, and too few pictures are refused', async () => {
    const labels = evaluator.labels(evaluator.referenceSamples);
    const counts = Array.from({ length: 10 }, (_, c) => labels.filter((label) => label === c).length);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.5);
    await expect(evaluator.evaluate(new Uint8Array(9 * 784), evaluator.labels(9))).rejects.toThrow(
      'expected at least 10 pictures of 28x28x1',
    );
    await expect(createEvaluator({ train, test: share(held, 0, 9) }, judge)).rejects.toThrow(
      'expected at least 10 held-out pictures of fashion-mnist, got 9',
    );
  });
});

describe('memorisation', () => {
  test('copies of training pictures are found; held-out pictures are not taken for copies', async () => {
    const some = share(train, 0, 3000);
    const copies = share(some, 100, 300);
    const { result, sheet } = await memorisation(copies.pixels, some, share(held, 0, 300));
    expect(result).toMatchObject({ samples: 300, generatedMedian: 0, closerThanFirstPercentile: 1 });
    expect(result.heldOutMedian).toBeGreaterThan(10);
    expect(sheet).toMatchObject({ width: 20 * 30 - 2, height: 4 * 30 - 2 });
    const fresh = await memorisation(share(held, 1000, 300).pixels, some, share(held, 0, 300));
    expect(fresh.result.closerThanFirstPercentile).toBeLessThan(0.05);
  });
});

describe('pictures without classes', () => {
  test('are judged by a network that learned their quarter turns', async () => {
    const one = pictureSet({ ...share(train, 0, 3), classes: [], labels: new Uint8Array(3) });
    const { labels, pixels, count } = turned(one);
    expect([...labels]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    expect(count).toBe(12);
    // Four quarter turns are none: turning the last one again gives the first.
    const last = pictureSet({ ...one, pixels: pixels.subarray(3 * 784, 4 * 784), labels: Uint8Array.of(0) });
    expect([...turned(last).pixels.subarray(784, 2 * 784)]).toEqual([...pixels.subarray(0, 784)]);
  });

  test('such a judge trains, is cached, and carries an evaluation', async () => {
    const plain = (set: PictureSet): PictureSet =>
      pictureSet({ ...set, name: 'plain', classes: [], labels: new Uint8Array(set.count) });
    const splits = { train: plain(share(train, 0, 400)), test: plain(share(held, 0, 200)) };
    const first = await judgeFor(splits, { cacheDir, images: 6000 });
    expect(first.judge.task).toBe('turns');
    expect(first.record.heldOutPictures).toBe(200);
    // Shirts and trousers hardly look upside down: half right is twice chance.
    expect(first.record.accuracy).toBeGreaterThan(0.5);
    const again = await judgeFor(splits, { cacheDir });
    expect(again.record).toEqual(first.record);
    const { real } = await createEvaluator(splits, again.judge);
    expect(real).not.toHaveProperty('ganTest');
    expect(real).not.toHaveProperty('fid');
  });
});

describe('a hundred own pictures, four channels', () => {
  /** Clothes in red or green on nothing, premultiplied, in two classes. */
  const coloured = (set: PictureSet): PictureSet => {
    const pixels = new Uint8Array(set.count * 784 * 4);
    for (let i = 0; i < set.count * 784; i++) {
      const level = set.pixels[i] ?? 0;
      pixels[4 * i + (Math.floor(i / 784) % 2)] = level;
      pixels[4 * i + 3] = level;
    }
    const labels = Uint8Array.from({ length: set.count }, (_, i) => i % 2);
    return pictureSet({ ...set, name: 'tiny', channels: 4, classes: ['red', 'green'], pixels, labels });
  };
  let tiny: { train: PictureSet; test: PictureSet };
  let own: Judge;
  let small: Evaluator;

  beforeAll(async () => {
    tiny = { train: coloured(share(train, 0, 80)), test: coloured(share(held, 0, 20)) };
    ({ judge: own } = await judgeFor(tiny, { cacheDir, images: 6000 }));
    small = await createEvaluator(tiny, own, { samples: 80 });
  });

  test('are judged by classes and turns; all held-out ones are the reference, and training pictures give `real`', async () => {
    expect(own.task).toBe('classes and turns');
    expect(small).toMatchObject({ referenceSamples: 20, samples: 80 });
    const { real } = small;
    expect(real.samples).toBe(80);
    expect(real.kidLow).toBeLessThanOrEqual(0);
    expect(real.kidHigh).toBeGreaterThan(0);
    expect(real.coverage).toBeGreaterThan(0.5);
    // Of held-out pictures: the judge knows the classes of those that it was trained on.
    const { labels } = await own.judge(tiny.test.pixels);
    expect(real.ganTest).toBe(accuracy(labels, tiny.test.labels));
    // Of each other: training pictures would all be copies of themselves.
    expect(real.nearCopies).toBeLessThan(0.1);
    for (const key of ['nyquist', 'nyquistHorizontal', 'nyquistVertical', 'upperThird'] as const)
      expect(Math.abs(real[key])).toBeLessThan(1e-9);
  });

  test('other pictures of the kind score like real ones, and are no copies', async () => {
    const { pixels, labels } = coloured(share(train, 1000, 80));
    const metrics = await small.evaluate(pixels, labels);
    expect(metrics.kid).toBeLessThan(2 * small.real.kidHigh);
    expect(metrics.nearCopies).toBeLessThan(0.1);
  });

  test('training pictures repeated score no better than they do once, and are told to be copies', async () => {
    const repeated = pickPictures(
      tiny.train,
      Array.from({ length: 80 }, (_, i) => i % 40),
    );
    const metrics = await small.evaluate(repeated.pixels, repeated.labels);
    expect(metrics.nearCopies).toBe(1);
    expect(metrics.kid).toBeGreaterThan(small.real.kidLow);
    expect(metrics.coverage).toBeLessThanOrEqual(small.real.coverage);
  });

  test('opaque ones, noise and one picture again and again are far off', async () => {
    const opaque = tiny.train.pixels.map((level, i) => (i % 4 === 3 ? 255 : level));
    const noise = Uint8Array.from(tiny.train.pixels, (_, i) => Math.imul(i, 2654435761) >>> 24);
    const same = pickPictures(tiny.train, new Array(80).fill(3));
    for (const pixels of [opaque, noise, same.pixels]) {
      const { kidLow, coverage } = await small.evaluate(pixels, tiny.train.labels);
      expect(kidLow).toBeGreaterThan(small.real.kidHigh);
      expect(coverage).toBeLessThan(0.7 * small.real.coverage);
    }
  });
});
