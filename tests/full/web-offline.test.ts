// Without a network: the page and new pictures after the server is gone, downloads that can be cancelled, damaged files
// that are noticed, updates that wait to be agreed to. Real Chromium, real service worker, no cache is mocked.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Generator } from '../../contract/generator.ts';
import { parseSeed } from '../../contract/latent.ts';
import { launchBrowser } from '../browser.ts';
import {
  builtSite,
  digest,
  greyOf,
  MODEL,
  openPage,
  referenceGenerator,
  TRUNCATION,
  waitForPhase,
} from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

let folder: string;
let browser: Browser;
let reference: Generator;

beforeAll(async () => {
  folder = await builtSite();
  reference = await referenceGenerator(folder);
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

async function expectedPixels(seed: string): Promise<string> {
  const [picture] = await reference.generate([{ seed: parseSeed(seed), class: undefined, truncation: TRUNCATION }]);
  return digest(picture?.data ?? []);
}

for (const base of ['/', '/some/project/'])
  test(`with the server gone, a reload under ${base} makes pictures never made before`, async () => {
    const site = await serveSite(folder, { base, isolated: base === '/' });
    const context = await browser.newContext();
    const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=1`);
    await page.waitForSelector('.ready:not([hidden])');
    await site.close();

    await page.reload();
    await waitForPhase(page, 'running');
    await page.locator('#seed').fill('never seen before');
    await page.waitForFunction(() => /never seen/.test(document.querySelector('.source')?.textContent ?? ''));
    expect(digest(await greyOf(page, '.frame canvas'))).toBe(await expectedPixels('never seen before'));
    await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
    await page.waitForSelector('.ready:not([hidden])');
    // Every view works, the ones whose code is loaded when they are opened too.
    for (const view of ['Explore', 'Walk', 'Mix', 'Saved', 'How']) {
      await page.getByRole('navigation').getByRole('button', { name: view }).click();
      await page.waitForTimeout(300);
    }
    await page.waitForSelector('.network li');
    // A browser logs every failed request; nothing else may be an error.
    expect(errors.filter((error) => !/^Failed to load resource: net::ERR_/.test(error))).toEqual([]);
    await context.close();
  });

test('"ready offline" is taken back when a part is missing', async () => {
  const site = await serveSite(folder);
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await page.waitForSelector('.ready:not([hidden])');
  await context.setOffline(true);
  await page.getByText('Everything still works').waitFor();
  await page.evaluate(async () => {
    const store = await caches.open('pocketgen-files');
    for (const request of await store.keys()) if (/\.onnx/.test(request.url)) await store.delete(request);
  });
  await page.locator('.status').click();
  expect(await page.locator('dialog').textContent()).toContain('Not ready offline');
  expect(await page.locator('.checks li.missing').count()).toBe(1);
  await context.close();
  await site.close();
});

test('a damaged model on the device is noticed by its hash and fetched again', async () => {
  const site = await serveSite(folder);
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=5`);
  await page.waitForSelector('.ready:not([hidden])');
  await page.evaluate(async () => {
    const store = await caches.open('pocketgen-files');
    const request = (await store.keys()).find((one) => /\.onnx/.test(one.url));
    const bytes = new Uint8Array((await (await store.match(request ?? ''))?.arrayBuffer()) ?? new ArrayBuffer(0));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1; // one bit
    await store.put(request ?? '', new Response(bytes));
  });
  site.log.length = 0;
  await page.reload();
  await page.getByText('was damaged; it was fetched again').waitFor();
  await waitForPhase(page, 'running');
  expect(site.log.filter(({ path }) => path.endsWith('.onnx'))).toHaveLength(1);
  expect(digest(await greyOf(page, '.frame.made canvas'))).toBe(await expectedPixels('5'));

  // And what is kept now is right: nothing is fetched the next time.
  site.log.length = 0;
  await page.reload();
  await waitForPhase(page, 'running');
  expect(site.log.filter(({ path }) => /\.(onnx|wasm)$/.test(path))).toEqual([]);
  expect(errors).toEqual([]);
  await context.close();
  await site.close();
});

test('the first download shows its bytes, can be cancelled, and can be taken up again', async () => {
  const site = await serveSite(folder);
  site.intercept = (path, request, response) => {
    if (!/\.wasm$/.test(path)) return false;
    // The first third, then nothing, until the page lets go.
    const bytes = readFileSync(join(folder, path));
    response.writeHead(200, { 'Content-Type': 'application/wasm', 'Content-Length': bytes.length });
    response.write(bytes.subarray(0, bytes.length / 3));
    request.on('close', () => response.destroy());
    return true;
  };
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}`, 'loading');
  await page.waitForFunction(() => {
    const [, loaded] = /([\d.]+) of ([\d.]+) MB/.exec(document.querySelector('.bytes')?.textContent ?? '') ?? [];
    return Number(loaded) > 4;
  });
  await context.setOffline(true);
  await page.getByText('What is not on this device yet has to wait').waitFor();
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await waitForPhase(page, 'cancelled');
  expect(await page.locator('.cover').textContent()).toContain('cancelled');
  // Nothing half-had is kept.
  const kept = await page.evaluate(async () =>
    (await (await caches.open('pocketgen-files')).keys()).map(({ url }) => url),
  );
  expect(kept.filter((url) => /\.wasm\?/.test(url))).toEqual([]);

  site.intercept = undefined;
  await page.getByRole('button', { name: 'Download again' }).click();
  await waitForPhase(page, 'running');
  // What the wall had asked for was dropped with the download.
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
  expect(errors).toEqual([]);
  await context.close();
  await site.close();
});

test('a download that breaks says so in plain words, and trying again works', async () => {
  const site = await serveSite(folder);
  site.intercept = (path, _request, response) => {
    if (!/\.onnx$/.test(path)) return false;
    response.destroy();
    return true;
  };
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=${MODEL}&view=mix`, 'failed');
  expect(await page.getByRole('alert').textContent()).toContain('The network did not deliver');
  site.intercept = undefined;
  await page.getByRole('button', { name: 'Try again' }).click();
  await waitForPhase(page, 'running');
  await page.waitForSelector('.frame.made');
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 15);
  await context.close();
  await site.close();
});

