// When a bundle is of the same training as another: what export and start put in its place, and what they leave alone.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordedTraining, trainingDifference } from '../../cli/same-training.ts';
import { recipeFor } from '../../train/recipe.ts';
import { clearPictures } from '../small.ts';

const pictures = clearPictures(4);
const recipe = recipeFor('auto', pictures, { family: 'transformer' });
const was = { sha256: pictures.sha256, recipe };

test('the same pictures and recipe are the same training, however long it was trained, guided or had its encoder trained', () => {
  const { transformer } = recipe;
  const later = { ...recipe, images: 9, transformer: transformer && { ...transformer, guidance: 3 } };
  const recorded = JSON.parse(JSON.stringify({ ...later, encoder: { seed: 1 }, pictures: { size: 16 } }));
  expect(trainingDifference(was, { ...was, recipe: recorded })).toBeUndefined();
  const { family: _, ...early } = recipeFor('quick', pictures);
  expect(
    trainingDifference({ ...was, recipe: early }, { ...was, recipe: recipeFor('quick', pictures) }),
  ).toBeUndefined();
});

test('another seed, recipe or picture is another training', () => {
  expect(trainingDifference(was, { ...was, recipe: { ...recipe, seed: 2 } })).toBe('recipe.seed: was 1, is 2');
  expect(trainingDifference(was, { ...was, recipe: { ...recipe, mirror: true } })).toMatch(
    /^recipe\.mirror: was false/,
  );
  expect(trainingDifference(was, { ...was, sha256: 'f0' })).toMatch(/^pictures: was .*, is "f0"$/);
  const gan = recipeFor('quick', pictures);
  // The recipe of a format that is read no longer differs, rather than being taken for anything.
  expect(trainingDifference({ ...was, recipe: { ...gan, augment: false } }, { ...was, recipe: gan })).toMatch(
    /augment/,
  );
});

test('what a bundle records is read whatever its format version; of none there is nothing, of something else a sentence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-same-'));
  expect(recordedTraining(folder)).toBeUndefined();
  expect(recordedTraining('models/fashion-gan')).toMatchObject({
    recipe: { preset: 'fashion-gan' },
    files: expect.arrayContaining(['generator.fp16.onnx']),
  });
  writeFileSync(join(folder, 'model.json'), '{"format":"layers-model"}');
  expect(() => recordedTraining(folder)).toThrow('is no bundle of this pocketgen');
  rmSync(folder, { recursive: true });
});
