// An encoder trained for a finished generator, of a run and of a bundle: exact resume, what goes into the bundle, and what is refused.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runExport } from '../../cli/commands/export.ts';
import { openSource } from '../../cli/model-source.ts';
import type { Variant } from '../../contract/manifest.ts';
import { decodePng } from '../../contract/png.ts';
import { attachEncoder } from '../../export/attach.ts';
import { type Finished, loadFinished } from '../../export/finished.ts';
import { readManifest } from '../../export/open.ts';
import { recordEvaluation } from '../../export/record.ts';
import { verifyBundle } from '../../export/verify.ts';
import { loadEncoder, loadGenerator } from '../../export/weights.ts';
import { exportBundle } from '../../export/write.ts';
import { pickPictures } from '../../train/data/index.ts';
import { encoderRecipe } from '../../train/families/encoder/recipe.ts';
import { createModel } from '../../train/families/models.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { prefixed, under } from '../../train/nn/tensors.ts';
import { type Recipe, recipeFor } from '../../train/recipe.ts';
import { loadNewestCheckpoint, stateHash } from '../../train/store/checkpoint.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { listSamples, readStats } from '../../train/store/run.ts';
import { clearPictures } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-encoder-'));
const at = (name: string): string => join(folder, name);
const run = at('run');
const VARIANTS = ['int8', 'fp16', 'fp32'] as const;
const pictures = clearPictures();
const common = { pictures, source: 'shapes', engine: 'onnx', device: 'cpu' } as const;
const warn = (sentence: string): void => expect.fail(sentence);
let finished: Finished;
let recipe: Recipe;

const exported = async (out: string, variants: readonly [Variant, ...Variant[]] = VARIANTS) =>
  exportBundle(await loadGenerator(folderFiles(run), warn), { out, variants, truncation: 1, engine: 'onnx' });
const startOf = ({ generator, discriminator = {} }: Finished) => ({
  ...prefixed('ema/generator', generator),
  ...prefixed('discriminator', discriminator),
});

beforeAll(async () => {
  const overrides = { width: 8, batch: 8, images: 160, emaHalfLife: { from: 100, to: 200 } };
  await trainInFolder({ ...common, recipe: recipeFor('auto', pictures, overrides), dir: run });
  await exported(at('plain'));
  finished = await loadFinished(run, warn);
  const { network, generator } = finished;
  recipe = encoderRecipe(network, { generator: stateHash(generator) }, { batch: 8, images: 320 });
  await trainInFolder({ ...common, recipe, start: startOf(finished), heldOut: pictures, dir: join(run, 'encoder') });
});
afterAll(() => rmSync(folder, { recursive: true }));

const stateOf = async (dir: string) => {
  const checkpoint = await loadNewestCheckpoint(folderFiles(dir), createModel(recipe).state, warn);
  expect(checkpoint?.progress.images).toBe(recipe.images);
  return checkpoint?.state ?? {};
};

test('trained in one go and in sessions that end before and within its phases, an encoder is the same to the last bit, and what is frozen has not moved', async () => {
  const pieces = at('pieces');
  const { picturesFrom = 0 } = recipe.encoder ?? {};
  // The first session ends just before the second phase.
  for (const end of [picturesFrom * recipe.images, 160, recipe.images]) {
    const stop = new AbortController();
    // Only the first session is told of the generator: what goes on has it in its checkpoint.
    const start = end < 160 ? { start: startOf(finished) } : {};
    const onProgress = ({ images }: { images: number }) => images >= end && stop.abort();
    await trainInFolder({ ...common, recipe, dir: pieces, ...start, signal: stop.signal, onProgress });
  }
  const whole = await stateOf(join(run, 'encoder'));
  expect(stateHash(await stateOf(pieces))).toBe(stateHash(whole));
  expect(stateHash(under('ema/generator', whole))).toBe(recipe.encoder?.generator);
  expect(stateHash(under('discriminator', whole))).toBe(stateHash(finished.discriminator ?? {}));
});

