// Saving in a page that was put on the home screen: the share sheet, within what a browser asks of its callers. Real Chromium,
// which has no share sheet on this system: one stands in that follows the specification (w3c.github.io/web-share).
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { builtSite, MODEL } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

let browser: Browser;
let site: Site;
let context: BrowserContext;

beforeAll(async () => {
  site = await serveSite(await builtSite());
  browser = await launchBrowser();
});
afterEach(() => context?.close());
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** What was shared, in the page's `shared`; rejects without a user's activation, as browsers do. */
const SHEET = `globalThis.shared = [];
navigator.canShare = ({ files = [] }) => files.every(({ type }) => /^image\\//.test(type));
navigator.share = async ({ files = [] }) => {
  if (!navigator.userActivation.isActive) throw new DOMException('no activation', 'NotAllowedError');
  if (globalThis.shareFails) throw new DOMException('closed', globalThis.shareFails);
  globalThis.shared.push(...files.map(({ name, type }) => [name, type]));
};`;

async function open(standalone: boolean, view = 'wall'): Promise<Page> {
  context = await browser.newContext({
    acceptDownloads: true,
    isMobile: true,
    hasTouch: true,
    viewport: { width: 390, height: 844 },
  });
  await context.addInitScript(SHEET);
  // What Safari says on the home screen.
  if (standalone) await context.addInitScript(() => Object.assign(navigator, { standalone: true }));
  const page = await context.newPage();
  await page.goto(`${site.url}#model=${MODEL}&seed=7&class=Bag&view=${view}`);
  await page.waitForSelector('.frame.made');
  return page;
}

type Sheet = { shared: string[][]; shareFails?: string };
const shared = (page: Page) => page.evaluate(() => (globalThis as unknown as Sheet).shared);
const expectShared = (page: Page, files: string[][]) => expect.poll(() => shared(page)).toEqual(files);

async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Save PNG' }).click();
}

test('standalone, Save gives the picture to the share sheet; in a browser’s window it is a download', async () => {
  const app = await open(true);
  await save(app);
  await expectShared(app, [[`${MODEL}-bag-7.png`, 'image/png']]);
  await context.close();

  const page = await open(false);
  const download = page.waitForEvent('download');
  await save(page);
  expect((await download).suggestedFilename()).toBe(`${MODEL}-bag-7.png`);
  expect(await shared(page)).toEqual([]);
});

test('standalone, a sheet that was closed saves nothing; one that refuses, or does not take the kind, leaves a download', async () => {
  const page = await open(true);
  let downloads = 0;
  page.on('download', () => downloads++);
  const fails = (name: string) => page.evaluate((error) => Object.assign(globalThis, { shareFails: error }), name);
  await fails('AbortError');
  await save(page);
  await page.waitForTimeout(500);
  expect(downloads).toBe(0);
  await fails('DataError');
  const refused = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save PNG' }).click();
  await refused;
  await page.keyboard.press('Escape');
  const zip = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as ZIP' }).click();
  expect((await zip).suggestedFilename()).toMatch(/\.zip$/);
});

test('standalone, an animation whose making took longer than a tap counts is saved by one more tap', async () => {
  const page = await open(true, 'walk');
  // Encoding for longer than an activation lasts (5 s in Chromium): it is over at once here.
  await page.evaluate(() =>
    Object.defineProperty(navigator, 'userActivation', { value: { isActive: false }, configurable: true }),
  );
  await page.getByRole('button', { name: 'Save GIF' }).click();
  await page.getByText(/walk-.*\.gif is ready/).waitFor();
  await page.evaluate(() => Reflect.deleteProperty(navigator, 'userActivation'));
  await page.locator('.message').getByRole('button', { name: 'Save', exact: true }).click();
  await expectShared(page, [[`walk-${MODEL}-bag-7.gif`, 'image/gif']]);
});
