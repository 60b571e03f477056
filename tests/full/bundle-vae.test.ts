// A variational autoencoder from training to files: the same contract as a GAN's bundle, and an encoder beside it that takes
// its own pictures back.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSource } from '../../cli/model-source.ts';
import { createEncoder } from '../../contract/encoder.ts';
import { oneHot } from '../../contract/latent.ts';
import { encoderFile } from '../../contract/lookup.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { levelsOf, pictureOf } from '../../contract/pixels.ts';
import { openBundle, readNetwork, startSession } from '../../export/open.ts';
import { verifyBundle } from '../../export/verify.ts';
import { posteriorNumbers } from '../../train/eval/reconstruction.ts';
import { recipeFor } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { readStats } from '../../train/store/run.ts';
import { trainedShapes } from '../helpers/shapes-bundle.ts';
import { clearPictures } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-vae-'));
const [run, bundle] = [join(folder, 'run'), join(folder, 'shapes')];
let manifest: Manifest;
let said: string[];
const warn = (sentence: string): void => expect.fail(sentence);

beforeAll(async () => {
  const pictures = clearPictures();
  // Averaged over a part of so short a run.
  const emaHalfLife = { from: 200, to: 400 };
  const narrow = recipeFor('auto', pictures, { family: 'vae', width: 8, batch: 8, images: 4800, emaHalfLife });
  // In so few images four channels at full resolution, which go with that width, learn too little.
  const recipe = { ...narrow, network: { ...narrow.network, fullWidth: 16 } };
  ({ manifest, said } = await trainedShapes(recipe, { run, bundle, variants: ['int8', 'fp16', 'fp32'] }, warn));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('training goes through its phases, learns to reconstruct and says so', async () => {
  expect(said).toEqual([
    'reconstruction from 0 of 4800 images on',
    'reconstruction against a discriminator from 960 of 4800 images on',
    'flow prior from 3840 of 4800 images on',
  ]);
  const stats = (await readStats(folderFiles(run))) as Record<string, number>[];
  const l1 = stats.flatMap((line) => line.l1 ?? []);
  const flow = stats.flatMap((line) => line.flow ?? []);
  expect(l1.at(-1)).toBeLessThan(0.3 * (l1[0] ?? 0));
  expect(flow.at(-1)).toBeLessThan(0.8 * (flow[0] ?? 0));
});

test('the bundle is of kind vae, and every golden of both networks holds, on wasm byte for byte', async () => {
  expect(manifest.kind).toBe('vae');
  expect(manifest.files.map(({ role, variant }) => `${role} ${variant}`)).toEqual(
    ['generator', 'encoder'].flatMap((role) => ['int8', 'fp16', 'fp32'].map((variant) => `${role} ${variant}`)),
  );
  expect(manifest.encoder?.goldens).toHaveLength(12);
  const lines = await verifyBundle(bundle, warn);
  expect(lines.map(({ network, provider }) => `${network} ${provider}`)).toContain('encoder int8 wasm');
  expect(lines).toHaveLength(12);
  const card = readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8');
  expect(card).toContain('VAE generator, 16x16');
  expect(card).toContain('**Encoder**');
});

test('what the encoder makes of a training picture draws it again: nearer to it than to any other', async () => {
  const { session, Tensor } = await startSession(await readNetwork(bundle, encoderFile(manifest, 'fp32')), 'wasm');
  const encoder = createEncoder(manifest, session, Tensor);
  const { generator, close } = await openBundle(bundle, { variant: 'fp32' });
  const { pixels, labels } = clearPictures();
  const size = 16 * 16 * 4;
  const pictures = Array.from({ length: 16 }, (_, i) =>
    pictureOf(pixels.slice(i * size, (i + 1) * size), { width: 16, height: 16, channels: 4 }),
  );
  const classes = pictures.map((_, i) => oneHot(labels[i] ?? 0, 2));
  const again = await generator.decode(await encoder.encode(pictures, classes), classes);
  const apart = (a: Picture, b: Picture): number => {
    const [x, y] = [levelsOf(a), levelsOf(b)];
    return x.reduce((sum, level, i) => sum + Math.abs(level - (y[i] ?? 0)), 0) / x.length;
  };
  const nearest = again.map((picture) => {
    const distances = pictures.map((other) => apart(picture, other));
    return distances.indexOf(Math.min(...distances));
  });
  // One of sixteen would be chance.
  expect(nearest.filter((at, i) => at === i).length).toBeGreaterThanOrEqual(9);
  await close();
  await session.release();
});

test('the run says what the latents of pictures carry: the rate it was held at, in more than one number', async () => {
  const source = await openSource(run, { warn });
  const { pixels, labels } = clearPictures();
  const known = await source.posterior?.(pixels);
  const again = await source.reconstruct?.(pixels, labels);
  await source.close();
  if (!known) throw new Error('expected what the encoder knows');
  const { rate, activeUnits } = posteriorNumbers(known);
  const last = (await readStats(folderFiles(run))).findLast((line) => typeof line.rate === 'number');
  expect(rate / Number(last?.rate)).toBeGreaterThan(0.5);
  expect(rate / Number(last?.rate)).toBeLessThan(2);
  expect(activeUnits).toBeGreaterThan(1);
  expect(again).toHaveLength(pixels.length);
});

test('an encoder’s file or golden that was altered is named', async () => {
  const broken = join(folder, 'broken');
  cpSync(bundle, broken, { recursive: true });
  const [golden] = manifest.encoder?.goldens ?? [];
  if (!manifest.encoder || !golden) throw new Error('expected an encoder');
  const wrong = { ...golden, sha256: '0'.repeat(64) };
  const altered = { ...manifest, encoder: { ...manifest.encoder, goldens: [wrong] } };
  writeFileSync(join(broken, 'model.json'), JSON.stringify(altered));
  await expect(verifyBundle(broken, warn)).rejects.toThrow('the latent of golden 0 of its int8 encoder byte for byte');
  const { encoder: _, ...without } = manifest;
  expect(() => parseManifest(without)).toThrow('no encoder, as the manifest describes none');
  expect(() => encoderFile({ ...manifest, encoder: undefined })).toThrow('expected a model with an encoder');
  expect(existsSync(join(bundle, 'encoder.int8.onnx'))).toBe(true);
});
