// A Transformer from training to files: tokens are learnt, the bundle draws, takes its own pictures back and completes pictures,
// of which what is kept stays to the last level.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSource } from '../../cli/model-source.ts';
import { createCompleter, hiddenOf } from '../../contract/completer.ts';
import { latentOf, oneHot } from '../../contract/latent.ts';
import { completerFile } from '../../contract/lookup.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import { pictureOf } from '../../contract/pixels.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { openBundle, openCompleter, readManifest } from '../../export/open.ts';
import { verifyBundle } from '../../export/verify.ts';
import { tokenNumbers } from '../../train/eval/reconstruction.ts';
import { TRANSFORMER_DEFAULTS } from '../../train/families/transformer/options.ts';
import { recipeFor } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { readStats } from '../../train/store/run.ts';
import { trainedShapes } from '../helpers/shapes-bundle.ts';
import { clearPictures } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-transformer-'));
const [run, bundle] = [join(folder, 'run'), join(folder, 'shapes')];
const pictures = clearPictures();
let manifest: Manifest;
let said: string[];
const warn = (sentence: string): void => expect.fail(sentence);

beforeAll(async () => {
  const emaHalfLife = { from: 100, to: 200 };
  const recipe = recipeFor('auto', pictures, {
    family: 'transformer',
    width: 8,
    batch: 8,
    images: 3200,
    augment: ['shift'],
    emaHalfLife,
  });
  ({ manifest, said } = await trainedShapes(
    {
      ...recipe,
      transformer: {
        ...TRANSFORMER_DEFAULTS,
        levels: [4, 3, 3],
        width: 32,
        layers: 2,
        steps: 4,
        tokensFrom: 0.4,
        guidance: 1.5,
      },
    },
    { run, bundle, variants: ['int8', 'fp32'] },
    warn,
  ));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('training goes through its phases, learns to reconstruct and to expect tokens, and says so', async () => {
  expect(said).toEqual([
    'tokens of pictures from 0 of 3200 images on',
    'tokens of pictures against a discriminator from 320 of 3200 images on',
    'pictures of tokens from 1280 of 3200 images on',
  ]);
  const stats = (await readStats(folderFiles(run))) as Record<string, number>[];
  const of = (name: string): number[] => stats.flatMap((line) => line[name] ?? []);
  expect(of('l1').at(-1)).toBeLessThan(0.5 * (of('l1')[0] ?? 0));
  expect(Math.max(...of('codes'))).toBeGreaterThan(4);
  // 16 tokens of 36 codes: 82.7 bits if nothing were known.
  expect(of('bits')[0]).toBeCloseTo(16 * Math.log2(36), 0);
  expect(of('bits').at(-1)).toBeLessThan(0.8 * 16 * Math.log2(36));
  expect(of('completion').at(-1)).toBeLessThan(0.8 * 16 * Math.log2(36));
});

test('the bundle is of kind transformer, and every golden of its three networks holds, on wasm byte for byte', async () => {
  expect(manifest.kind).toBe('transformer');
  expect(manifest.latent.size).toBe(16);
  expect(manifest.files.map(({ role, variant }) => `${role} ${variant}`)).toEqual(
    ['generator', 'encoder', 'completer'].flatMap((role) => ['int8', 'fp32'].map((variant) => `${role} ${variant}`)),
  );
  const lines = await verifyBundle(bundle, warn);
  expect(lines.filter(({ provider }) => provider === 'wasm').map(({ network }) => network)).toContain('completer int8');
  expect(readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8')).toContain('**Completer**');
});

test('the run tells the bits and codes of pictures, and draws them again', async () => {
  const source = await openSource(run, { warn });
  const tokens = await source.tokens?.(pictures.pixels, pictures.labels);
  const again = await source.reconstruct?.(pictures.pixels, pictures.labels);
  await source.close();
  if (!tokens) throw new Error('expected tokens');
  const { bits, codes } = tokenNumbers(tokens);
  expect(bits).toBeLessThan(16 * Math.log2(36));
  expect(codes).toBeGreaterThan(4);
  expect(again).toHaveLength(pictures.pixels.length);
});

test('a seed’s picture is the same alone, in a batch and by its latent', async () => {
  const { generator, close } = await openBundle(bundle, { variant: 'int8' });
  const requests = Array.from({ length: 8 }, (_, seed) => ({ seed, class: seed % 2, truncation: 1 }));
  const together = await generator.generate(requests);
  const [alone] = await generator.generate(requests.slice(5, 6));
  const [byLatent] = await generator.decode([latentOf(5, 16)], [oneHot(1, 2)]);
  expect(alone?.data).toEqual(together[5]?.data);
  expect(byLatent?.data).toEqual(together[5]?.data);
  await close();
});

const size = 16 * 16 * 4;
const pictureAt = (i: number): Picture =>
  pictureOf(pictures.pixels.slice(i * size, (i + 1) * size), { width: 16, height: 16, channels: 4 });
const lowerHalf = Uint8Array.from({ length: 256 }, (_, i) => (i >= 128 ? 1 : 0));

test('eight seeds complete a picture in more than one way, alone and in a batch alike; what is kept stays to the last bit', async () => {
  const { completer, close } = await openCompleter(bundle, manifest, { variant: 'fp32' });
  const completions = Array.from({ length: 8 }, (_, seed) => ({
    picture: pictureAt(3),
    hidden: lowerHalf,
    latent: latentOf(seed, 16),
    classWeights: oneHot(1, 2),
  }));
  const made = await completer.complete(completions);
  for (const { data } of made) expect(data.subarray(0, 512)).toEqual(pictureAt(3).data.subarray(0, 512));
  expect(new Set(made.map(({ data }) => data.subarray(512).join())).size).toBeGreaterThan(4);
  const [alone] = await completer.complete(completions.slice(5, 6));
  expect(alone?.data).toEqual(made[5]?.data);
  await close();
});

test('the command writes what the completer makes, and says what is wrong with a mask or a model', async () => {
  const [picture, mask, out] = ['picture.png', 'mask.png', 'out.png'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(picture, encodePng(pictureAt(3)));
  const light: Picture = { width: 16, height: 16, channels: 1, data: lowerHalf.map((hidden) => 255 * hidden) };
  writeFileSync(mask, encodePng(light));
  expect(hiddenOf(light)).toEqual(lowerHalf);
  const cli = async (...args: string[]) => (await promisify(execFile)('node', ['bin/pocketgen.mjs', ...args])).stderr;
  const given = ['complete', bundle, picture, '--seed', '7', '--dtype', 'fp32', '-o', out];
  await cli(...given, '--class', 'square', '--mask', mask);
  const { completer, close } = await openCompleter(bundle, readManifest(bundle), { variant: 'fp32' });
  const [expected] = await completer.complete([
    { picture: pictureAt(3), hidden: lowerHalf, latent: latentOf(7, 16), classWeights: oneHot(1, 2) },
  ]);
  await close();
  expect(decodePng(readFileSync(out)).data).toEqual(expected?.data);
  writeFileSync(mask, encodePng({ ...light, data: new Uint8Array(256) }));
  await expect(cli(...given, '--mask', mask)).rejects.toThrow('expected light places, which are drawn anew, got none');
  const { completer: _, ...without } = manifest;
  expect(() => parseManifest(without)).toThrow('no completer, as the manifest describes none');
  expect(() => completerFile({ ...manifest, completer: undefined })).toThrow(
    'expected a model that completes pictures',
  );
  expect(() => createCompleter({ ...manifest, completer: undefined }, {} as never, {} as never)).toThrow('only draws');
});
