// For everyone: axe and Lighthouse find nothing serious, the keyboard reaches everything, nothing jumps, motion stops when
// asked to.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { builtSite, MODEL, openPage, violations } from '../web-harness.ts';
import { lighthouse } from '../web-lighthouse.ts';
import { type Site, serveSite } from '../web-site.ts';

let site: Site;
let browser: Browser;

beforeAll(async () => {
  site = await serveSite(await builtSite(), { brotli: true });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

for (const colorScheme of ['dark', 'light'] as const)
  for (const [form, width] of [
    ['phone', 360],
    ['desktop', 1280],
  ] as const)
    test(`axe finds nothing in any view or dialog: ${form}, ${colorScheme}`, async () => {
      const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
      const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=ada`);
      await page.getByRole('button', { name: 'Keep', exact: true }).click();
      for (const view of ['wall', 'explore', 'walk', 'mix', 'saved', 'how']) {
        await page.locator(`.tab[data-view=${view}]`).click();
        await page.waitForTimeout(400);
        expect({ view, found: await violations(page) }).toEqual({ view, found: [] });
      }
      await page.locator('.tab[data-view=wall]').click();
      for (const opener of ['Save', 'Share']) {
        await page.getByRole('button', { name: opener, exact: true }).click();
        await page.locator('dialog[open]').waitFor();
        expect({ opener, found: await violations(page) }).toEqual({ opener, found: [] });
        await page.keyboard.press('Escape');
      }
      for (const opener of ['.status', '#model']) {
        await page.locator(opener).click();
        await page.locator('dialog[open]').waitFor();
        expect({ opener, found: await violations(page) }).toEqual({ opener, found: [] });
        await page.keyboard.press('Escape');
      }
      expect(errors).toEqual([]);
      await context.close();
    });

test('before there is a picture nothing can be kept, saved or shared, and axe finds nothing, loading and failed', async () => {
  for (const phase of ['loading', 'failed']) {
    site.intercept = (path, _request, response) => {
      if (!path.endsWith('.onnx')) return false;
      if (phase === 'failed') response.destroy();
      return true; // or never
    };
    const context = await browser.newContext();
    const { page } = await openPage(context, `${site.url}#model=${MODEL}`, phase);
    expect({ phase, found: await violations(page) }).toEqual({ phase, found: [] });
    for (const name of ['Keep', 'Save', 'Share'])
      expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
    site.intercept = undefined;
    if (phase === 'failed') {
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.waitForSelector('.frame.made');
      for (const name of ['Keep', 'Save', 'Share'])
        expect(await page.getByRole('button', { name, exact: true }).isEnabled()).toBe(true);
    }
    await context.close();
  }
});

test('a message stays while the focus or the pointer is on it; the focus goes back to where it was', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await page.waitForSelector('.frame.made');
  const message = page.locator('.message');
  // A link that cannot be read is said.
  const say = async (name: string) => {
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `#model=${MODEL}&class=${name}`);
    await message.filter({ hasText: name }).waitFor();
  };
  const PAST_ITS_TIME = 7500;
  await page.locator('#seed').focus();
  await say('Hat');
  await message.getByRole('button', { name: 'Close' }).focus();
  await page.waitForTimeout(PAST_ITS_TIME);
  expect(await message.count()).toBe(1);
  await page.keyboard.press('Enter');
  expect(await message.count()).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('seed');

  await say('Glove');
  await message.hover();
  await page.waitForTimeout(PAST_ITS_TIME);
  expect(await message.count()).toBe(1);
  await page.mouse.move(5, 5);
  await message.waitFor({ state: 'detached', timeout: 3000 });
  await context.close();
});

test('Lighthouse gives accessibility and best practices at least 95, on a phone and a desktop', async () => {
  for (const form of ['mobile', 'desktop'] as const) {
    const { scores, failed } = await lighthouse(`${site.url}#model=${MODEL}`, form, [
      'accessibility',
      'best-practices',
    ]);
    console.log(`web-access: Lighthouse ${form}: ${JSON.stringify(scores)} ${failed.join('; ')}`);
    expect(scores.accessibility).toBeGreaterThanOrEqual(95);
    expect(scores['best-practices']).toBeGreaterThanOrEqual(95);
  }
}, 400_000);

test('the keyboard reaches every control in reading order and can do what a finger does', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&view=wall`);
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
  const order: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    order.push(
      await page.evaluate(() => {
        const element = document.activeElement;
        const name = element?.getAttribute('aria-label') ?? element?.textContent ?? '';
        return element?.id || element?.getAttribute('data-view') || element?.getAttribute('data-class') || name;
      }),
    );
  }
  const wanted = [
    'Skip to the pictures',
    'model',
    'Keep',
    'Save',
    'Share',
    'seed',
    'Another seed',
    'variety',
    'any',
    'explore',
    'New wall',
  ];
  const places = wanted.map((name) => order.indexOf(name));
  expect(places.every((place) => place >= 0)).toBe(true);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  // A tile by its key, and the explorer by arrows (web-play).
  await page.locator('.wall .tile').nth(4).focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('.source')?.textContent === 'seed 5');
  expect(errors).toEqual([]);
  await context.close();
});

test('nothing moves while the first visit loads and the wall fills', async () => {
  for (const viewport of [
    { width: 360, height: 740 },
    { width: 1280, height: 860 },
  ]) {
    const context = await browser.newContext({ viewport });
    await context.addInitScript(() => {
      const shifts: string[] = [];
      (globalThis as unknown as { shifts: string[] }).shifts = shifts;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & {
          value: number;
          sources?: { node?: Element }[];
        })[])
          shifts.push(
            `${entry.value.toFixed(4)} ${entry.sources?.map(({ node }) => node?.className || `‹${node?.textContent?.slice(0, 20)}›`).join(', ')}`,
          );
      }).observe({ type: 'layout-shift', buffered: true });
    });
    const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
    await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
    await page.waitForSelector('.ready:not([hidden])');
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts);
    expect(shifts.filter((shift) => Number.parseFloat(shift) > 0.001)).toEqual([]);
    await context.close();
  }
});

test('with reduced motion nothing is animated, and a walk goes in steps', async () => {
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  const { page } = await openPage(context, `${site.url}#model=${MODEL}&view=walk`);
  await page.waitForSelector('.frame.made');
  await page.getByRole('button', { name: 'Play' }).click();
  const positions = await page.evaluate(async () => {
    const seen = new Set<string>();
    const end = performance.now() + 1500;
    while (performance.now() < end) {
      await new Promise(requestAnimationFrame);
      seen.add(document.querySelector<HTMLInputElement>('.scrub')?.value ?? '');
    }
    return seen.size;
  });
  expect(positions).toBeLessThan(10);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  await context.close();
});
