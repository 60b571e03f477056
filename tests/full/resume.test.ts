// A run can be stopped anywhere and continued: the result is the same to the last bit.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createModel } from '../../train/families/models.ts';
import { FAMILY_SETTINGS } from '../../train/families/settings.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { AUGMENTATIONS } from '../../train/nn/augmentation.ts';
import type { Recipe } from '../../train/recipe.ts';
import { loadNewestCheckpoint, stateHash } from '../../train/store/checkpoint.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { readConfig, readStats } from '../../train/store/run.ts';
import { smallNormalised } from '../helpers/networks.ts';
import { SMALL_TRANSFORMER, smallTokens } from '../helpers/transformer.ts';
import { KILL_RUN_IMAGES, smallPictures, smallRecipe } from '../small.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-run-'));
const fresh = (): string => mkdtempSync(join(root, 'run-'));
afterAll(() => rmSync(root, { recursive: true }));

async function finalHash(dir: string, recipe: Recipe): Promise<string> {
  const checkpoint = await loadNewestCheckpoint(folderFiles(dir), createModel(recipe).state, (line) =>
    expect.fail(line),
  );
  expect(checkpoint?.progress.images).toBe(recipe.images);
  return stateHash(checkpoint?.state ?? {});
}

test('the time left is that of the session: until its minutes are over, where its images take longer', async () => {
  const pictures = await smallPictures(100);
  const recipe = smallRecipe(pictures, { images: 3200 }); // a report at every step
  const left: number[] = [];
  const { finished } = await trainInFolder({
    ...{ pictures, source: 'test', engine: 'onnx', device: 'cpu', recipe, dir: fresh(), minutes: 0.02 },
    onProgress: ({ secondsLeft }) => left.push(secondsLeft),
  });
  expect(finished).toBe(false);
  expect(left.length).toBeGreaterThan(0);
  for (const seconds of left) expect(seconds).toBeLessThanOrEqual(1.2);
});

test('a run goes on to more images than it was planned for, by the schedules of the longer run, and exactly', async () => {
  const pictures = await smallPictures(100);
  const recipe = smallRecipe(pictures, {});
  const longer = { ...recipe, images: 2 * recipe.images };
  const common = { pictures, source: 'test', engine: 'onnx', device: 'cpu' } as const;
  const said: string[] = [];
  const [whole, pieces] = [fresh(), fresh()];
  for (const dir of [whole, pieces]) await trainInFolder({ ...common, recipe, dir });
  const first = await finalHash(whole, recipe);
  expect(await finalHash(pieces, recipe)).toBe(first);
  await trainInFolder({ ...common, recipe: longer, dir: whole, onMessage: (line) => said.push(line) });
  const stop = new AbortController();
  await trainInFolder({
    ...common,
    recipe: longer,
    dir: pieces,
    signal: stop.signal,
    onProgress: ({ images }) => images > 1.5 * recipe.images && stop.abort(),
  });
  await trainInFolder({ ...common, recipe: longer, dir: pieces });
  expect(await finalHash(pieces, longer)).toBe(await finalHash(whole, longer));
  expect(said.join()).toContain(`planned for ${recipe.images} images`);
  const plans = [
    { after: 0, images: recipe.images },
    { after: recipe.images, images: longer.images },
  ];
  for (const dir of [whole, pieces])
    expect(await readConfig(folderFiles(dir))).toMatchObject({ recipe: longer, plans });
  // Halfway through the longer plan, not at the end of the shorter one.
  const rates = (await readStats(folderFiles(whole))).map(
    ({ images, learningRate }) => [images, learningRate] as const,
  );
  const after = rates.find(([images]) => images > recipe.images)?.[1];
  expect(after).toBeGreaterThan(4 * recipe.learningRate.to);
  await expect(trainInFolder({ ...common, recipe, dir: whole })).rejects.toThrow(
    `images: expected ${longer.images} or more`,
  );
  const { recipe: kept } = await readConfig(folderFiles(whole));
  expect(kept.images).toBe(longer.images);
});

test('a run that is planned anew to fewer images ends there, by the schedules of the shorter run', async () => {
  const pictures = await smallPictures(100);
  const recipe = smallRecipe(pictures, {});
  const shorter = { ...recipe, images: recipe.images / 2 };
  const common = { pictures, source: 'test', engine: 'onnx', device: 'cpu', dir: fresh() } as const;
  const stop = new AbortController();
  const onProgress = ({ images }: { images: number }): void => {
    if (images >= recipe.images / 4) stop.abort();
  };
  const { images: after } = await trainInFolder({ ...common, recipe, signal: stop.signal, onProgress });
  expect(after).toBeLessThan(shorter.images);
  await trainInFolder({ ...common, recipe: shorter });
  await finalHash(common.dir, shorter);
  expect(await readConfig(folderFiles(common.dir))).toMatchObject({
    recipe: shorter,
    plans: [
      { after: 0, images: recipe.images },
      { after, images: shorter.images },
    ],
  });
  expect((await readStats(folderFiles(common.dir))).at(-1)?.learningRate).toBeLessThan(1.2 * recipe.learningRate.to);
});

