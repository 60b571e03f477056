// Any ground, any size: pictures of 16 to 128 px, grey, colour and transparent, lie on their own ground; names are whole;
// nothing is wider than the screen; saved files keep alpha or get the background that was chosen. Real Chromium.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeApng } from '../../contract/apng.ts';
import { type Colour, onBackground } from '../../contract/background.ts';
import type { Generator } from '../../contract/generator.ts';
import { encodeGif } from '../../contract/gif.ts';
import { latentOf, oneHot } from '../../contract/latent.ts';
import { type Picture, scaleUp } from '../../contract/picture.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { encodeSvg } from '../../contract/svg.ts';
import { blend, slerp, steps } from '../../contract/walk.ts';
import { launchBrowser } from '../browser.ts';
import { type TestBundle, writeBundle } from '../web-bundles.ts';
import { builtSite, digest, openPage, referenceGenerator, violations } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-grounds-'));
const models = join(folder, 'models');
const KINDS = ['monster', 'spell-icon', 'Donaudampfschifffahrtsgesellschaft', '日本語の長い名前', 'عربي طويل'];
const many = (count: number) => Array.from({ length: count }, (_, i) => `class number ${i}`);

const BUNDLES: (TestBundle & { sheet: string })[] = [
  { name: 'grey-16', size: 16, channels: 1, ground: 'black', classes: ['only'], sheet: 'rgb(0, 0, 0)' },
  { name: 'grey-28', size: 28, channels: 1, ground: 'white', classes: many(10), sheet: 'rgb(255, 255, 255)' },
  { name: 'alpha-32', size: 32, channels: 4, classes: KINDS, sheet: 'page' },
  { name: 'tiles-48', size: 48, channels: 3, ground: 'none', sheet: 'page' },
  { name: 'white-64', size: 64, channels: 3, classes: ['smileys-emotion', 'food-drink'], sheet: 'rgb(255, 255, 255)' },
  { name: 'alpha-128', size: 128, channels: 4, sheet: 'page' },
  { name: 'many-64', size: 64, channels: 3, ground: 'black', classes: many(256), sheet: 'rgb(0, 0, 0)' },
];

let site: Site;
let browser: Browser;
let reference: Generator;

beforeAll(async () => {
  for (const bundle of BUNDLES) await writeBundle(models, bundle);
  site = await serveSite(await builtSite(), { models });
  reference = await referenceGenerator(folder, 'alpha-32');
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

interface Layout {
  sheet: string;
  raised: string;
  /** Pixels by which the page, the caption's name and the controls go beyond the room they have. */
  beyond: Record<string, number>;
  /** Size of a tile in its pictures' pixels: whole ones are square on the screen. */
  scale: number;
}

async function layoutOf(page: Page): Promise<Layout> {
  return page.evaluate(() => {
    const colourOf = (selector: string) => {
      const element = document.querySelector(selector);
      return element === null ? '' : getComputedStyle(element).backgroundColor;
    };
    const box = document.querySelector('.stage')?.getBoundingClientRect() ?? new DOMRect();
    const room = Math.min(box.right, document.documentElement.clientWidth);
    const beyond = (selector: string) =>
      Math.max(
        0,
        ...[...document.querySelectorAll<HTMLElement>(selector)]
          .filter((element) => element.offsetParent !== null)
          .map((element) =>
            Math.max(
              element.getBoundingClientRect().right - room,
              element.scrollWidth - element.clientWidth,
              element.scrollHeight - element.clientHeight - 2,
            ),
          ),
      );
    const probe = document.createElement('i');
    probe.style.color = 'var(--raised)';
    document.body.append(probe);
    const raised = getComputedStyle(probe).color;
    probe.remove();
    const tile = document.querySelector<HTMLCanvasElement>('.wall canvas');
    return {
      sheet: colourOf('.wall'),
      raised,
      beyond: {
        page: Math.max(0, document.documentElement.scrollWidth - innerWidth),
        name: beyond('.label'),
        seed: beyond('.seed-row'),
        backgrounds: beyond('.backgrounds'),
        actions: beyond('.stage-actions'),
      },
      scale: ((tile?.getBoundingClientRect().width ?? 0) * devicePixelRatio) / (tile?.width ?? 1),
    };
  });
}

for (const colorScheme of ['dark', 'light'] as const)
  test(`axe finds nothing on any ground, with chips, lists and backgrounds: ${colorScheme}`, async () => {
    const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme });
    for (const name of ['alpha-32', 'white-64', 'many-64']) {
      const { page } = await openPage(context, `${site.url}#model=${name}&seed=ada`);
      await page.waitForSelector('.frame.made');
      await page.waitForTimeout(600);
      expect({ name, found: await violations(page) }).toEqual({ name, found: [] });
      await page.close();
    }
    await context.close();
  });

