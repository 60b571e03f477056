// What `pocketgen start` says before it works: the forecast, and the name that a model gets.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { modelName, nameFrom } from '../../cli/names.ts';
import { findPlace } from '../../cli/place.ts';
import type { PictureSet } from '../../train/data/index.ts';
import { type Recipe, recipeFor } from '../../train/recipe.ts';
import { duration, forecast } from '../../train/report/forecast.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { openRun } from '../../train/store/run.ts';

test('the forecast says what was counted and timed, and when to come back', () => {
  const { sentence, first, good } = forecast({ imagesPerSecond: 62, count: 1852, resolution: 64, channels: 3 });
  expect(sentence).toMatch(
    /^1,852 pictures, 64x64 colour: 62 images\/s here; first shapes after about .*, good after about .*$/,
  );
  expect(first.seconds).toBeCloseTo(first.images / 62);
  expect(good.images).toBeGreaterThan(first.images);
  expect(sentence).toContain(
    `good after about ${duration(good.images / 62)} (${good.images.toLocaleString('en-GB')} images)`,
  );
});

test.each([
  [20, 'a minute'],
  [240, '4 minutes'],
  [1260, '20 minutes'],
  [5_000, '85 minutes'],
  [11_000, '3 hours'],
  [16_000, '4.5 hours'],
  [100_000, '28 hours'],
])('%i seconds are about %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test.each([
  ['./我的照片', 'wo-de-zhao-pian'],
  ['/data/Мои фото', 'moi-foto'],
  ['Fashion GAN', 'fashion-gan'],
  ['cats.zip', 'cats'],
  ['a.b/', 'a-b'],
  ['🐶', 'pictures-ab12cd'],
  ['x'.repeat(200), 'x'.repeat(58)],
])('%s becomes %s, which an address can have', (source, name) => {
  expect(nameFrom(source, 'pictures-ab12cd')).toBe(name);
});

test.each([
  [{ preset: 'quick' }, 'cats', 'quick'],
  [{ preset: 'quick', family: 'gan' }, 'cats', 'quick'],
  [{ preset: 'quick', family: 'vae' }, 'cats', 'quick-vae'],
  [{ preset: 'fashion-vae', family: 'vae' }, 'cats', 'fashion-vae'],
  [{ preset: 'auto' }, 'cats', 'cats'],
  [{ preset: 'auto', family: 'transformer' }, 'cats', 'cats-transformer'],
  // Own pictures called like what a preset's run is called.
  [{ preset: 'auto' }, 'quick', 'quick-pictures'],
  [{ preset: 'auto' }, 'Quick-VAE', 'Quick-VAE-pictures'],
  [{ preset: 'auto', family: 'vae' }, 'quick', 'quick-pictures-vae'],
] as const)('%o of %s is called %s', (training, own, name) => {
  expect(modelName(training, own)).toBe(name);
});

const pictures = (sha256: string): PictureSet => ({
  name: 'cats',
  classes: ['a', 'b'],
  width: 32,
  height: 32,
  channels: 3,
  count: 40,
  pixels: new Uint8Array(),
  labels: new Uint8Array(),
  sha256,
  note: 'found',
});
const cats = pictures('ab'.repeat(32));
const recipeOf = (images = 1600): Recipe => recipeFor('quick', cats, { images });