test('an exported run has its encoder in every variant, whose goldens verify, beside the same generator as without', async () => {
  const { manifest } = await exported(at('whole'));
  expect(manifest.kind).toBe(readManifest(at('plain')).kind);
  expect(manifest.encoder?.goldens).toHaveLength(4 * VARIANTS.length);
  expect(manifest.training.config.encoder).toMatchObject({ imagesSeen: 320, encoder: recipe.encoder });
  for (const variant of VARIANTS)
    expect(readFileSync(join(at('whole'), `generator.${variant}.onnx`))).toEqual(
      readFileSync(join(at('plain'), `generator.${variant}.onnx`)),
    );
  const lines = await verifyBundle(at('whole'), warn);
  expect(lines.filter(({ network }) => network.startsWith('encoder'))).toHaveLength(2 * VARIANTS.length);
});

test('real pictures come out nearer to themselves while it trains, and are drawn beside what comes out', async () => {
  const encoder = folderFiles(join(run, 'encoder'));
  const errors = (await readStats(encoder)).flatMap(({ l1 }) => (typeof l1 === 'number' ? [l1] : []));
  const [first = 0] = errors;
  const last = errors.slice(-10).reduce((sum, error) => sum + error / 10, 0);
  expect(last).toBeLessThan(0.8 * first);
  const sheets = await listSamples(encoder, 'again');
  expect(sheets.map(({ images }) => images)).toEqual((await listSamples(encoder)).map(({ images }) => images));
  const { width, height } = decodePng(readFileSync(join(run, 'encoder', 'samples', sheets.at(-1)?.file ?? '')));
  // Four rows of ten, each above their reconstructions, a pixel between.
  expect([width, height]).toEqual([10 * 17 - 1, 8 * 17 - 1]);
});

test('a run and its bundle draw held-out pictures again alike, within one level', async () => {
  const shown = pickPictures(pictures, [0, 1, 2, 3, 4]);
  const [ofRun, ofBundle] = [await openSource(run, { warn }), await openSource(at('whole'), { variant: 'fp32', warn })];
  const [a, b] = [
    await ofRun.reconstruct?.(shown.pixels, shown.labels),
    await ofBundle.reconstruct?.(shown.pixels, shown.labels),
  ];
  await ofRun.close();
  await ofBundle.close();
  expect(a).toHaveLength(shown.pixels.length);
  expect(a?.filter((level, i) => Math.abs(level - (b?.[i] ?? Number.NaN)) > 1)).toHaveLength(0);
  // Its latents are points: there is no rate.
  expect(ofRun.posterior).toBeUndefined();
});

test.each(VARIANTS)('a generator’s weights are read back from a bundle’s %s file', async (variant) => {
  const bundle = at(`of-${variant}`);
  await exported(bundle, [variant]);
  const { generator, network, discriminator } = await loadFinished(bundle, warn);
  expect(network).toEqual(finished.network);
  expect(discriminator).toBeUndefined();
  expect(Object.keys(generator)).toEqual(Object.keys(finished.generator));
  for (const [name, values] of Object.entries(finished.generator)) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const most = { fp32: 0, fp16: largest / 2 ** 11, int8: largest / 254 }[variant] * 1.001;
    values.forEach((value, i) => {
      if (!(Math.abs(value - (generator[name]?.[i] ?? Number.NaN)) <= most)) expect.fail(`${name}[${i}]`);
    });
  }
});