const FORMS = [
  { form: 'a phone of 320 px', width: 320, height: 640, colorScheme: 'light', deviceScaleFactor: 2 },
  { form: 'a phone of 360 px', width: 360, height: 740, colorScheme: 'dark', deviceScaleFactor: 3 },
  { form: 'a desktop', width: 1280, height: 860, colorScheme: 'light', deviceScaleFactor: 1 },
] as const;

// One page a model, which takes the three forms in turn: most of a load's time is for the session.
test.each(BUNDLES)(
  '$name on phones of 320 and 360 px and a desktop: pictures on their ground, whole names, nothing too wide',
  async ({ name, sheet, classes = [] }) => {
    const longest = classes.reduce((a, b) => (b.length > a.length ? b : a), '');
    const label = longest === '' ? '' : `&class=${encodeURIComponent(longest)}`;
    const context = await browser.newContext();
    const { page, errors } = await openPage(context, `${site.url}#model=${name}&seed=ada${label}`);
    const device = await context.newCDPSession(page);
    await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
    for (const { form, colorScheme, ...metrics } of FORMS) {
      await device.send('Emulation.setDeviceMetricsOverride', { ...metrics, mobile: false });
      await page.emulateMedia({ colorScheme });
      await page.locator('.tab[data-view=wall]').click();
      await page.waitForTimeout(600); // the sheet's colour fades in
      const layout = await layoutOf(page);
      expect({ form, sheet: layout.sheet }).toEqual({ form, sheet: sheet === 'page' ? layout.raised : sheet });
      const tooWide = Object.entries(layout.beyond).filter(([, pixels]) => pixels > 0.5);
      expect({ form, tooWide }).toEqual({ form, tooWide: [] });
      expect(layout.scale).toBeCloseTo(Math.round(layout.scale), 1);
      expect(await page.locator('.label').textContent()).toBe(longest);
      // Few classes are chips, many a list, one nothing to choose.
      expect(await page.locator('.chips').isVisible()).toBe(classes.length > 1 && classes.length <= 24);
      expect(await page.locator('.class-list').isVisible()).toBe(classes.length > 24);
      expect(await page.locator('.backgrounds').isVisible()).toBe(name.startsWith('alpha'));
      for (const view of ['explore', 'walk', 'mix']) {
        await page.locator(`.tab[data-view=${view}]`).click();
        await page.waitForTimeout(100);
        const { beyond } = await layoutOf(page);
        expect({ form, view, beyond: [beyond.page, beyond.name] }).toEqual({ form, view, beyond: [0, 0] });
      }
    }
    expect(errors).toEqual([]);
    await context.close();
  },
);

/** The bytes of what a click downloads. */
async function downloaded(page: Page, button: string): Promise<Uint8Array> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return new Uint8Array(readFileSync(await (await download).path()));
}

