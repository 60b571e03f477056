// What training can go on from: kept in a bundle, taken up for the same classes and for others, refused where it does not fit.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runExport } from '../../cli/commands/export.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { encodePng } from '../../contract/png.ts';
import { readManifest } from '../../export/open.ts';
import { readTrainer } from '../../export/trainer.ts';
import { verifyBundle } from '../../export/verify.ts';
import { loadGenerator, loadTrainer } from '../../export/weights.ts';
import { exportBundle } from '../../export/write.ts';
import { fromHalf, toHalf } from '../../trace/storage.ts';
import { createModel } from '../../train/families/models.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { under } from '../../train/nn/tensors.ts';
import { type Recipe, recipeFor } from '../../train/recipe.ts';
import { loadNewestCheckpoint, saveSnapshot, stateHash } from '../../train/store/checkpoint.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { appendStats, readConfig } from '../../train/store/run.ts';
import { asTrained, decodeTrainer, encodeTrainer, goingOn, type Trainer } from '../../train/trainer.ts';
import { clearPictures } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-trainer-'));
const at = (name: string): string => join(folder, name);
const pictures = clearPictures();
const common = { pictures, source: 'shapes', engine: 'onnx', device: 'cpu' } as const;
const settings = { width: 8, batch: 8, images: 160 };
const recipe = recipeFor('auto', pictures, settings);
const warn = (sentence: string): void => expect.fail(sentence);
let trainer: Trainer;

const stateOf = async (dir: string) => {
  const run = folderFiles(dir);
  const { recipe } = await readConfig(run);
  return (await loadNewestCheckpoint(run, createModel(recipe).state, warn))?.state ?? {};
};
const from = () => ({ name: 'shapes', trainer });

beforeAll(async () => {
  await trainInFolder({ ...common, recipe, dir: at('run') });
  const run = folderFiles(at('run'));
  const kept = { trainer: await loadTrainer(run, warn), engine: 'onnx', variants: ['int8'], truncation: 1 } as const;
  await exportBundle(await loadGenerator(run, warn), { out: at('shapes'), ...kept });
  trainer = (await readTrainer(at('shapes'))).trainer;
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a bundle keeps averaged generator and discriminator of the newest checkpoint to 16 bits, and verifies', async () => {
  const state = await stateOf(at('run'));
  expect(trainer).toMatchObject({ images: 160, classes: pictures.classes, recipe });
  for (const [name, values] of Object.entries(trainer.values))
    expect(values, name).toEqual(fromHalf(toHalf(state[name] ?? new Float32Array())));
  expect(Object.keys(under('ema', trainer.values))).toEqual(Object.keys(createModel(recipe).weights));
  expect(Object.keys(under('discriminator', trainer.values)).length).toBeGreaterThan(5);
  await verifyBundle(at('shapes'), () => {});
});

test('a bundle is exported anew from its trainer file, which tells its own training; only a Transformer can be guided', async () => {
  await runExport(at('shapes'), at('anew'), 'int8,fp32', { trainer: true, about: { title: 'Shapes' } });
  const [before, after] = [readManifest(at('shapes')), readManifest(at('anew'))];
  expect(after).toMatchObject({ title: 'Shapes', description: before.description, training: before.training });
  const kept = ({ files }: Manifest) => files.find(({ role }) => role === 'trainer')?.sha256;
  expect(kept(after)).toBe(kept(before));
  await verifyBundle(at('anew'), warn);
  await runExport(at('shapes'), at('calm'), 'int8', { trainer: true, truncation: 0.8 });
  await runExport(at('calm'), at('calmer'), 'fp32');
  expect(readManifest(at('calmer')).defaultTruncation).toBe(0.8);
  const guided = runExport(at('shapes'), at('guided'), 'int8', { guidance: 2 });
  await expect(guided).rejects.toThrow('--guidance: expected a Transformer with classes, got another model');
});