let before: string;
let folder: string;
let said: string[];
beforeEach(() => {
  before = process.cwd();
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-place-'));
  process.chdir(folder);
  said = [];
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

function writeBundle(name: string, { sha256 }: PictureSet, recipe: Recipe, state?: 'stopped' | 'finished'): void {
  const dir = join('models', name);
  mkdirSync(dir, { recursive: true });
  const training = { config: recipe, dataset: { name: 'cats', sha256 }, imagesSeen: 640 };
  writeFileSync(join(dir, 'model.json'), JSON.stringify({ format: 'pocketgen-bundle', files: [], training }));
  if (state === undefined) return;
  const progress = { model: name, state, images: 800, total: 1600, imagesPerSecond: 1, secondsLeft: 0 };
  const updated = new Date().toISOString();
  writeFileSync(join(dir, 'training.json'), JSON.stringify({ ...progress, updated, history: [] }));
}
async function writeRun(name: string, { sha256 }: PictureSet, recipe: Recipe): Promise<void> {
  const dataset = { source: '', name: 'cats', sha256, count: 40, classes: ['a', 'b'], note: '' };
  await (await openRun(folderFiles(join('runs', name)), { recipe, dataset })).release();
}
const place = (given?: string, of = recipeOf) =>
  findPlace({ given, proposed: 'cats' }, of, cats, (line) => said.push(line));

test('a free name is taken as it is', async () => {
  expect(await place()).toEqual({ name: 'cats', bundle: 'models/cats', run: 'runs/cats', found: {} });
});

test('a bundle of these pictures with these options is used again, however long it was trained', async () => {
  writeBundle('cats', cats, recipeOf(1600), 'stopped');
  await writeRun('cats', cats, recipeOf(1600));
  const bundle = { images: 640, interim: false, trainer: false };
  const run = { planned: 1600, trained: 0, batch: 16 };
  expect(await place()).toMatchObject({ name: 'cats', found: { run, bundle, training: { state: 'stopped' } } });
  writeBundle('cats', cats, recipeOf(1600), 'finished');
  expect(await place('cats')).toMatchObject({ found: { run, bundle, training: { state: 'finished', images: 800 } } });
  rmSync('runs', { recursive: true });
  const { found } = await place();
  expect([found.run, found.bundle]).toEqual([undefined, bundle]); // a bundle that came without its run
});

test('another model of the name is left alone: other pictures, other options, somebody else’s folder', async () => {
  writeBundle('cats', pictures('cd'.repeat(32)), recipeOf(1600));
  await writeRun('cats-2', cats, recipeFor('quick', cats, { images: 1600, mirror: true }));
  mkdirSync('models/cats-3', { recursive: true });
  writeFileSync('models/cats-3/notes.txt', 'mine');
  mkdirSync('models/cats-4', { recursive: true });
  writeFileSync('models/cats-4/model.json', '{"format":"layers-model"}');
  expect((await place()).name).toBe('cats-5');
  expect(said).toEqual([
    expect.stringMatching(
      /^models\/cats is another model \(pictures: was "cd.*", is "ab.*"\); this model is not called cats$/,
    ),
    expect.stringMatching(/^runs\/cats-2 has another training \(recipe\.mirror: was true, is false\); /),
    expect.stringMatching(/notes\.txt in it/),
    expect.stringMatching(/^models\/cats-4 is no bundle of this pocketgen; /),
  ]);
});

test('in this very model’s folder, what a file manager left is no matter and a stranger’s file is one for its owner', async () => {
  writeBundle('cats', cats, recipeOf(1600), 'stopped');
  for (const name of ['.DS_Store', 'Thumbs.db', '._model.json']) writeFileSync(join('models/cats', name), '');
  expect(await place()).toMatchObject({ name: 'cats', found: { bundle: { images: 640 } } });
  // Another training would begin from nothing if it took the next name.
  writeFileSync('models/cats/notes.txt', 'mine');
  await expect(place()).rejects.toThrow(/notes\.txt in it; move that/);
  writeFileSync('models/cats/model.json', 'half of');
  await writeRun('cats', cats, recipeOf(1600));
  await expect(place()).rejects.toThrow('models/cats is no bundle of this pocketgen');
  expect(said).toEqual([]);
});

test('a name that the user chose and that is another model’s is refused with what to do', async () => {
  writeBundle('dogs', pictures('cd'.repeat(32)), recipeOf(1600));
  await expect(place('dogs')).rejects.toThrow(
    /^name: expected one of its own, got dogs: models\/dogs is another model \(.*\); choose another --name$/,
  );
});
