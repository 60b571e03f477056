// Watching a training in the page: a real server on a models folder that is written as the trainer writes it. The pictures
// get better in place, nothing flashes, nobody loses their place, and the end says how to go on. Real Chromium.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { latentOf } from '../../contract/latent.ts';
import type { Training } from '../../contract/training.ts';
import { type RunningServer, startServer } from '../../edge/node.ts';
import { launchBrowser } from '../browser.ts';
import { type TestBundle, writeBundle } from '../web-bundles.ts';
import { builtSite, digest, openPage, referenceGenerator, violations, waitForPhase } from '../web-harness.ts';

const NAME = 'sprites';
const BUNDLE: TestBundle = { name: NAME, size: 32, channels: 3, ground: 'white', classes: ['a', 'b'] };

let folder: string;
let models: string;
let server: RunningServer;
let browser: Browser;

beforeAll(async () => {
  await builtSite();
  browser = await launchBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-live-'));
  models = join(folder, 'models');
  mkdirSync(models);
});
afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function serve(): Promise<string> {
  const page = await builtSite();
  const notice = (message: string) => console.log(message);
  const options = { models, provider: 'wasm', perMinute: 0, keys: undefined, log: undefined, page, notice } as const;
  server = await startServer({ ...options, port: 0, host: '127.0.0.1' });
  return `${server.url}/`;
}

const measured = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    images: (i + 1) * 1000,
    kid: 0.498 / (i + 1),
    // Of a small distance the interval begins below 0, which needs another scale.
    kidLow: i < 3 ? 0.4 / (i + 1) : -0.02,
    kidHigh: 0.6 / (i + 1),
    coverage: 0.2 + 0.1 * i,
    nearCopies: 0.01,
  }));

function writeTraining(changes: Partial<Training>, into = join(models, NAME)): void {
  mkdirSync(into, { recursive: true });
  const training: Training = {
    model: NAME,
    state: 'training',
    images: 0,
    total: 50_000,
    imagesPerSecond: 62.4,
    secondsLeft: 800,
    updated: new Date().toISOString(),
    history: [],
    ...changes,
  };
  writeFileSync(join(into, 'training.json.tmp'), JSON.stringify(training));
  renameSync(join(into, 'training.json.tmp'), join(into, 'training.json'));
}

/** Puts a newer bundle in the place of the one before, as the trainer does. */
async function writeSnapshot(version: number, images: number, changes: Partial<Training> = {}): Promise<void> {
  const next = join(folder, `next-${version}`);
  const { sha256 } = await writeBundle(next, { ...BUNDLE, version, imagesSeen: images });
  writeTraining({ images, snapshot: { images, sha256 }, ...changes }, join(next, NAME));
  rmSync(join(models, NAME), { recursive: true, force: true });
  renameSync(join(next, NAME), join(models, NAME));
}

/** What the newest bundle draws of a seed's latent and class a: the red levels. */
async function expected(seed: number): Promise<string> {
  const generator = await referenceGenerator(folder, NAME);
  const [picture] = await generator.decode([latentOf(seed, 8)], [Float32Array.of(1, 0)]);
  return digest(Array.from(picture?.data ?? []).filter((_, i) => i % 3 === 0));
}

async function redOf(page: Page, selector: string): Promise<string> {
  const levels = await page.locator(selector).evaluate((canvas: HTMLCanvasElement) => {
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return Array.from(data).filter((_, i) => i % 4 === 0);
  });
  return digest(levels);
}

/** Resolves when the canvas shows exactly that. */
async function becomes(page: Page, selector: string, wanted: string): Promise<void> {
  await expect.poll(() => redOf(page, selector), { timeout: 20_000, interval: 200 }).toBe(wanted);
}

