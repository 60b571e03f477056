// A network that accepts and never answers, and servers that answer something else than before: what the device has is shown
// at once, and nothing that worked is replaced by something unchecked. Real Chromium, real service worker.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { writeBundle } from '../web-bundles.ts';
import { builtSite, digest, openPage, waitForPhase } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-slow-'));
const [models, newer, larger] = [join(folder, 'models'), join(folder, 'newer'), join(folder, 'larger')];
const BUNDLE = { name: 'dungeon', title: 'Dungeon', size: 32, channels: 3 } as const;
let dist: string;
let browser: Browser;
let context: BrowserContext;
let site: Site;

beforeAll(async () => {
  dist = await builtSite();
  await writeBundle(models, BUNDLE);
  await writeBundle(newer, { ...BUNDLE, version: 2 });
  await writeBundle(larger, { ...BUNDLE, size: 48 });
  browser = await launchBrowser();
});
beforeEach(async () => {
  site = await serveSite(dist, { models });
  context = await browser.newContext();
});
afterEach(async () => {
  await context.close();
  await site.close();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** The page with everything kept, and the digest of the picture of seed 1. */
async function kept(): Promise<{ page: Page; picture: string }> {
  const { page } = await openPage(context, site.url);
  await page.waitForSelector('.ready:not([hidden])');
  return { page, picture: await pictureOf(page) };
}

async function pictureOf(page: Page): Promise<string> {
  await page.waitForSelector('.frame.made', { timeout: 15_000 });
  return digest(
    await page.locator('.frame canvas').evaluate((canvas: HTMLCanvasElement) => {
      return [...(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [])];
    }),
  );
}

const sent = (response: ServerResponse, body: string | Buffer, type = 'application/json') => {
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache' }).end(body);
  return true;
};

test('on a network that never answers the kept page draws at once, and so does every model that is kept', async () => {
  const { page, picture } = await kept();
  site.intercept = () => true;
  await page.reload({ waitUntil: 'commit' });
  const before = Date.now();
  expect(await pictureOf(page)).toBe(picture);
  console.log(`web-slow: ${Date.now() - before} ms to the first picture on a network that never answers`);
  await page.waitForSelector('.ready:not([hidden])');
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
  // The list of models is not waited for either.
  await page.locator('#model').click();
  expect(await page.getByRole('dialog').locator('.choice').count()).toBe(1);
});

test('a first visit on a network that never answers says so within seconds, and trying again works', async () => {
  site.intercept = (path) => path === '/models/index.json';
  const page = await context.newPage();
  await page.goto(site.url);
  await page.getByText('The network did not deliver').waitFor({ timeout: 20_000 });
  site.intercept = undefined;
  await page.getByRole('button', { name: 'Try again' }).click();
  await waitForPhase(page, 'running');
});

test('what the network says late is taken over: the newer bundle replaces the picture in its place', async () => {
  const { page, picture } = await kept();
  site.intercept = (path, _request, response) => {
    const file = /^\/models\/(dungeon\/.*)/.exec(path)?.[1];
    if (file === undefined) return false;
    setTimeout(() => sent(response, readFileSync(join(newer, file))), 2000);
    return true;
  };
  await page.reload({ waitUntil: 'commit' });
  expect(await pictureOf(page)).toBe(picture);
  await expect.poll(() => pictureOf(page), { timeout: 20_000 }).not.toBe(picture);
  expect(await page.locator('.cover').count()).toBe(0);
  await page.waitForSelector('.ready:not([hidden])');
  // The newer one is what is kept now, and the only one.
  const taken = await pictureOf(page);
  site.intercept = () => true;
  await page.reload({ waitUntil: 'commit' });
  expect(await pictureOf(page)).toBe(taken);
  await expect.poll(() => keptNetworks(page)).toBe(1);
});

test('a newer bundle of another size opens as a new model under the same name', async () => {
  const { page } = await kept();
  site.intercept = (path, _request, response) => {
    const file = /^\/models\/(dungeon\/.*)/.exec(path)?.[1];
    return file !== undefined && sent(response, readFileSync(join(larger, file)));
  };
  await page.reload();
  await page.waitForFunction(
    () => document.querySelector<HTMLCanvasElement>('.frame.made canvas')?.width === 48,
    undefined,
    { timeout: 20_000 },
  );
});

const keptNetworks = (page: Page) =>
  page.evaluate(
    async () => (await (await caches.open('pocketgen-files')).keys()).filter(({ url }) => /\.onnx/.test(url)).length,
  );

const manifest = (): { goldens: unknown } => JSON.parse(readFileSync(join(models, 'dungeon', 'model.json'), 'utf8'));
const later = (): string => JSON.stringify({ ...manifest(), formatVersion: 4 });
const page404 = '<!doctype html><title>Welcome</title>';

const CASES: [string, string, () => string, RegExp | undefined][] = [
  ['a manifest of a later format', 'model.json', later, /expected format version 3, got 4; use a newer pocketgen/],
  ['half a manifest', 'model.json', () => later().slice(0, 500), /model\.json: expected JSON, got something else/],
  ['HTML for a manifest', 'model.json', () => page404, /model\.json: expected the file, got a web page \(HTML\)/],
  ['HTML for the list', 'index.json', () => page404, undefined],
];

test.each(CASES)(
  '%s in place of the one that worked: the kept one is shown, with and without the network',
  async (_, name, body, words) => {
    const { page, picture } = await kept();
    const path = name === 'index.json' ? '/models/index.json' : `/models/dungeon/${name}`;
    site.intercept = (asked, _request, response) =>
      asked === path && sent(response, body(), body() === page404 ? 'text/html' : 'application/json');
    await page.reload();
    expect(await pictureOf(page)).toBe(picture);
    if (words !== undefined) await page.locator('.message', { hasText: words }).waitFor();
    await site.close();
    await page.reload();
    expect(await pictureOf(page)).toBe(picture);
  },
);

test('a newer bundle that does not give its goldens here, or is not what it says, leaves the one that works', async () => {
  const { page, picture } = await kept();
  const wrong = join(folder, 'wrong');
  cpSync(newer, wrong, { recursive: true });
  const json = JSON.parse(readFileSync(join(wrong, 'dungeon', 'model.json'), 'utf8'));
  writeFileSync(join(wrong, 'dungeon', 'model.json'), JSON.stringify({ ...json, goldens: manifest().goldens }));
  let asked = 0;
  site.intercept = (path, _request, response) => {
    const file = /^\/models\/(dungeon\/.*)/.exec(path)?.[1];
    if (file === undefined) return false;
    if (file.endsWith('.onnx')) asked++;
    return sent(response, readFileSync(join(wrong, file)));
  };
  await page.reload();
  await page
    .locator('.message', { hasText: 'cannot be used: The model draws other pictures here than it should. The one' })
    .waitFor({ timeout: 20_000 });
  expect([await pictureOf(page), asked]).toEqual([picture, 1]);
  await site.close();
  await page.reload();
  expect(await pictureOf(page)).toBe(picture);
});

test('a new version of the page whose files are not all there yet does not replace the one that works', async () => {
  const { page, picture } = await kept();
  const worker = readFileSync(join(dist, 'sw.js'), 'utf8');
  const script = /assets\/index-[\w-]+\.js/.exec(worker)?.[0] ?? '';
  const next = script.replace('index-', 'index-new');
  site.intercept = (path, _request, response) => {
    if (path === '/sw.js') return sent(response, worker.replaceAll(script, next), 'text/javascript');
    // What hosts of one-page applications answer for a file that is not there.
    return path === `/${next}` && sent(response, readFileSync(join(dist, 'index.html')), 'text/html');
  };
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.update();
    for (let i = 0; i < 50 && registration?.installing != null; i++) await new Promise((go) => setTimeout(go, 100));
  });
  expect(await page.getByText('A new version is ready').count()).toBe(0);
  await page.reload();
  expect(await pictureOf(page)).toBe(picture);
});