test('a run that a shorter plan takes into a later phase is the same to the last bit if it is stopped before its first step there', async () => {
  const pictures = await smallPictures(100);
  // Phases begin at 128 and 512 images; by the shorter plan at 32 and 128.
  const recipe = smallRecipe(pictures, { ...FAMILY_SETTINGS.vae, beta1: 0.5, images: 640 });
  const shorter = { ...recipe, images: 160 };
  const common = { pictures, source: 'test', engine: 'onnx', device: 'cpu' } as const;
  const [whole, pieces] = [fresh(), fresh()];
  for (const dir of [whole, pieces]) {
    const stop = new AbortController();
    const onProgress = ({ images }: { images: number }): void => {
      if (images >= 64) stop.abort();
    };
    await trainInFolder({ ...common, recipe, dir, signal: stop.signal, onProgress });
  }
  await trainInFolder({ ...common, recipe: shorter, dir: pieces, signal: AbortSignal.abort() });
  for (const dir of [whole, pieces]) await trainInFolder({ ...common, recipe: shorter, dir });
  expect(await finalHash(pieces, shorter)).toBe(await finalHash(whole, shorter));
});

test.each([
  ['R1+R2', {}],
  [
    'augmentation, mirrors and Adam with momentum',
    { augment: { kinds: [...AUGMENTATIONS], probability: { from: 0, to: 0.8 } }, mirror: true, beta1: 0.5 },
  ],
  ['batch normalisation', { network: { ...smallNormalised, resolution: 28, channels: 1 }, loss: 'bce', beta1: 0.5 }],
  // Its phases begin at 32 and 128 images: sessions end just before the first and just before the second, and within the others.
  ['an autoencoder, through its phases', { ...FAMILY_SETTINGS.vae, beta1: 0.5 }, 32],
  [
    'a Transformer, through its phases',
    {
      family: 'transformer',
      network: { ...smallTokens, resolution: 28, channels: 1, classes: 10 },
      transformer: { ...SMALL_TRANSFORMER, adversarialFrom: 0.2, tokensFrom: 0.8 },
    },
    32,
  ],
] satisfies [string, Partial<Recipe>, number?][])(
  'training in one go and in three sessions or more gives identical parameters (%s)',
  async (_, changes, every = 56) => {
    const pictures = await smallPictures(100);
    const recipe = smallRecipe(pictures, changes);
    const common = { recipe, pictures, source: 'test', engine: 'onnx', device: 'cpu' } as const;
    const [whole, pieces] = [fresh(), fresh()];
    await trainInFolder({ ...common, dir: whole });
    let stops = 0;
    for (let finished = false; !finished; ) {
      const stop = new AbortController();
      const result = await trainInFolder({
        ...common,
        dir: pieces,
        signal: stop.signal,
        onProgress: ({ images }) => images % every === 0 && images < recipe.images && stop.abort(),
      });
      stops += result.finished ? 0 : 1;
      finished = result.finished;
    }
    expect(stops).toBeGreaterThanOrEqual(2);
    expect(await finalHash(pieces, recipe)).toBe(await finalHash(whole, recipe));
    // Both logs tell of the same steps, in order, none twice.
    const logged = (dir: string): number[] =>
      readFileSync(join(dir, 'stats.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { images: number }).images);
    expect(logged(pieces)).toEqual(logged(whole));
  },
);

test('another seed gives other parameters, so equal hashes mean something', async () => {
  const pictures = await smallPictures(64);
  const hashes: string[] = [];
  for (const seed of [1, 2]) {
    const recipe = smallRecipe(pictures, { seed, images: 16 });
    const dir = fresh();
    await trainInFolder({ recipe, pictures, source: 'test', engine: 'onnx', device: 'cpu', dir });
    hashes.push(await finalHash(dir, recipe));
  }
  expect(new Set(hashes).size).toBe(2);
});

test('kill -9 at ten moments loses at most the work since the last checkpoint', async () => {
  const dir = fresh();
  const recipe = smallRecipe(await smallPictures(100), { images: KILL_RUN_IMAGES });
  const program = fileURLToPath(new URL('../kill-run.ts', import.meta.url));
  let reached = 0;
  for (let kill = 0; kill < 10; kill++) {
    const child = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    let trained = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      trained = Math.max(trained, ...text.trim().split('\n').map(Number));
      // Different moments of a step and of the checkpoint after it.
      if (trained >= reached + 3 * recipe.batch) setTimeout(() => child.kill('SIGKILL'), 7 * kill);
    });
    await new Promise((resolve) => child.on('exit', resolve));
    const found = await loadNewestCheckpoint(folderFiles(dir), createModel(recipe).state, (line) => expect.fail(line));
    // It saves after every step: at most the step whose checkpoint was being written is gone.
    expect(found?.progress.images ?? 0).toBeGreaterThanOrEqual(trained - recipe.batch);
    expect(found?.progress.images ?? 0).toBeGreaterThan(reached);
    reached = found?.progress.images ?? 0;
  }
});