test('a run that was trained on unmeasured says so when its snapshot is exported; --newest exports what it is now', async () => {
  cpSync(at('run'), at('unmeasured'), { recursive: true });
  const run = folderFiles(at('unmeasured'));
  const { model, weights } = await loadGenerator(run, warn);
  const lowest = { kid: 0.2, kidError: 0.01 };
  await saveSnapshot(run, { images: 80, metrics: { samples: 500, ...lowest }, lowest, weights }, model.weights);
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const exportOf = async (newest?: boolean): Promise<string[]> => {
    said.mockClear();
    await runExport(at('unmeasured'), at('far'), 'fp16', { newest });
    return said.mock.calls.flat().filter((line) => line.includes('images'));
  };
  expect(await exportOf()).toEqual([
    `${at('unmeasured')}: it was trained on to 160 images, and nothing was measured after the 80 of its snapshot; --newest exports what it is now`,
    `${at('unmeasured')}: the generator after 80 images (best snapshot measured)`,
  ]);
  expect(readManifest(at('far')).training.imagesSeen).toBe(80);
  const newest = `${at('unmeasured')}: the generator after 160 images (newest checkpoint)`;
  expect(await exportOf(true)).toEqual([newest]);
  expect(readManifest(at('far')).training.imagesSeen).toBe(160);
  // A later measurement that was worse is a reason to export the snapshot.
  await appendStats(run, { images: 160, metrics: { kid: 0.4 } });
  expect(await exportOf()).toEqual([`${at('unmeasured')}: the generator after 80 images (best snapshot measured)`]);
  said.mockRestore();
  const anew = runExport(at('shapes'), at('anew'), 'int8', { newest: true });
  await expect(anew).rejects.toThrow(`--newest: expected a run with it, got the bundle ${at('shapes')}; leave it out`);
});

test('a bundle gives way to its own training only, unless told; in its own place it keeps its trainer file', async () => {
  cpSync(at('shapes'), at('place'), { recursive: true });
  const other = { ...recipe, seed: 2 };
  await trainInFolder({ ...common, recipe: { ...other, images: 8 }, dir: at('other') });
  await expect(runExport(at('other'), at('place'), 'int8')).rejects.toThrow(
    /^export: expected \S+place to be of the same training or new, got another training's bundle \(recipe\.seed: was 1, is 2\), of which generator\.int8\.onnx, trainer\.fp16\.safetensors would go; choose another --out, or .* --replace$/,
  );
  expect(readManifest(at('place')).training.seed).toBe(1);
  await runExport(at('place'), at('place'), 'fp32');
  expect(readManifest(at('place')).files.map(({ role }) => role)).toEqual(['generator', 'trainer']);
  await runExport(at('run'), at('place'), 'int8', { about: { title: 'Again' } });
  await runExport(at('other'), at('place'), 'int8', { replace: true });
  expect(readManifest(at('place')).training.seed).toBe(2);
});

test('a run that goes on begins with those numbers, resumes to the last bit, and says where it comes from', async () => {
  const { recipe: next, start } = goingOn(from(), recipeFor('auto', pictures, settings), pictures.classes);
  expect(next.from).toEqual({ name: 'shapes', images: 160, sha256: trainer.sha256 });
  expect(start['generator/input.weight']).toEqual(trainer.values['ema/input.weight']);
  await trainInFolder({ ...common, recipe: next, start, dir: at('whole') });
  const stop = new AbortController();
  await trainInFolder({
    ...common,
    recipe: next,
    start,
    dir: at('parts'),
    signal: stop.signal,
    onProgress: () => stop.abort(),
  });
  expect(stateHash(await stateOf(at('parts')))).not.toBe(stateHash(await stateOf(at('whole'))));
  await trainInFolder({ ...common, recipe: next, dir: at('parts') });
  expect(stateHash(await stateOf(at('parts')))).toBe(stateHash(await stateOf(at('whole'))));
});