/** Notes, frame by frame, whether anything was covered, emptied or taken away. */
function watchForFlashes(): void {
  const seen = new Set<string>();
  (globalThis as unknown as { flashes: Set<string> }).flashes = seen;
  const frame = () => {
    if (document.querySelector('.cover') !== null) seen.add('cover');
    if (document.querySelector('.frame:not(.made)') !== null) seen.add('frame');
    if (document.querySelectorAll('.wall .tile:not(.made)').length > 0) seen.add('tile');
    const canvases = [document.querySelector('.frame canvas'), document.querySelector('.wall canvas')];
    for (const canvas of canvases) {
      if (!(canvas instanceof HTMLCanvasElement)) continue;
      const alpha = canvas.getContext('2d')?.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3];
      if (alpha !== 255) seen.add('empty');
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const flashes = (page: Page) => page.evaluate(() => [...(globalThis as unknown as { flashes: Set<string> }).flashes]);

test('from "the first pictures come in about a minute" over better and better pictures to the end of the training', async () => {
  writeTraining({ images: 100 });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`${await serve()}#model=${NAME}&seed=7&class=a`);
  await page.locator('.cover').getByText('The first pictures come in about a minute').waitFor();
  const live = page.getByRole('region', { name: 'Training' });
  await live.getByText('100 of 50,000 images').waitFor();
  expect(await live.textContent()).toContain('62 a second · 13 min left');

  await writeSnapshot(1, 1000);
  await page.waitForSelector('.frame.made');
  expect(new URL(page.url()).hash).toContain('seed=7&class=a');
  await becomes(page, '.frame canvas', await expected(7));
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
  await live.getByText('The pictures here are from after 1,000 images.').waitFor();
  await live.getByText('The quality curve begins with the second measurement.').waitFor();

  // Better ones, in place.
  await page.evaluate(watchForFlashes);
  await page.evaluate(() => scrollTo(0, 300));
  const place = await page.evaluate(() => scrollY);
  const address = page.url();
  await writeSnapshot(2, 2000, { history: measured(3) });
  const second = await expected(7);
  await becomes(page, '.frame canvas', second);
  await becomes(page, '.wall li:nth-child(60) canvas', await expected(60));
  await live.getByText('The pictures here are from after 2,000 images.').waitFor();
  await page.waitForSelector('.live .chart canvas');
  expect(await page.locator('.legend').textContent()).toContain('(KID), less is better: 0.17');
  expect(await violations(page)).toEqual([]);
  await writeSnapshot(3, 3000, { history: measured(4) });
  const third = await expected(7);
  expect(third).not.toBe(second);
  await becomes(page, '.frame canvas', third);
  expect(await flashes(page)).toEqual([]);
  expect(page.url()).toBe(address);
  expect(await page.evaluate(() => scrollY)).toBe(place);

  // It works without a network still, and one file of the model is on the device, not three.
  await page.waitForSelector('.ready:not([hidden])');
  const kept = await page.evaluate(
    async () => (await (await caches.open('pocketgen-files')).keys()).filter(({ url }) => url.includes('.onnx')).length,
  );
  expect(kept).toBe(1);

  writeTraining({ state: 'stopped', images: 3100, history: measured(4) });
  await live.getByText('Training stopped').waitFor({ timeout: 10_000 });
  await live.getByText('The same command goes on from here.').waitFor();
  writeTraining({ state: 'finished', images: 50_000, history: measured(4) });
  await live.getByText('Training finished').waitFor({ timeout: 30_000 });
  await live.getByText('larger --images').waitFor();
  expect(errors).toEqual([]);
  await context.close();
});

test('a training that begins after the page was opened is in the list, and its link opens it', async () => {
  await writeBundle(models, { ...BUNDLE, name: 'older', title: 'Older' });
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, await serve());
  await page.waitForSelector('.frame.made');
  expect(await page.locator('#model').textContent()).toBe('Older');
  await writeSnapshot(1, 1000);
  await expect
    .poll(async () => (await (await fetch(`${server.url}/models/index.json`)).json()).length, { timeout: 10_000 })
    .toBe(2);
  await page.locator('#model').click();
  await page.getByRole('dialog').getByText('being trained').waitFor();
  await page.keyboard.press('Escape');
  await page.evaluate((name) => {
    location.hash = `model=${name}&seed=7&class=a`;
  }, NAME);
  await page.getByText('The pictures here are from after 1,000 images.').waitFor();
  await becomes(page, '.frame canvas', await expected(7));
  await page.evaluate(() => {
    location.hash = 'model=nowhere';
  });
  await page.getByText('There is no model nowhere here').waitFor();
  expect(errors).toEqual([]);
  await context.close();
});

test('a newer snapshot leaves a dragged point of the explorer and a walk where they are', async () => {
  await writeSnapshot(1, 1000);
  const context = await browser.newContext({ viewport: { width: 390, height: 780 } });
  const { page, errors } = await openPage(context, `${await serve()}#model=${NAME}&seed=7&class=a&view=explore`);
  await page.waitForSelector('.frame.made');
  const box = await page.locator('.pad').boundingBox();
  if (box === null) throw new Error('no pad');
  await page.mouse.click(box.x + box.width * 0.8, box.y + box.height * 0.3);
  await page.waitForTimeout(400);
  const cross = () => page.locator('.cross').evaluate(({ style }: HTMLElement) => [style.left, style.top]);
  const [at, before] = [await cross(), await redOf(page, '.frame canvas')];
  await page.evaluate(watchForFlashes);
  await writeSnapshot(2, 2000);
  await expect.poll(() => redOf(page, '.frame canvas'), { timeout: 20_000 }).not.toBe(before);
  expect(await cross()).toEqual(at);
  expect(await page.locator('.source').textContent()).toBe('found by hand');

  await page.locator('.tab[data-view=walk]').click();
  await page.locator('.scrub').fill('0.5');
  await page.waitForTimeout(400);
  const half = await redOf(page, '.frame canvas');
  await writeSnapshot(3, 3000);
  await expect.poll(() => redOf(page, '.frame canvas'), { timeout: 20_000 }).not.toBe(half);
  expect(await page.locator('.scrub').inputValue()).toBe('0.5');
  expect(await flashes(page)).toEqual([]);
  expect(errors).toEqual([]);
  await context.close();
});

test('a hidden page asks seldom, and at once when it is seen again; a server that is gone is said', async () => {
  await writeSnapshot(1, 1000);
  const context = await browser.newContext();
  await context.addInitScript(() => {
    let hidden = false;
    Object.defineProperty(document, 'hidden', { get: () => hidden });
    (globalThis as unknown as { hide: (value: boolean) => void }).hide = (value) => {
      hidden = value;
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
  const { page } = await openPage(context, `${await serve()}#model=${NAME}`);
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().includes('/v1/training/')) asked++;
  });
  const hide = (value: boolean) =>
    page.evaluate((hidden) => (globalThis as unknown as { hide(hidden: boolean): void }).hide(hidden), value);
  await page.waitForTimeout(9000);
  expect(asked).toBeGreaterThanOrEqual(2);
  await hide(true);
  await page.waitForTimeout(4500); // the question that was due
  asked = 0;
  await page.waitForTimeout(9000);
  expect(asked).toBe(0);
  await hide(false);
  await page.waitForTimeout(500);
  expect(asked).toBe(1);

  await server.close();
  await page.getByText('No answer from the training').waitFor({ timeout: 20_000 });
  await waitForPhase(page, 'running');
  await page.locator('#seed').fill('still drawing');
  await page.waitForFunction(() => /still drawing/.test(document.querySelector('.source')?.textContent ?? ''));
  await context.close();
});