/** The server has another service worker from now on. */
function nextVersion(site: Site): void {
  site.intercept = (path, _request, response) => {
    if (path !== '/sw.js') return false;
    response.writeHead(200, { 'Content-Type': 'text/javascript', 'Cache-Control': 'no-cache' });
    response.end(`${readFileSync(join(folder, 'sw.js'), 'utf8')}\n// the next version`);
    return true;
  };
}

test('a new version of the page waits until the person agrees, then takes over', async () => {
  const site = await serveSite(folder);
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await page.waitForSelector('.ready:not([hidden])');
  nextVersion(site);
  await page.reload();
  await page.getByText('A new version is ready.').waitFor();
  const before = await page.evaluate(() => performance.timeOrigin);
  await page.getByRole('button', { name: 'Update' }).click();
  await page.waitForFunction((origin) => performance.timeOrigin !== origin, before);
  await waitForPhase(page, 'running');
  expect(await page.getByText('A new version is ready.').count()).toBe(0);
  await context.close();
  await site.close();
});

test('a tab in which nobody agreed is told, and takes over too, though the new version runs already', async () => {
  const site = await serveSite(folder);
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await page.waitForSelector('.ready:not([hidden])');
  const { page: other } = await openPage(context, `${site.url}#model=${MODEL}`);
  await other.waitForSelector('.ready:not([hidden])');
  nextVersion(site);
  await page.reload();
  await page.getByRole('button', { name: 'Update' }).click();
  await waitForPhase(page, 'running');
  await expect.poll(() => page.getByText('A new version is ready.').count()).toBe(0);
  const before = await other.evaluate(() => performance.timeOrigin);
  await other.getByRole('button', { name: 'Update' }).last().click();
  await other.waitForFunction((origin) => performance.timeOrigin !== origin, before);
  await waitForPhase(other, 'running');
  await context.close();
  await site.close();
});

test('the service worker precaches the page and nothing large', () => {
  const worker = readFileSync(join(folder, 'sw.js'), 'utf8');
  const urls = [...worker.matchAll(/"?url"?:\s*[`"']([^`"']+)[`"']/g)].map((match) => match[1] ?? '');
  expect(urls).toContain('index.html');
  expect(urls.some((url) => /^assets\/worker-/.test(url))).toBe(true);
  expect(urls.filter((url) => /\.(wasm|onnx|br)$|ort[.-]|^models\//.test(url))).toEqual([]);
  for (const url of urls) expect(existsSync(join(folder, url))).toBe(true);
  const total = urls.reduce((sum, url) => sum + readFileSync(join(folder, url)).length, 0);
  expect(total).toBeLessThan(700_000);
});
