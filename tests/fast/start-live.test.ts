// What a `pocketgen start` that fails or is stopped leaves in its bundle's folder.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Found } from '../../cli/decide.ts';
import { startLive } from '../../cli/live.ts';
import { parseTraining, type Training } from '../../contract/training.ts';
import type { TrainingEngine } from '../../train/engines/engine.ts';
import { createModel } from '../../train/families/models.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { openRun } from '../../train/store/run.ts';
import { clearPictures, smallRecipe } from '../small.ts';

const FINISHED = '{"model":"few","state":"finished","images":320}\n';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-live-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bundle = (): string => join(folder, 'models/few');
const begin = (found: Found) =>
  startLive({ name: 'few', bundle: bundle(), run: join(folder, 'runs/few'), found }, 640, () => {});
const told = (): Training => parseTraining(JSON.parse(readFileSync(join(bundle(), 'training.json'), 'utf8')));

function writeWhole(): Found {
  mkdirSync(bundle(), { recursive: true });
  writeFileSync(join(bundle(), 'model.json'), '{}');
  writeFileSync(join(bundle(), 'training.json'), FINISHED);
  return {
    run: { trained: 320, planned: 320, batch: 8 },
    bundle: { images: 320, interim: false, trainer: false },
  };
}

test('a training that failed before it drew leaves what was there: a finished bundle, or nothing', async () => {
  const live = await begin(writeWhole());
  expect(told()).toMatchObject({ state: 'training', images: 320, total: 640 });
  live.tell({ images: 328, total: 640, imagesPerSecond: 1, secondsLeft: 1 });
  await live.fail();
  expect(readFileSync(join(bundle(), 'training.json'), 'utf8')).toBe(FINISHED);
  expect(readdirSync(bundle()).sort()).toEqual(['model.json', 'training.json']);

  rmSync(bundle(), { recursive: true });
  await (await begin({})).fail();
  expect(existsSync(bundle())).toBe(false);
});

test('one that failed later was stopped, its newest snapshot the bundle', async () => {
  const pictures = clearPictures(8);
  const recipe = smallRecipe(pictures);
  const { name, sha256, count, classes, note } = pictures;
  const dataset = { source: 'own', name, sha256, count, classes, note };
  await (await openRun(folderFiles(join(folder, 'runs/few')), { recipe, dataset })).release();
  const live = await begin({});
  const engine = { state: async () => createModel(recipe).initialState() } as Partial<TrainingEngine>;
  await live.show.show(engine as TrainingEngine, 8);
  expect(told()).toMatchObject({ state: 'training', images: 8 });
  await live.fail();
  expect(told()).toMatchObject({ state: 'stopped', images: 8 });
  expect(readdirSync(bundle())).toContain('model.json');
});

test('one that was stopped before there was anything newer leaves a whole bundle', async () => {
  const live = await begin(writeWhole());
  expect(await live.stop(0)).toBe(false);
  expect(readFileSync(join(bundle(), 'training.json'), 'utf8')).toBe(FINISHED);
  expect(await (await begin({})).stop(0)).toBe(false);
  expect(told().state).toBe('stopped');
});