test('a run folder of another config or other pictures is refused, naming the difference', async () => {
  const pictures = await smallPictures(64);
  const recipe = smallRecipe(pictures, { images: 8 });
  const dir = fresh();
  const common = { pictures, source: 'test', engine: 'onnx', device: 'cpu', dir } as const;
  await trainInFolder({ ...common, recipe });
  const other = { ...recipe, batch: 4 };
  await expect(trainInFolder({ ...common, recipe: other })).rejects.toThrow(
    /recipe\.batch: was 8, is 4; use the same options/,
  );
  const fewer = await smallPictures(32);
  await expect(trainInFolder({ ...common, recipe, pictures: fewer })).rejects.toThrow(
    /dataset\.sha256: was "[0-9a-f]+", is/,
  );
});

test('an exploding run stops with a sentence and keeps its last good checkpoint', async () => {
  const pictures = await smallPictures(64);
  const recipe = smallRecipe(pictures, {
    learningRate: { from: 1e6, to: 1e6 },
    gamma: { from: 0, to: 0 },
    images: 4000,
  });
  const common = { recipe, pictures, source: 'test', engine: 'onnx', device: 'cpu' } as const;
  const exploded =
    /^training: expected losses and penalties up to 100000000 and finite parameters, got .* after \d+ images; /;
  const early = fresh();
  await expect(trainInFolder({ ...common, dir: early })).rejects.toThrow(exploded);
  await expect(trainInFolder({ ...common, dir: early })).rejects.toThrow('nothing had been saved yet');
  expect(await folderFiles(early).list('checkpoints')).toEqual([]);

  const dir = fresh();
  const error = await trainInFolder({ ...common, dir, checkpointSeconds: 0 }).catch(String);
  const [, images] = /the checkpoint after (\d+) images is kept/.exec(String(error)) ?? [];
  const kept = await loadNewestCheckpoint(folderFiles(dir), createModel(recipe).state, (line) => expect.fail(line));
  expect(kept?.progress.images).toBe(Number(images));
  expect(Object.values(kept?.state ?? {}).every((values) => values.every(Number.isFinite))).toBe(true);
});

test('when no checkpoint is whole training says that it starts over, keeps the damaged ones and saves new ones', async () => {
  const pictures = await smallPictures(64);
  const recipe = smallRecipe(pictures, { images: 48 });
  const dir = fresh();
  const said: string[] = [];
  const common = { recipe, pictures, source: 'test', engine: 'onnx', device: 'cpu', dir } as const;
  await trainInFolder({ ...common, checkpointSeconds: 0 });
  const before = await finalHash(dir, recipe);
  const checkpoints = readdirSync(join(dir, 'checkpoints'));
  expect(checkpoints).toHaveLength(2);
  for (const name of checkpoints) truncateSync(join(dir, 'checkpoints', name), 1000);
  await trainInFolder({ ...common, onMessage: (line) => said.push(line) });
  expect(said.at(-1)).toBe(`${dir}: no checkpoint is whole, so training starts over`);
  expect(said).toHaveLength(3);
  expect(await finalHash(dir, recipe)).toBe(before);
  expect(readdirSync(join(dir, 'checkpoints'))).toEqual(
    expect.arrayContaining(checkpoints.map((name) => `${name}.refused`)),
  );
});

test.each([
  [1, 1],
  [20, 1],
])('%i pictures of %i class train', async (count) => {
  const all = await smallPictures(256);
  const pictures = { ...(await smallPictures(count)), classes: ['one'], labels: new Uint8Array(count) };
  expect(all.classes.length).toBe(10);
  const recipe = smallRecipe(pictures, { images: 16 });
  expect(recipe.network.classes).toBe(0);
  const result = await trainInFolder({ recipe, pictures, source: 'test', engine: 'onnx', device: 'cpu', dir: fresh() });
  expect(result.finished).toBe(true);
});
