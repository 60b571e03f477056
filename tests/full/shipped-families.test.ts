// The shipped models of the other families have on record what was asked for; docs/quality.md has the commands that measure it.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EvalResult } from '../../cli/commands/eval.ts';
import { type Evaluation, parseManifest } from '../../contract/manifest.ts';
import { recipeSchema } from '../../train/recipe.ts';

describe.each([
  { folder: 'models/fashion-vae', dtypes: ['fp16', 'fp32', 'int8'], fid: 1, classKept: 0.88 },
  { folder: 'models/fashion-transformer', dtypes: ['int8'], fid: 3, classKept: 0.85 },
])('$folder', ({ folder, dtypes, fid, classKept }) => {
  const manifest = parseManifest(JSON.parse(readFileSync(`${folder}/model.json`, 'utf8')));
  const recorded = (manifest.metrics?.evaluations ?? []) as (Evaluation & Omit<EvalResult, 'model' | 'seconds'>)[];

  test('every variant is as near to real pictures as was asked for, and keeps the class of what is put in', () => {
    expect(recorded.map(({ dtype }) => dtype).sort()).toEqual(dtypes);
    expect(existsSync(`${folder}/preview.png`)).toBe(true);
    for (const { generated, reconstruction, completion, dataset } of recorded) {
      expect(dataset.heldOutPictures).toBe(10_000);
      expect(generated.fid).toBeLessThanOrEqual(fid);
      expect(reconstruction?.classKept).toBeGreaterThanOrEqual(classKept);
      if (manifest.completer) expect(completion?.told?.classKept).toBeGreaterThanOrEqual(0.8);
    }
  });
});

test('without its flow the autoencoder would draw as it did before there was one', () => {
  const { metrics, training } = parseManifest(JSON.parse(readFileSync('models/fashion-vae/model.json', 'utf8')));
  const history = (metrics?.history ?? []) as { images: number; fid: number }[];
  const { images: planned, vae } = recipeSchema.parse(training.config);
  const before = history.findLast(({ images }) => images <= (vae?.flowFrom ?? 0) * planned)?.fid ?? 0;
  expect(history.at(-1)?.fid).toBeLessThan(before / 20);
});

test('it has the finest detail of real pictures, but for rows that alternate, and no weave of pixels besides', () => {
  const { metrics } = parseManifest(JSON.parse(readFileSync('models/fashion-vae/model.json', 'utf8')));
  const recorded = (metrics?.evaluations ?? []) as (Evaluation & Pick<EvalResult, 'generated'>)[];
  expect(recorded).toHaveLength(3);
  for (const { generated } of recorded) {
    const { nyquist, nyquistHorizontal, nyquistVertical, upperThird } = generated;
    for (const gap of [nyquist, nyquistHorizontal]) expect(Math.abs(gap)).toBeLessThanOrEqual(1.5);
    expect(Math.abs(nyquistVertical)).toBeLessThanOrEqual(1.75);
    expect(Math.abs(upperThird)).toBeLessThanOrEqual(1);
  }
});
