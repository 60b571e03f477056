// A transparent model from training to files: the bundle of a small RGBA run, through the command line as a user types it.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onBackground } from '../../contract/background.ts';
import { goldenPixels } from '../../contract/bundle.ts';
import { type Manifest, parseManifest } from '../../contract/manifest.ts';
import { contactSheet, scaleUp } from '../../contract/picture.ts';
import { levelsOf } from '../../contract/pixels.ts';
import { decodePng } from '../../contract/png.ts';
import { openBundle } from '../../export/open.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { clearPictures, smallRecipe } from '../small.ts';

const BIN = fileURLToPath(new URL('../../bin/pocketgen.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pocketgen-clear-'));
const [run, bundle] = [join(folder, 'run'), join(folder, 'shapes')];
let manifest: Manifest;

const pocketgen = async (...args: string[]) => promisify(execFile)(process.execPath, [BIN, ...args]);
const sentenceOf = (...args: string[]) =>
  pocketgen(...args).then(
    () => 'nothing',
    (error: { stderr: string }) => error.stderr,
  );
const written = (file: string) => decodePng(readFileSync(join(folder, file)));
const readManifest = () => parseManifest(JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8')));

beforeAll(async () => {
  const pictures = clearPictures();
  // Long enough that some pixels are clear and some are not.
  const recipe = smallRecipe(pictures, { images: 4800 });
  await trainInFolder({ recipe, pictures, source: 'shapes', engine: 'onnx', device: 'cpu', dir: run });
  const about = ['--title', 'Shapes', '--license', 'CC0-1.0'];
  await pocketgen('export', run, '--out', bundle, '--dtype', 'int8,fp16,fp32', ...about);
  manifest = readManifest();
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the bundle and its card say what the export was told to say', () => {
  const card = readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8');
  expect(manifest).toMatchObject({ title: 'Shapes', license: 'CC0-1.0' });
  expect(manifest.description).toContain('Pictures in the manner of');
  expect(card).toMatch(/^# Shapes\n[\s\S]*Licence\*\*: CC0-1\.0\n/);
});

test('the bundle says four channels, and its goldens are straight RGBA with clear pixels', () => {
  expect(manifest.image).toEqual({ width: 16, height: 16, channels: 4 });
  expect(manifest.output.shape).toEqual(['batch', 4, 16, 16]);
  expect(manifest.goldens).toHaveLength(12);
  const alphas = manifest.goldens.flatMap((golden) => [...goldenPixels(golden).filter((_, at) => at % 4 === 3)]);
  expect(Math.min(...alphas)).toBe(0);
  expect(Math.max(...alphas)).toBeGreaterThan(100);
  for (const golden of manifest.goldens) {
    const data = goldenPixels(golden);
    // Straight colours are not bound by alpha; where nothing is seen they are 0.
    for (let at = 0; at < data.length; at += 4)
      if (data[at + 3] === 0) expect([...data.subarray(at, at + 3)]).toEqual([0, 0, 0]);
    const levels = levelsOf({ channels: 4, data });
    for (let at = 0; at < levels.length; at += 4)
      expect(Math.max(...levels.subarray(at, at + 3))).toBeLessThanOrEqual(levels[at + 3] ?? 0);
  }
});

test('verify finds the same bytes on wasm and at most a level, premultiplied, on native CPU', async () => {
  const lines = (await pocketgen('verify', bundle)).stdout.trim().split('\n');
  expect(lines).toHaveLength(6);
  for (const line of lines) expect(line).toMatch(/wasm: .* 0 of|cpu: .* [01] of/);
});

test('a golden that is one level off is told so on wasm, though its straight colours may differ by many', async () => {
  const copy = join(folder, 'altered');
  cpSync(bundle, copy, { recursive: true });
  const golden = manifest.goldens[0];
  const data = goldenPixels(golden as Manifest['goldens'][number]);
  const at = data.findIndex((alpha, i) => i % 4 === 3 && alpha > 0);
  data[at] = (data[at] ?? 0) + 1;
  const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)).toString('hex');
  const goldens = [{ ...golden, sha256, pixels: Buffer.from(data).toString('base64') }, ...manifest.goldens.slice(1)];
  writeFileSync(join(copy, 'model.json'), JSON.stringify({ ...manifest, goldens }));
  expect(await sentenceOf('verify', copy)).toMatch(/golden of seed 1: expected the same bytes, got a difference of 1 /);
});

test('the card says what alpha is, the preview shows the pictures on a checkerboard', async () => {
  const card = readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8');
  expect(card).toContain('16x16, colour with alpha (RGBA)');
  expect(card).toContain('premultiplied');
  const { generator, close } = await openBundle(bundle);
  const cells = Array.from({ length: 12 }, (_, i) => ({ seed: Math.floor(i / 2), class: i % 2, truncation: 1 }));
  const sheet = scaleUp(contactSheet(await generator.generate(cells), 2, 1), 2);
  await close();
  expect(decodePng(readFileSync(join(bundle, 'preview.png')))).toEqual(onBackground(sheet, 'checkerboard'));
});

test('a run’s sample sheets have a column a class and keep alpha, and so have the bundle’s snapshots', () => {
  const [first = ''] = readdirSync(join(run, 'samples'));
  const sheet = decodePng(readFileSync(join(run, 'samples', first)));
  expect([sheet.width, sheet.height, sheet.channels]).toEqual([2 * 17 - 1, 8 * 17 - 1, 4]);
  const snapshot = decodePng(Buffer.from(manifest.metrics?.snapshots.at(-1)?.png ?? '', 'base64'));
  expect([snapshot.width, snapshot.height, snapshot.channels]).toEqual([33, 16, 4]);
});

test('sample keeps alpha in a picture and a sheet, and lays them on a ground when asked', async () => {
  const { generator, close } = await openBundle(bundle);
  const requests = [1, 2, 3].map((seed) => ({ seed, class: 1, truncation: 1 }));
  const pictures = await generator.generate(requests);
  await close();
  const options = ['--class', 'square', '--columns', '2', '--scale', '3'];
  await pocketgen('sample', bundle, '--seed', '1', ...options, '--out', join(folder, 'one.png'));
  expect(written('one.png')).toEqual(scaleUp(pictures[0] as (typeof pictures)[0], 3));
  const sheet = scaleUp(contactSheet(pictures, 2), 3);
  await pocketgen('sample', bundle, '--seeds', '1-3', ...options, '--out', join(folder, 'sheet.png'));
  expect(written('sheet.png')).toEqual(sheet);
  const ground = ['--background', 'checkerboard', '--out', join(folder, 'ground.png')];
  await pocketgen('sample', bundle, '--seeds', '1-3', ...options, ...ground);
  expect(written('ground.png')).toEqual(onBackground(sheet, 'checkerboard'));
});

test('a ground that is none, or for a model without alpha, is one sentence', async () => {
  const out = ['--out', join(folder, 'none.png')];
  expect(await sentenceOf('sample', bundle, '--background', 'mauve', ...out)).toBe(
    'background: expected checkerboard, white, black or a colour such as ff8800, got mauve\n',
  );
  expect(await sentenceOf('sample', 'models/fashion-gan', '--background', 'fff', ...out)).toBe(
    '--background: expected none, as fashion-gan draws no transparent pictures; leave it out\n',
  );
});
