// The shipped colour models have on record what their cards say, variant by variant, and it is as good as was asked for.
// Their pictures are not in the repository, so it is not measured anew here: docs/quality.md has the commands.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EvalResult } from '../../cli/commands/eval.ts';
import { type Evaluation, parseManifest } from '../../contract/manifest.ts';
import type { Recipe } from '../../train/recipe.ts';
import { readNetwork } from '../../web/files/network.ts';

interface Shipped {
  readonly name: string;
  readonly size: number;
  readonly channels: number;
  readonly classes: number;
  /** At least so many were seen. */
  readonly images: number;
}

describe.each<Shipped>([
  { name: 'dungeon-gan', size: 32, channels: 4, classes: 6, images: 200_000 },
  // Of four trainings that went on from each other the last two are on record.
  { name: 'emoji-gan', size: 64, channels: 4, classes: 9, images: 80_000 },
])('$name', ({ name, size, channels, classes, images }) => {
  const folder = `models/${name}`;
  const manifest = parseManifest(JSON.parse(readFileSync(`${folder}/model.json`, 'utf8')));
  const recorded = (manifest.metrics?.evaluations ?? []) as (Evaluation & Omit<EvalResult, 'model' | 'seconds'>)[];

  test('every variant has its quality on record, and the model its training and its licence', () => {
    expect(manifest.image).toEqual({ width: size, height: size, channels });
    expect(manifest.classes.length).toBe(classes);
    expect(recorded.map(({ dtype }) => dtype).sort()).toEqual(['fp16', 'fp32', 'int8']);
    const { imagesSeen, config } = manifest.training;
    const { from } = config as Partial<Recipe>;
    expect(imagesSeen + (from?.images ?? 0)).toBeGreaterThan(images);
    expect(manifest.metrics?.history.length).toBeGreaterThan(5);
    expect(manifest.license).not.toMatch(/^as the pictures/);
    expect(existsSync(`${folder}/preview.png`)).toBe(true);
    for (const { path } of manifest.files.filter(({ role }) => role !== 'trainer'))
      expect(readNetwork(new Uint8Array(readFileSync(`${folder}/${path}`))).parameters).toBeLessThan(1_000_000);
  });

  test('the goals: three times the distance of real pictures at most, most of what they cover, no copies, no weave', () => {
    for (const { generated, real, dataset } of recorded) {
      expect(dataset.heldOutPictures).toBeGreaterThan(200);
      expect(generated.kid).toBeLessThanOrEqual(3 * real.kid);
      expect(generated.coverage).toBeGreaterThanOrEqual(0.7 * real.coverage);
      // Held-out pictures are copies of none: the split sees to that. Of each other a sixth of the real ones are.
      expect(generated.nearCopies).toBeLessThanOrEqual(0.02);
      expect(real.nearCopies).toBeGreaterThan(0.1);
      const { nyquist, nyquistHorizontal, nyquistVertical, upperThird } = generated;
      expect(Math.max(nyquist, nyquistHorizontal, nyquistVertical)).toBeLessThanOrEqual(1.5);
      expect(Math.abs(upperThird)).toBeLessThanOrEqual(1);
    }
  });
});
