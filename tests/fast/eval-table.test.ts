// The table of `pocketgen eval`: a row for each number there is, and none for what was not measured.
import { expect, test } from 'vitest';
import type { EvalResult } from '../../cli/commands/eval.ts';
import { evaluationTable } from '../../cli/eval-table.ts';

const metrics = {
  ...{ samples: 500, kid: 0.1, kidError: 0.01, kidLow: 0.08, kidHigh: 0.12 },
  ...{ precision: 0.9, recall: 0.8, density: 0.7, coverage: 0.6 },
  ...{ nyquist: 1, nyquistHorizontal: 1, nyquistVertical: 1, upperThird: 1 },
};
const bare: EvalResult = {
  ...{ model: 'models/a', dtype: 'fp16', imagesSeen: 1000, generated: metrics, real: metrics, seconds: 1 },
  dataset: { name: 'a', trainedOn: 'ab', heldOut: 'cd', heldOutPictures: 500 },
  protocol: { referenceSamples: 250, seed: 0, truncation: 1 },
  judge: { task: 'classes', features: 64, accuracy: 0.9, trainedOn: 'ab' },
};
const reconstruction = { pictures: 500, l1: 0.04, psnr: 20, ssim: 0.8, classKept: 0.7, classOfPictures: 0.95 };
const completion = { pictures: 100, classKept: 0.6, spread: 0.1, spreadOfPictures: 0.3, seeds: 8, varied: 10 };
const named = (result: EvalResult): string[] =>
  evaluationTable(result)
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/)[0] ?? '');
const ofGenerator = named(bare);

test('a model without encoder and completer has the generator’s rows alone', () => {
  expect(ofGenerator).not.toContain('class kept');
  expect(ofGenerator).not.toContain('nearer');
  expect(ofGenerator.at(-1)).toBe('upper third');
});

test('with classes and an encoder but no completer, the class is kept once', () => {
  const rows = named({ ...bare, reconstruction });
  expect(rows.slice(0, ofGenerator.length)).toEqual(ofGenerator);
  expect(rows.slice(ofGenerator.length)).toEqual([
    ...['500 held-out pictures through encoder and generator', 'L1', 'PSNR', 'SSIM', 'class kept'],
  ]);
});

test('a completer has its own rows, with and without its class told', () => {
  const rows = named({ ...bare, completion: { ...completion, told: { classKept: 0.8, spread: 0.05 } } });
  expect(rows.slice(ofGenerator.length)).toEqual([
    ...['100 held-out pictures whose lower half was drawn anew, class not told', 'class kept', 'spread'],
    ...['the same, class told', 'class kept', 'spread'],
  ]);
  const line = evaluationTable({ ...bare, reconstruction, completion })
    .split('\n')
    .at(-2);
  expect(line).toMatch(/^class kept +0\.6000 +0\.9500 {3}accuracy of the judge$/);
});

test('what is memorised and what a classifier learns of it stand among the generator’s rows', () => {
  const memorisation = { samples: 100, generatedMedian: 30, heldOutMedian: 28, closerThanFirstPercentile: 0.02 };
  const rows = named({ ...bare, memorisation, ganTrain: { pictures: 100, images: 100, generated: 0.8, real: 0.9 } });
  expect(rows.filter((name) => !ofGenerator.includes(name))).toEqual(['GAN-train', 'nearest', 'nearer']);
});