test('classes go by their names; one that is new begins as the mean of those there were', () => {
  const others = { ...pictures, classes: ['square', 'star', 'disc'] };
  const { recipe: next, start } = goingOn(from(), recipeFor('auto', others, settings), others.classes);
  expect(next.network.classes).toBe(3);
  const [old = new Float32Array(), now = new Float32Array()] = [trainer.values, start].map(
    (all) => all['ema/embed.weight'],
  );
  const width = old.length / 2;
  const row = (all: Float32Array, i: number): Float32Array => all.slice(i * width, (i + 1) * width);
  expect(row(now, 0)).toEqual(row(old, 1));
  expect(row(now, 2)).toEqual(row(old, 0));
  for (const [i, value] of row(now, 1).entries())
    expect(value).toBeCloseTo(((row(old, 0)[i] ?? 0) + (row(old, 1)[i] ?? 0)) / 2, 6);
  expect(start['discriminator/classes.weight']).toHaveLength(3 * recipe.network.features);
});

test('pictures that need other networks, and an altered file, are one sentence', () => {
  const larger = { ...pictures, width: 32, height: 32 };
  const said =
    (pictures: typeof larger, changes = {}) =>
    () =>
      goingOn(from(), recipeFor('auto', pictures, { ...settings, ...changes }), pictures.classes);
  expect(said(larger)).toThrow(
    'going on from shapes: expected pictures of side 16, as it has, got pictures of side 32',
  );
  expect(said({ ...pictures, channels: 3 })).toThrow(
    'expected pictures of 4 channels, as it has, got pictures of 3 channels',
  );
  expect(said({ ...pictures, classes: ['disc'] })).toThrow('expected two or more classes, as it has, got one class');
  expect(said(pictures, { family: 'vae' })).toThrow('expected family gan, as it has, got family vae');
  const bytes = readFileSync(join(at('shapes'), 'trainer.fp16.safetensors'));
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  expect(() => decodeTrainer(bytes)).toThrow(/^trainer: expected SHA-256 .*; export the bundle again with --trainer$/);
});

/** A trainer of a recipe's first state: what it holds is all that is asked of it. */
function untrained(recipe: Recipe): Trainer {
  const progress = { images: 160, beta1Product: 1, beta2Product: 1, seconds: 1 };
  const state = createModel(recipe).initialState();
  return decodeTrainer(encodeTrainer(recipe, pictures.classes, { progress, state }));
}

const sized = (side: number) => ({ ...pictures, width: side, height: side });

test('a GAN goes on at its own size, or grows to twice that', async () => {
  const trainer = untrained(recipeFor('auto', sized(32), { ...settings, width: 64 }));
  expect(trainer.recipe.network).toMatchObject({ resolution: 32, width: 64, fullWidth: 32 });
  const going = (side: number, images = 8) =>
    goingOn({ name: 'small', trainer }, recipeFor('auto', sized(side), { ...settings, images }), ['square', 'disc']);
  expect(going(32).recipe.network).toEqual(trainer.recipe.network);
  const { recipe: next, start } = going(64);
  expect(next.network).toMatchObject({ resolution: 64, width: 32, fullWidth: 16, classes: 2 });
  // What is asked of larger pictures, not what the smaller ones were trained with.
  expect(next.learningRate.from).toBeLessThan(trainer.recipe.learningRate.from);
  const augmented = (side: number, images: number) => asTrained({ ...trainer, images }, sized(side)).augmentProbability;
  const planned = trainer.recipe.images;
  expect([augmented(32, planned), augmented(64, planned)]).toEqual([{ from: 0.8, to: 0.8 }, undefined]);
  // Stopped before its plan: from where it was, not from where it would have been.
  expect(augmented(32, planned / 2)?.from).toBeCloseTo(0.4, 9);
  expect(augmented(32, planned / 2)?.to).toBe(0.8);
  const { values } = trainer;
  for (const [now, before] of [
    ['generator/up2.weight', 'ema/up.weight'],
    ['discriminator/stage0.block0.weight', 'discriminator/full.weight'],
    ['discriminator/down2.weight', 'discriminator/down1.weight'],
  ] as const)
    expect(start[now], now).toEqual(values[before]);
  // Of the other order of classes, by name.
  expect(start['ema/embed.weight']?.subarray(0, 32)).toEqual(values['ema/embed.weight']?.subarray(32));
  const labels = Uint8Array.from({ length: 8 }, (_, i) => i % 2);
  const few = { ...sized(64), pixels: new Uint8Array(8 * 64 * 64 * 4), labels, count: 8 };
  await trainInFolder({ ...common, pictures: few, recipe: next, start, dir: at('grown') });
  expect(() => going(16)).toThrow(
    'going on from small: expected pictures of side 32 or 64, as it has, got pictures of side 16; choose others',
  );
});