test('an encoder goes into a bundle whose run is gone, and a later one takes its place; the generator’s files stay', async () => {
  const bundle = at('plain');
  const generators = (): Buffer[] => VARIANTS.map((name) => readFileSync(join(bundle, `generator.${name}.onnx`)));
  const before = generators();
  const encoder = await loadEncoder(folderFiles(join(run, 'encoder')), warn);
  if (!encoder) throw new Error('expected an encoder');
  await attachEncoder(bundle, encoder);
  recordEvaluation(bundle, { dtype: 'int8', generated: { samples: 500 }, real: {}, reconstruction: { psnr: 18 } });
  await attachEncoder(bundle, encoder);
  // What was measured of the encoder before is not said of this one.
  expect(readManifest(bundle).metrics?.evaluations).toEqual([{ dtype: 'int8', generated: { samples: 500 }, real: {} }]);
  expect(generators()).toEqual(before);
  expect(await verifyBundle(bundle, warn)).toHaveLength(4 * VARIANTS.length);
  expect(readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8')).toContain('**Encoder**');
  // The same file as the run's own export writes.
  expect(readFileSync(join(bundle, 'encoder.int8.onnx'))).toEqual(readFileSync(join(at('whole'), 'encoder.int8.onnx')));
  await expect(loadFinished(bundle, warn)).resolves.toMatchObject({ isBundle: true });
});

test('an export of the run keeps the encoder that was put into its bundle while both fit, and else says that it has gone', async () => {
  cpSync(run, at('bare'), { recursive: true });
  rmSync(join(at('bare'), 'encoder'), { recursive: true });
  const bundle = at('kept');
  const encoder = await loadEncoder(folderFiles(join(run, 'encoder')), warn);
  if (!encoder) throw new Error('expected an encoder');
  const lines = vi.spyOn(console, 'error').mockImplementation(() => {});
  const exportAs = async (dtypes: string): Promise<string[]> => {
    lines.mockClear();
    await runExport(at('bare'), bundle, dtypes);
    return lines.mock.calls.flat().filter((line) => line.replaceAll(folder, '').includes('encoder'));
  };
  expect(await exportAs('fp16,fp32')).toEqual([]);
  await attachEncoder(bundle, encoder);
  const before = readManifest(bundle);
  expect(await exportAs('fp16,fp32')).toEqual(
    before.files.flatMap(({ role, path, bytes }) => (role === 'encoder' ? [`${bundle}/${path}: ${bytes} bytes`] : [])),
  );
  const { encoder: again, training } = readManifest(bundle);
  expect([again, training.config.encoder]).toEqual([before.encoder, before.training.config.encoder]);
  expect(await verifyBundle(bundle, warn)).toHaveLength(8);
  expect(await exportAs('fp32')).toHaveLength(1);
  expect(readManifest(bundle).encoder?.goldens).toHaveLength(4);
  const gone = `${bundle}: the encoder that was put into it is of another generator, or in other variants, and has gone; pocketgen encoder ${bundle} trains one for what it is now`;
  expect(await exportAs('int8')).toEqual([gone]);
  await attachEncoder(bundle, encoder);
  await trainInFolder({
    ...common,
    recipe: { ...(await loadGenerator(folderFiles(at('bare')), warn)).config.recipe, images: 168 },
    dir: at('bare'),
  });
  expect(await exportAs('int8')).toEqual([gone]);
  expect(readManifest(bundle).encoder).toBeUndefined();
  lines.mockRestore();
});

test('another generator than the manifest describes, a model with an encoder of its own and an encoder of another snapshot are told', async () => {
  const other = at('other');
  cpSync(at('plain'), other, { recursive: true });
  const json = JSON.parse(readFileSync(join(other, 'model.json'), 'utf8'));
  json.training.config.network.width = 4;
  writeFileSync(join(other, 'model.json'), JSON.stringify(json));
  await expect(loadFinished(other, warn)).rejects.toThrow('expected the generator that its model.json describes');
  delete json.training.config.encoder;
  writeFileSync(join(other, 'model.json'), JSON.stringify(json));
  await expect(loadFinished(other, warn)).rejects.toThrow('which has one of its own');

  await trainInFolder({
    ...common,
    recipe: { ...(await loadGenerator(folderFiles(run), warn)).config.recipe, images: 168 },
    dir: run,
  });
  const said: string[] = [];
  expect((await loadGenerator(folderFiles(run), (sentence) => said.push(sentence))).model.encode).toBeUndefined();
  expect(said.join()).toContain(`remove the folder and train one with pocketgen encoder ${run}`);
});
