// Room for everything, between the phone and the desk that most tests look at: narrow windows, tablets, and phones on their side.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { builtSite } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

/** It has every view. */
const MODEL = 'fashion-transformer';
let site: Site;
let browser: Browser;

beforeAll(async () => {
  site = await serveSite(await builtSite(), { every: true });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** Nothing has to be drawn for it. */
async function open(options: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  await page.goto(`${site.url}#model=${MODEL}`);
  return page;
}

/** What a view has room for. */
const SHOWS = { wall: '.wall', explore: '.cross', draw: '.draw-pad', complete: '.completions' };

async function show(page: Page, view: keyof typeof SHOWS): Promise<void> {
  await page.locator(`.tab[data-view=${view}]`).click();
  await page.locator(SHOWS[view]).waitFor();
}

/** Pixels beyond the page's edge, and beyond that of the sheet of completions. */
const beyond = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth } = document.documentElement;
    const sheet = document.querySelector('.completions');
    return [Math.max(0, scrollWidth - innerWidth), sheet === null ? 0 : sheet.scrollWidth - sheet.clientWidth];
  });

test('eight views and eight completions have room at any width', async () => {
  const page = await open({ viewport: { width: 1280, height: 768 } });
  for (const view of ['wall', 'complete'] as const) {
    await show(page, view);
    for (const width of [320, 360, 960, 1024, 1180, 1200, 1259, 1260, 1440]) {
      await page.setViewportSize({ width, height: 768 });
      expect([view, width, ...(await beyond(page))]).toEqual([view, width, 0, 0]);
    }
  }
  await page.context().close();
});

test('on a phone on its side all that is played with is seen at once, beside the picture', async () => {
  const page = await open({ viewport: { width: 740, height: 360 }, isMobile: true, hasTouch: true });
  for (const view of ['explore', 'draw', 'complete'] as const) {
    await show(page, view);
    const [pad, picture, tabs] = await Promise.all(
      ['.pad', '.frame', '.tabs'].map(
        async (name) => (await page.locator(name).boundingBox()) ?? { x: 0, width: 0, y: 0, height: 0 },
      ),
    );
    expect(pad?.height).toBeGreaterThan(180);
    expect(pad?.height).toBeLessThanOrEqual((tabs?.y ?? 0) - 10);
    expect(pad?.x).toBeGreaterThan((picture?.x ?? 0) + (picture?.width ?? 0));
  }
  await page.context().close();
});

test('how it works is told in some screens, however large the network; its curve takes the colours of the theme', async () => {
  const page = await open({ viewport: { width: 360, height: 740 }, isMobile: true, colorScheme: 'light' });
  await page.locator('.tab[data-view=how]').click();
  await page.locator('.network').waitFor({ state: 'attached' });
  await page.locator('.view .uplot').waitFor();
  expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(5000);
  await page.getByText(/largest steps, one by one/).click();
  expect(await page.locator('.network li').count()).toBeGreaterThan(100);

  /** Whether a line is of the dark theme's --accent. */
  const isDark = () =>
    page.locator('.view .uplot canvas').evaluate((canvas: HTMLCanvasElement) => {
      const data = [...(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [])];
      return data.some((red, i) => i % 4 === 0 && red === 255 && data[i + 1] === 154 && data[i + 2] === 92);
    });
  expect(await isDark()).toBe(false);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await expect.poll(isDark).toBe(colorScheme === 'dark');
  }
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await expect.poll(isDark).toBe(true);
  await page.context().close();
});