test('an autoencoder goes on likewise, the classes of its flow included', () => {
  const vae = recipeFor('auto', pictures, { ...settings, family: 'vae' });
  const trainer = untrained(vae);
  const { start } = goingOn({ name: 'shapes', trainer }, vae, ['square', 'disc']);
  expect(start['decoder/input.weight']).toEqual(trainer.values['ema/decoder/input.weight']);
  const [old = new Float32Array(), now = new Float32Array()] = [trainer.values, start].map(
    (all) => all['ema/flow/classes.weight'],
  );
  expect(now).toHaveLength(old.length);
  expect(now.slice(0, old.length / 2)).toEqual(old.slice(old.length / 2));
});

test('the commands: export --trainer, train --from at the bundle’s own size, and a sentence for what does not fit', async () => {
  const run = promisify(execFile);
  const cli = async (...args: string[]) => (await run('node', ['bin/pocketgen.mjs', ...args])).stderr;
  await cli('export', at('run'), '--out', at('kept'), '--dtype', 'int8', '--trainer');
  for (const [i, label] of pictures.labels.entries()) {
    const data = pictures.pixels.slice(i * 1024, (i + 1) * 1024);
    mkdirSync(join(at('own'), `${label}`), { recursive: true });
    writeFileSync(join(at('own'), `${label}`, `${i}.png`), encodePng({ width: 16, height: 16, channels: 4, data }));
  }
  const go = ['train', '--images', '32', '--evaluations', '0', '--batch', '8', '--out', at('further'), '--from'];
  await cli(...go, at('kept'), '--data', at('own'));
  expect((await readConfig(folderFiles(at('further')))).recipe).toMatchObject({
    network: { resolution: 16, channels: 4, width: 8, classes: 2 },
    augment: { probability: { from: 0.8, to: 0.8 } },
    from: { name: 'kept', images: 160, sha256: trainer.sha256 },
  });
  for (const [flag, ...value] of [['width', '16'], ['grey'], ['background', 'white']])
    await expect(cli(...go, at('kept'), '--data', at('own'), `--${flag}`, ...value)).rejects.toThrow(
      `--${flag}: expected none with --from kept, whose networks are there already and whose pictures are transparent`,
    );
  await expect(cli(...go, at('kept'), '--data', 'fashion-mnist')).rejects.toThrow(
    'expected pictures of side 16, as it has, got pictures of side 28',
  );
  await exportBundle(await loadGenerator(folderFiles(at('run')), warn), {
    out: at('bare'),
    engine: 'onnx',
    variants: ['int8'],
    truncation: 1,
  });
  await expect(cli(...go, at('bare'), '--data', at('own'))).rejects.toThrow('export its run with --trainer');

  const wide = ['--data', at('own'), '--size', '32', '--width', '64', '--transparent', '--evaluations', '0'];
  await cli('train', ...wide, '--images', '8', '--batch', '8', '--out', at('wide'));
  await cli('export', at('wide'), '--out', at('to-grow'), '--dtype', 'int8', '--trainer');
  const said = await cli('train', '--data', at('own'), '--size', '64', '--from', at('to-grow'), '--dry-run');
  expect(said).toContain('dry run, nothing written');
  expect(said).not.toContain('TensorFlow.js');
});
