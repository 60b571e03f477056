// The shipped judge and the evaluator on real pictures: what is good, bad and missing must show in the numbers.
import { beforeAll, describe, expect, test } from 'vitest';
import { loadDataset, type PictureSet, pickPictures, pictureSet } from '../../train/data/index.ts';
import type { Judge } from '../../train/eval/classifier.ts';
import { createEvaluator, type Evaluator } from '../../train/eval/evaluator.ts';
import { type JudgeRecord, judgeFor, shippedJudge, turned } from '../../train/eval/judge.ts';
import { memorisation } from '../../train/eval/memorisation.ts';

let train: PictureSet;
let held: PictureSet;
let judge: Judge;
let record: JudgeRecord;
let evaluator: Evaluator;

beforeAll(async () => {
  const splits = await loadDataset('fashion-mnist', { download: false });
  train = splits.train;
  held = splits.test;
  ({ judge, record } = await judgeFor(splits));
  evaluator = await createEvaluator(held, judge);
});

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

  test('is used for pictures of its own size and classes only', async () => {
    expect(await shippedJudge(held)).toBeDefined();
    expect(await shippedJudge({ ...held, name: 'unknown' })).toBeUndefined();
    expect(await shippedJudge({ ...held, width: 32, height: 32 })).toBeUndefined();
    expect(await shippedJudge({ ...held, classes: ['a', 'b'] })).toBeUndefined();
  });
});

describe('the evaluator', () => {
  test('training pictures score like held-out ones', async () => {
    const sample = share(train, 0, evaluator.referenceSamples);
    const metrics = await evaluator.evaluate(sample.pixels, sample.labels);
    expect(metrics.fid).toBeLessThan(6 * evaluator.real.fid);
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
    const { labels, referenceSamples } = await createEvaluator(sorted, judge);
    for (const count of [100, referenceSamples, 3 * referenceSamples]) {
      const counts = Array.from({ length: 10 }, (_, c) => labels(count).filter((label) => label === c).length / count);
      for (const share of counts) expect(Math.abs(share - 0.1)).toBeLessThan(0.03);
    }
  });

  test('noise scores badly everywhere', async () => {
    const noise = Uint8Array.from({ length: 500 * 784 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
    const metrics = await evaluator.evaluate(noise, evaluator.labels(500));
    expect(metrics.fid).toBeGreaterThan(20 * evaluator.real.fid);
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
    expect(metrics.fid).toBeGreaterThan(10 * evaluator.real.fid);
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
    await expect(evaluator.evaluate(new Uint8Array(10 * 784), evaluator.labels(10))).rejects.toThrow(
      'expected at least 50 pictures of 28x28x1',
    );
    await expect(createEvaluator(share(held, 0, 40), judge)).rejects.toThrow(
      'expected at least 100 held-out pictures, got 40',
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
    const { mkdtempSync, rmSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const cacheDir = mkdtempSync(`${tmpdir()}/pocketgen-judge-`);
    try {
      const plain = (set: PictureSet): PictureSet =>
        pictureSet({ ...set, name: 'plain', classes: [], labels: new Uint8Array(set.count) });
      const splits = { train: plain(share(train, 0, 400)), test: plain(share(held, 0, 200)) };
      const first = await judgeFor(splits, { cacheDir, images: 6000 });
      expect(first.record).toMatchObject({ task: 'rotations', heldOutPictures: 200 });
      // Shirts and trousers hardly look upside down: half right is twice chance.
      expect(first.record.accuracy).toBeGreaterThan(0.5);
      const again = await judgeFor(splits, { cacheDir });
      expect(again.record).toEqual(first.record);
      const { real } = await createEvaluator(splits.test, again.judge);
      expect(real).not.toHaveProperty('ganTest');
      expect(real.fid).toBeGreaterThan(0);
    } finally {
      rmSync(cacheDir, { recursive: true });
    }
  });
});
