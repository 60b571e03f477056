// Takes the screenshots in this folder of the built page, in real Chromium: `npm run build && npm run screenshots`.
// The web app manifest shows some of them where the page is installed, so their sizes stand there too.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../tests/browser.ts';
import { builtSite, MODEL, openPage, waitForVerdicts } from '../../tests/web-harness.ts';
import { serveSite } from '../../tests/web-site.ts';

interface Shot {
  name: string;
  /** Which model; each only where the site has it. */
  model: string;
  /** The page's state, as in its address. */
  state: string;
  act?: (page: Page) => Promise<void>;
}

const SHOTS: Shot[] = [
  { name: 'wall', model: MODEL, state: 'seed=ada&view=wall' },
  { name: 'explore', model: MODEL, state: 'seed=ada&class=9&view=explore', act: drag },
  { name: 'walk', model: MODEL, state: 'seed=ada&view=walk', act: halfWay },
  { name: 'mix', model: MODEL, state: 'seed=ada&view=mix' },
  { name: 'draw', model: MODEL, state: 'seed=ada&class=0&view=draw', act: scribble },
  {
    name: 'how',
    model: MODEL,
    state: 'seed=ada&view=how',
    act: (page) => page.locator('.view .curve').scrollIntoViewIfNeeded(),
  },
  { name: 'device', model: MODEL, state: 'seed=ada&view=wall', act: (page) => page.locator('.status').click() },
  { name: 'models', model: MODEL, state: 'seed=ada&view=wall', act: (page) => page.locator('#model').click() },
  { name: 'emoji-wall', model: 'emoji-gan', state: 'seed=ada&view=wall' },
  { name: 'emoji-explore', model: 'emoji-gan', state: 'seed=ada&view=explore', act: drag },
  { name: 'dungeon-wall', model: 'dungeon-gan', state: 'seed=ada&view=wall' },
  { name: 'dungeon-mix', model: 'dungeon-gan', state: 'seed=ada&view=mix' },
];

async function halfWay(page: Page): Promise<void> {
  await page.locator('.scrub').fill('0.5');
  await page.locator('.scrub').blur();
}

async function drag(page: Page): Promise<void> {
  const box = await page.locator('.pad').boundingBox();
  if (box === null) throw new Error('explore: expected a pad, got none');
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.5);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.35, { steps: 8 });
}

/** A shirt, more or less. */
async function scribble(page: Page): Promise<void> {
  const box = await page.locator('canvas.ink').boundingBox();
  if (box === null) throw new Error('draw: expected a canvas, got none');
  const at = (x: number, y: number): [number, number] => [box.x + box.width * x, box.y + box.height * y];
  for (let x = 0.35; x < 0.66; x += 0.05) {
    await page.mouse.move(...at(x, 0.2));
    await page.mouse.down();
    await page.mouse.move(...at(x, 0.85), { steps: 6 });
    await page.mouse.up();
  }
  for (const side of [-1, 1]) {
    await page.mouse.move(...at(0.5 + side * 0.15, 0.25));
    await page.mouse.down();
    await page.mouse.move(...at(0.5 + side * 0.35, 0.6), { steps: 6 });
    await page.mouse.up();
  }
}

async function take(browser: Browser, url: string, form: 'phone' | 'desktop'): Promise<void> {
  const context = await browser.newContext(
    form === 'phone'
      ? { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, colorScheme: 'dark' }
      : { viewport: { width: 1280, height: 860 }, colorScheme: 'light' },
  );
  for (const { name, model, state, act } of SHOTS) {
    if (!existsSync(join(folder, 'models', model))) continue;
    const { page } = await openPage(context, `${url}#model=${model}&${state}`);
    await waitForVerdicts(page);
    await page.waitForTimeout(1500);
    await act?.(page);
    await page.waitForTimeout(500);
    await page.screenshot({ path: join(import.meta.dirname, `${form}-${name}.png`) });
    await page.close();
  }
  await context.close();
}

const folder = await builtSite();
const site = await serveSite(folder, { every: true });
const browser = await launchBrowser();
for (const form of ['phone', 'desktop'] as const) await take(browser, site.url, form);
await browser.close();
await site.close();