test('a transparent picture is seen through, and every saved file keeps its alpha or gets the background asked for', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true });
  const { page, errors } = await openPage(context, `${site.url}#model=alpha-32&seed=1&class=monster`);
  const weights = oneHot(0, KINDS.length);
  const [picture] = await reference.decode([latentOf(1, 8)], [weights]);
  if (picture === undefined) throw new Error('no picture');
  expect(picture.data[3]).toBe(0); // a corner is transparent
  const shownGround = () => page.evaluate(() => document.documentElement.dataset.ground);
  expect(await shownGround()).toBe('checkered');

  async function saved(size: string): Promise<Record<string, string>> {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('slider', { name: 'Size' }).fill(size);
    const files = { png: digest(await downloaded(page, 'Save PNG')), svg: digest(await downloaded(page, 'Save SVG')) };
    await page.getByRole('button', { name: 'Close' }).click();
    return files;
  }
  const files = (one: Picture) => ({
    png: digest(encodePng(one)),
    svg: digest(new TextEncoder().encode(encodeSvg(one, 1))),
  });
  expect(await saved('0')).toEqual(files(picture));

  // Black behind it, in the file only when it is said.
  await page.getByRole('radio', { name: 'Black' }).check({ force: true });
  await page.waitForTimeout(600);
  expect(await page.locator('.wall').evaluate((wall) => getComputedStyle(wall).backgroundColor)).toBe('rgb(0, 0, 0)');
  expect(await saved('0')).toEqual(files(picture));
  const black: Colour = [0, 0, 0];
  await page.locator('.view').getByRole('checkbox', { name: 'Save with this background' }).check();
  expect(await saved('0')).toEqual(files(onBackground(picture, black)));

  const zip = unzipSync(await downloaded(page, 'Save as ZIP'));
  expect(digest(zip['alpha-32-monster-1.png'] ?? [])).toBe(digest(encodePng(onBackground(picture, black))));
  await page.locator('.view').getByRole('checkbox', { name: 'Save with this background' }).uncheck();
  const clear = unzipSync(await downloaded(page, 'Save as ZIP'));
  expect(digest(clear['alpha-32-monster-1.png'] ?? [])).toBe(digest(encodePng(picture)));

  // A walk of frames with alpha.
  await page.goto(`${site.url}#model=alpha-32&seed=1&class=monster&view=walk&to-seed=2&to-class=spell-icon`);
  await page.getByRole('checkbox', { name: 'There and back' }).uncheck();
  const times = steps(48);
  const other = oneHot(1, KINDS.length);
  const frames = await reference.decode(
    times.map((t) => slerp(latentOf(1, 8), latentOf(2, 8), t)),
    times.map((t) => blend(weights, other, t)),
  );
  const enlarged = frames.map((frame) => scaleUp(frame, 7));
  expect(digest(await downloaded(page, 'Save GIF'))).toBe(digest(encodeGif(enlarged, 24)));
  expect(digest(await downloaded(page, 'Save APNG'))).toBe(digest(encodeApng(enlarged, 24)));

  // An own colour, and both are still there the next time, for this model only.
  await page.locator('.swatch-own input[type=color]').fill('#3366cc', { force: true });
  await page.reload();
  await page.waitForSelector('.frame.made');
  expect(await page.getByRole('radio', { name: 'A colour of your own' }).isChecked()).toBe(true);
  expect(await page.evaluate(() => document.documentElement.style.getPropertyValue('--sheet'))).toBe('#3366cc');
  await page.goto(`${site.url}#model=alpha-128`);
  await page.waitForFunction(() => document.documentElement.dataset.ground === 'checkered');
  expect(errors).toEqual([]);
  await context.close();
});

test('what is behind a transparent picture is the checkerboard on the screen, and the page’s colour in the tiles’ gaps', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  const { page } = await openPage(context, `${site.url}#model=alpha-32&seed=1`);
  await page.waitForSelector('.frame.made');
  await page.waitForTimeout(600);
  const { width, channels, data } = decodePng(await page.locator('.frame').screenshot());
  // Along the top edge, away from the round corners, only the ground is there.
  const row = Array.from({ length: 100 }, (_, x) => data[(4 * width + 40 + x) * channels] ?? -1);
  const levels = [...new Set(row)].sort((a, b) => a - b);
  expect(levels).toEqual([217, 255]);
  await context.close();
});
