// A training on the page under what devices do to it, real Chromium: no room left, a page that is used meanwhile, a device that is
// to stay cool, reloads at random moments; memory stays flat. bench/web-soak.ts does the same for longer.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { goOnWith, imagesSaid, openMaking, packedRun, press, said } from '../helpers/making.ts';
import { MEASURING, memoryOf, watched, watchFrames } from '../helpers/page-load.ts';
import { smallPictures, smallRecipe } from '../small.ts';
import { builtSite, MODEL } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

let site: Site;
let browser: Browser;
let context: BrowserContext;
let run: Awaited<ReturnType<typeof packedRun>>;

beforeAll(async () => {
  const pictures = { ...(await smallPictures(100)), name: 'Small clothes' };
  run = await packedRun(pictures, smallRecipe(pictures, { images: 800_000 }));
  site = await serveSite(await builtSite());
  browser = await launchBrowser({ args: MEASURING });
  context = await browser.newContext();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** Images seen in so many seconds. */
async function imagesIn(page: Page, seconds: number): Promise<number> {
  const before = await imagesSaid(page);
  await page.waitForTimeout(1000 * seconds);
  return (await imagesSaid(page)) - before;
}

const savedImages = async (page: Page): Promise<number> => {
  const text = (await page.locator('.making li[data-run] small').first().textContent()) ?? '';
  return Number(/([\d,]+) of [\d,]+ images seen/.exec(text)?.[1]?.replaceAll(',', ''));
};

test('the page stays usable and flat while it trains, the screen is kept on, and a device that is to stay cool rests', async () => {
  await context.addInitScript(() => {
    const { request } = navigator.wakeLock;
    const noted = globalThis as unknown as { locks: Promise<WakeLockSentinel>[] };
    noted.locks = [];
    navigator.wakeLock.request = (type) => {
      const lock: Promise<WakeLockSentinel> = Reflect.apply(request, navigator.wakeLock, [type]);
      noted.locks.push(lock);
      return lock;
    };
  });
  const locks = (page: Page) =>
    page.evaluate(async () => {
      const { locks } = globalThis as unknown as { locks: Promise<WakeLockSentinel>[] };
      return (await Promise.all(locks)).map(({ released }) => released);
    });
  const shown = await openMaking(context, site.url, MODEL);
  await shown.evaluate(watchFrames);
  await shown.waitForTimeout(3000);
  const idle = await shown.evaluate(watched);
  await goOnWith(shown, run);
  expect(await locks(shown)).toEqual([false]);
  await imagesIn(shown, 3);
  const before = await memoryOf(browser, shown);
  await shown.evaluate(watchFrames);
  const fast = await imagesIn(shown, 8);
  const busy = await shown.evaluate(watched);
  const after = await memoryOf(browser, shown);
  await shown.getByLabel('Speed').selectOption('Leave my device cool');
  await shown.waitForTimeout(1000);
  const cool = await imagesIn(shown, 8);
  const aSecond = ({ gaps }: { gaps: number[] }): number => 1000 / (gaps.reduce((a, b) => a + b, 0) / gaps.length);
  console.log(
    `web-survive: ${aSecond(busy).toFixed(0)} frames a second while it trains (${aSecond(idle).toFixed(0)} idle), longest ` +
      `${Math.max(...busy.gaps).toFixed(0)} ms (${Math.max(...idle.gaps).toFixed(0)} idle); ${fast} images in 8 s, ${cool} cool; ` +
      `heap ${before.heap.toFixed(1)} → ${after.heap.toFixed(1)} MB, renderer ${before.process.toFixed(0)} → ${after.process.toFixed(0)} MB`,
  );
  expect(aSecond(busy)).toBeGreaterThan(aSecond(idle) / 3);
  expect(after.heap / before.heap).toBeLessThan(1.5);
  expect(after.process / before.process).toBeLessThan(1.2);
  expect(cool).toBeLessThan(fast / 2);
  expect(cool).toBeGreaterThan(0);
  await press(shown, 'Pause');
  await said(shown, /^Paused and saved/);
  expect(await locks(shown)).toEqual([true]);
  shown.once('dialog', (dialog) => void dialog.accept());
  await press(shown, 'Remove this training');
  await shown.locator('.making li[data-run]').waitFor({ state: 'detached' });
  await shown.close();
});

test('a device without room is told so, training goes on, and it is saved once there is room', async () => {
  const page = await openMaking(context, site.url, MODEL);
  await goOnWith(page, run);
  const session = await context.newCDPSession(page);
  const origin = new URL(site.url).origin;
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 });
  await page
    .getByText('Small clothes: expected room on this device, got none; free some; training goes on and saves later')
    .waitFor({ timeout: 60_000 });
  expect(await imagesIn(page, 4)).toBeGreaterThan(0);
  await session.send('Storage.overrideQuotaForOrigin', { origin });
  await press(page, 'Pause');
  await said(page, /^Paused and saved/);
  expect(await savedImages(page)).toBeGreaterThan(0);
  await page.close();
});

test('a reload at a random moment loses no more than what was trained since the last checkpoint', async () => {
  const page = await openMaking(context, site.url, MODEL);
  await press(page, 'Go on');
  await said(page, /^\d[\d,]* of [\d,]+ images/);
  const first = await savedImages(page);
  // The first checkpoint of a session comes after 15 s.
  await page.waitForTimeout(17_000 + 3000 * Math.random());
  const seen = await imagesSaid(page);
  await page.reload();
  await page.locator('.making li[data-run]').waitFor();
  const kept = await savedImages(page);
  expect(kept).toBeGreaterThan(first);
  expect(seen - kept).toBeLessThan((seen - first) / 2);
  await page.close();
});
