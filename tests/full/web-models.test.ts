// Several models: the list is the server's, the first one opens, only what is shown is downloaded, each visited one works
// without a network, and two versions of a bundle are never mixed. Real Chromium.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { latentOf } from '../../contract/latent.ts';
import { launchBrowser } from '../browser.ts';
import { type TestBundle, writeBundle, zipOf } from '../web-bundles.ts';
import { addOwn, builtSite, digest, MODEL, openPage, referenceGenerator, waitForPhase } from '../web-harness.ts';
import { serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-models-'));
const models = join(folder, 'models');
const TWO: TestBundle[] = [
  { name: 'dungeon', title: 'Dungeon', size: 32, channels: 4, kind: 'unheard-of', classes: ['monster', 'item'] },
  { name: 'emoji', title: 'Emoji', size: 64, channels: 3, kind: 'vae', classes: ['flags', 'food', 'faces'] },
];

let dist: string;
let browser: Browser;

beforeAll(async () => {
  dist = await builtSite();
  for (const bundle of TWO) await writeBundle(models, bundle);
  cpSync(join('models', MODEL), join(models, MODEL), { recursive: true });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

async function pick(page: Page, title: string): Promise<void> {
  await page.locator('#model').click();
  await page.getByRole('dialog').getByRole('button', { name: title }).click();
}

async function shows(page: Page, title: string, size: number): Promise<void> {
  await page.waitForFunction(
    ([text, side]) =>
      document.querySelector('#model')?.textContent === text &&
      document.querySelector<HTMLCanvasElement>('.frame.made canvas')?.width === side,
    [title, size] as const,
  );
}

const modelsAsked = (log: { path: string }[]) => [
  ...new Set(log.flatMap(({ path }) => /\/models\/([^/]+)\/\w/.exec(path)?.[1] ?? [])),
];

test('three bundles: a first visit downloads the one it shows; each choice says what it is, and is downloaded when chosen', async () => {
  const site = await serveSite(dist, { models });
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, site.url);
  await shows(page, 'Dungeon', 32);
  await page.waitForSelector('.ready:not([hidden])');
  expect(modelsAsked(site.log)).toEqual(['dungeon']);

  await page.locator('#model').click();
  const facts = await page.locator('.choice').allTextContents();
  expect(facts.map((text) => text.replace(/[\d.]+ MB$/, 'MB'))).toEqual([
    'Dungeon32 × 32, colour, transparent · 2 classes · MB',
    'Emoji64 × 64, colour · 3 classes · MB',
    'Fashion28 × 28, grey · 10 classes · MB',
  ]);
  await page.keyboard.press('Escape');
  expect(modelsAsked(site.log)).toEqual(['dungeon']);

  await pick(page, 'Emoji');
  await shows(page, 'Emoji', 64);
  expect(await page.title()).toBe('Emoji · pocketgen');
  expect(await page.locator('.chip').allTextContents()).toEqual(['Any', 'flags', 'food', 'faces']);
  expect(modelsAsked(site.log)).toEqual(['dungeon', 'emoji']);
  await page.waitForSelector('.ready:not([hidden])');

  // How it works is told of the model's family, and of one that the page does not know what is true of all.
  const told = page.locator('.sentences li').first();
  await page.locator('.tab[data-view=how]').click();
  expect(await told.textContent()).toContain('An autoencoder is two networks');
  await pick(page, 'Dungeon');
  await expect.poll(() => told.textContent()).toBe('The network turns a list of 8 random numbers into a picture.');
  await pick(page, 'Emoji');
  await shows(page, 'Emoji', 64);

  // Without a network: both of those, and the third in a sentence that leaves the page as it is.
  await site.close();
  await page.reload();
  await shows(page, 'Emoji', 64);
  await pick(page, 'Dungeon');
  await shows(page, 'Dungeon', 32);
  await pick(page, 'Fashion');
  await page.getByText('The network did not deliver').waitFor();
  await shows(page, 'Dungeon', 32);
  expect(await page.locator('.cover').count()).toBe(0);
  expect(errors.filter((error) => !/ERR_CONNECTION_REFUSED|Failed to fetch|ERR_FAILED/.test(error))).toEqual([]);
  await context.close();
});

test('choosing one model after another quickly ends at the last one', async () => {
  const site = await serveSite(dist, { models });
  site.intercept = (path, _request, response) => {
    // The first choice is slower than the second.
    if (path !== '/models/emoji/model.json') return false;
    setTimeout(() => response.end(readFileSync(join(models, 'emoji', 'model.json'))), 1200);
    return true;
  };
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, site.url);
  await shows(page, 'Dungeon', 32);
  await pick(page, 'Emoji');
  await pick(page, 'Fashion');
  await shows(page, 'Fashion', 28);
  await page.waitForTimeout(1500);
  await shows(page, 'Fashion', 28);
  expect(errors).toEqual([]);
  await context.close();
  await site.close();
});

test('a bundle replaced between its manifest and its file is never mixed: the newer one is shown, one file is kept', async () => {
  const newer = join(folder, 'newer');
  await writeBundle(newer, { ...TWO[0], version: 2 } as TestBundle);
  const site = await serveSite(dist, { models });
  let manifests = 0;
  let files = 0;
  site.intercept = (path, _request, response) => {
    if (path === '/models/dungeon/model.json') {
      response.end(readFileSync(join(manifests++ === 0 ? models : newer, 'dungeon', 'model.json')));
      return true;
    }
    if (path !== '/models/dungeon/generator.fp32.onnx') return false;
    files++;
    response.end(readFileSync(join(newer, 'dungeon', 'generator.fp32.onnx')));
    return true;
  };
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=dungeon&seed=5&class=item`);
  await page.waitForSelector('.frame.made');
  await waitForPhase(page, 'running');
  expect({ manifests, asked: files >= 2 }).toEqual({ manifests: 2, asked: true });
  const shown = await page.locator('.frame canvas').evaluate((canvas: HTMLCanvasElement) => {
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return Array.from(data).filter((_, i) => i % 4 === 3); // alpha comes through a canvas as it is
  });
  const [picture] = await (await generatorOf(newer)).decode([latentOf(5, 8)], [Float32Array.of(0, 1)]);
  expect(digest(shown)).toBe(digest(Array.from(picture?.data ?? []).filter((_, i) => i % 4 === 3)));
  const kept = await page.evaluate(
    async () => (await (await caches.open('pocketgen-files')).keys()).filter(({ url }) => url.includes('.onnx')).length,
  );
  expect(kept).toBe(1);
  await context.close();
  await site.close();
});

test('an own bundle that replaces another of its name is drawn everywhere, with its own classes, as if it had been the first', async () => {
  const site = await serveSite(dist, { models });
  const own = join(folder, 'own');
  const bundle = { name: 'cats', title: 'Cats', size: 32, channels: 3 } as const;
  await writeBundle(join(own, '1'), { ...bundle, classes: ['tabby', 'tortie'] });
  await writeBundle(join(own, '2'), { ...bundle, classes: ['black', 'white'], version: 2 });
  const [first, second] = [zipOf(join(own, '1', 'cats')), zipOf(join(own, '2', 'cats'))];
  const drawnAfter = async (...zips: Uint8Array[]) => {
    const context = await browser.newContext();
    const { page } = await openPage(context, site.url);
    let before = '';
    for (const zip of zips) {
      await addOwn(page, zip);
      await page.locator('.messages', { hasText: 'Cats is on this device now' }).waitFor();
      // Every view is there when the next one comes.
      for (const view of ['Mix', 'Wall'])
        await page.getByRole('navigation').getByRole('button', { name: view }).click();
      const drawn = () =>
        page.evaluate(() => {
          const pixels = (canvas: HTMLCanvasElement | null) =>
            Array.from(canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []);
          const tiles = [...document.querySelectorAll<HTMLCanvasElement>('.wall .tile.made canvas')];
          if (tiles.length < 60) return '';
          return JSON.stringify(
            [document.querySelector<HTMLCanvasElement>('.frame.made canvas'), ...tiles].map(pixels),
          );
        });
      await expect.poll(drawn, { timeout: 30_000 }).not.toBe(before);
      await expect.poll(drawn, { timeout: 30_000 }).not.toBe('');
      before = await drawn();
    }
    await page.getByRole('navigation').getByRole('button', { name: 'Mix' }).click();
    const classes = await page.locator('.other select option').allTextContents();
    const networks = await page.evaluate(
      async () => (await (await caches.open('pocketgen-own')).keys()).filter(({ url }) => url.includes('.onnx')).length,
    );
    await context.close();
    return { classes, networks, drawn: digest(Buffer.from(before)) };
  };
  const replaced = await drawnAfter(first, second);
  expect(replaced).toEqual({ ...(await drawnAfter(second)), classes: ['Any', 'black', 'white'], networks: 1 });
  await site.close();
});

async function generatorOf(parent: string) {
  const root = join(folder, 'reference');
  cpSync(parent, join(root, 'models'), { recursive: true });
  return referenceGenerator(root, 'dungeon');
}
