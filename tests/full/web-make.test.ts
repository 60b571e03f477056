// Making a model on the page, real Chromium: transparent pictures from a zip and from a folder, begun from another model, each kind
// of model, and quality measured while it trains.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync, zipSync } from 'fflate';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pictureOf } from '../../contract/pixels.ts';
import { encodePng } from '../../contract/png.ts';
import { loadGenerator, loadTrainer } from '../../export/weights.ts';
import { exportBundle } from '../../export/write.ts';
import { FAMILIES } from '../../train/families/family.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { recipeFor } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { launchBrowser } from '../browser.ts';
import { chooseFiles, openMaking, press, said } from '../helpers/making.ts';
import { clearPictures } from '../small.ts';
import { builtSite, violations } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-web-make-'));
const at = (...names: string[]): string => join(folder, ...names);
const warn = (sentence: string): void => expect.fail(sentence);
const shapes = clearPictures(128);
const inFolders: Record<string, Uint8Array> = {};
let site: Site;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  for (const [i, label] of shapes.labels.entries()) {
    const picture = pictureOf(shapes.pixels.slice(i * 1024, (i + 1) * 1024), shapes);
    const kind = shapes.classes[label] ?? '';
    inFolders[`${kind}/${i}.png`] = encodePng(picture);
    mkdirSync(at('own', kind), { recursive: true });
    writeFileSync(at('own', kind, `${i}.png`), encodePng(picture));
  }
  const recipe = recipeFor('auto', shapes, { width: 8, batch: 8, images: 160 });
  await trainInFolder({ pictures: shapes, source: 'shapes', engine: 'onnx', device: 'cpu', recipe, dir: at('run') });
  const run = folderFiles(at('run'));
  const options = { engine: 'onnx', variants: ['int8'], truncation: 1 } as const;
  await exportBundle(await loadGenerator(run, warn), { ...options, out: at('models', 'bare') });
  const trainer = await loadTrainer(run, warn);
  await exportBundle(await loadGenerator(run, warn), { ...options, out: at('models', 'kept'), trainer });
  site = await serveSite(await builtSite(), { models: at('models') });
  browser = await launchBrowser();
  context = await browser.newContext({ acceptDownloads: true });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

const open = (): Promise<Page> => openMaking(context, site.url, 'kept');

test('transparent pictures of a zip go on from a model that has what for, quality is measured, and the command takes both further', async () => {
  const page = await open();
  await chooseFiles(page, 'Add a zip', {
    ...{ name: 'shapes.zip', mimeType: 'application/zip', buffer: Buffer.from(zipSync(inFolders)) },
  });
  await page.getByText('disc: 64').waitFor();
  await page.getByText('square: 64').waitFor();
  const transparent = page.getByLabel('Transparent around things');
  await expect.poll(() => transparent.isChecked(), { timeout: 60_000 }).toBe(true); // most pictures are

  const begin = page.getByLabel('Begin with');
  await begin.selectOption('bare');
  await page.getByText(/was made without what a training can go on from/).waitFor();
  expect(await begin.inputValue()).toBe('');
  await begin.selectOption('kept');
  await page.getByText(/It goes on from/).waitFor();
  const size = page.getByLabel('Size in pixels');
  expect([await size.inputValue(), await size.isDisabled(), await transparent.isDisabled()]).toEqual([
    '16',
    true,
    true,
  ]);
  expect(await violations(page)).toEqual([]);
  await press(page, 'See how long it takes');
  await page.getByText(/128 pictures, 16 × 16/).waitFor({ timeout: 120_000 });
  await press(page, 'Train until first shapes');
  await said(page, /^Learning to judge pictures/);
  await page.locator('.making-now .legend').waitFor({ timeout: 400_000 });
  expect(await page.locator('.making-now .legend').innerText()).toMatch(/KID/);
  await press(page, 'Pause');
  await said(page, /^Paused and saved/);

  const waiting = page.waitForEvent('download', { timeout: 120_000 });
  await press(page, 'Save the training for another device');
  const zip = at('page.run.zip');
  await (await waiting).saveAs(zip);
  const packed = unzipSync(new Uint8Array(readFileSync(zip)));
  expect(Object.keys(packed)).toEqual(
    expect.arrayContaining(['held-out.safetensors', 'judge.onnx', 'best.safetensors']),
  );
  const text = (name: string): string => new TextDecoder().decode(packed[name]);
  const { recipe } = JSON.parse(text('config.json'));
  expect(recipe).toMatchObject({ from: { name: 'kept', images: 160 }, network: { width: 8, channels: 4 } });
  const points = text('stats.jsonl').match(/"kid":/g)?.length ?? 0;
  expect(points).toBeGreaterThan(1);
  const flags = ['--resume', zip, '--minutes', '0.1', '--engine', 'onnx'];
  const { stderr } = await promisify(execFile)(process.execPath, ['bin/pocketgen.mjs', 'train', ...flags]);
  expect(stderr).toMatch(/after \d+ images: KID/);
  expect(stderr).not.toMatch(/training what judges/); // the page's judge came along

  await press(page, 'Keep as a model');
  await page.getByText(/My pictures is among your models now, as it drew after/).waitFor({ timeout: 120_000 });
  // What the page keeps can be begun from as well.
  const [kept] = await begin
    .locator('option')
    .evaluateAll((all) =>
      all.map((one) => (one as HTMLOptionElement).value).filter((value) => /^own:my-pictures-[0-9a-f]{4}$/.test(value)),
    );
  await begin.selectOption(kept ?? '');
  await page.getByText(/It goes on from/).waitFor();
  await page.close();
}, 900_000);

test('a folder of pictures is taken, and every other kind of model trains on it', async () => {
  const page = await open();
  await chooseFiles(page, 'Add a folder', at('own'));
  await page.getByText('disc: 64').waitFor();
  await page.getByLabel('Size in pixels').selectOption('16');
  await page.getByLabel('Network').selectOption('small');
  for (const [i, family] of FAMILIES.filter((one) => one !== 'gan').entries()) {
    await page.getByLabel('Name of the model').fill(family);
    await page.getByLabel('Kind', { exact: true }).selectOption(family);
    await press(page, 'See how long it takes');
    await page.getByText(/128 pictures, 16 × 16/).waitFor({ timeout: 120_000 });
    await press(page, 'Train until first shapes');
    await said(page, /^\d+ of 40,000 images/);
    await page.locator('.samples canvas').waitFor();
    await press(page, 'Pause');
    await said(page, /^Paused and saved/);
    expect(await page.locator('.making li[data-run]').count()).toBeGreaterThan(i);
  }
  await page.close();
}, 900_000);
