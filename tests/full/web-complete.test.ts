// "Rub out", in real Chromium: by mouse, by finger and by keys; eight completions at once in the bytes of the contract and the command, of
// which nothing outside the mask differs by a level; picked, gone on from, taken back, kept and saved. The completer is the tests' own.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Completer } from '../../contract/completer.ts';
import { latentOf, oneHot } from '../../contract/latent.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { openCompleter } from '../../export/open.ts';
import { launchBrowser } from '../browser.ts';
import { addCompleter } from '../helpers/completes.ts';
import { writeBundle } from '../web-bundles.ts';
import { builtSite, DESKTOP, digest, openPage, PHONE, violations } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const SIZE = 32;

const models = mkdtempSync(join(tmpdir(), 'pocketgen-web-complete-'));
let site: Site;
let browser: Browser;
let manifest: Manifest;
let completer: Completer;
let close: () => Promise<void>;

beforeAll(async () => {
  await writeBundle(models, { name: 'seen', size: SIZE, channels: 1, ground: 'black', classes: ['hat', 'shoe'] });
  await writeBundle(models, { name: 'plain', size: SIZE, channels: 3 });
  manifest = await addCompleter(join(models, 'seen'));
  ({ completer, close } = await openCompleter(join(models, 'seen'), manifest));
  site = await serveSite(await builtSite(), { models });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await close?.();
  rmSync(models, { recursive: true });
});

const address = (of = 'seen') => `${site.url}#model=${of}&seed=7&view=complete`;

/** RGBA of every canvas that is meant, row by row. */
const pixelsOf = (page: Page, selector: string): Promise<number[][]> =>
  page
    .locator(selector)
    .evaluateAll((all) =>
      (all as HTMLCanvasElement[]).map((canvas) =>
        Array.from(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []),
      ),
    );
const greyOf = (rgba: readonly number[]): number[] => rgba.filter((_, i) => i % 4 === 0);
/** 1 where it is marked: a colour on a grey picture. */
const hiddenIn = (rgba: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (rgba[i * 4] === rgba[i * 4 + 2] ? 0 : 1));
const under = async (page: Page) => (await pixelsOf(page, '.under'))[0] ?? [];
const frame = async (page: Page) => greyOf((await pixelsOf(page, '.frame canvas'))[0] ?? []);
const tiles = async (page: Page) => (await pixelsOf(page, '.completions canvas')).map(greyOf);
const picture = (data: readonly number[]) =>
  ({ width: SIZE, height: SIZE, channels: 1, data: Uint8Array.from(data) }) as const;

/** What the contract's completer makes of it in Node by eight seeds. */
async function expected(base: readonly number[], hidden: Uint8Array, first = 1, label?: number): Promise<number[][]> {
  const made = await completer.complete(
    Array.from({ length: 8 }, (_, i) => ({
      ...{ picture: picture(base), hidden, latent: latentOf(first + i, manifest.latent.size) },
      classWeights: label === undefined ? new Float32Array(2) : oneHot(label, 2),
    })),
  );
  return made.map(({ data }) => [...data]);
}

/** The eight of what is rubbed out now. Nothing outside it differs by a level. */
async function completed(page: Page, base: readonly number[], first = 1, label?: number): Promise<number[][]> {
  const hidden = hiddenIn(await under(page));
  const wanted = await expected(base, hidden, first, label);
  await expect.poll(async () => digest((await tiles(page)).flat()), { timeout: 20_000 }).toBe(digest(wanted.flat()));
  const made = await tiles(page);
  for (const one of made) expect(one.filter((level, i) => hidden[i] === 0 && level !== base[i])).toEqual([]);
  expect(new Set(made.map(String)).size).toBe(8);
  return made;
}

const spots = [
  [0.25, 0.5],
  [0.7, 0.55],
  [0.3, 0.7],
  [0.75, 0.8],
] as const;

async function rub(page: Page, touch: boolean): Promise<void> {
  const box = await page.locator('.draw-pad').boundingBox();
  if (box === null) throw new Error('expected a pad, got none');
  const at = spots.map(([x, y]) => ({ x: box.x + box.width * x, y: box.y + box.height * y }));
  if (!touch) {
    for (const [i, { x, y }] of at.entries()) {
      await page.mouse.move(x, y, { steps: 3 });
      if (i === 0) await page.mouse.down();
    }
    return page.mouse.up();
  }
  const session = await page.context().newCDPSession(page);
  const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', touchPoints: { x: number; y: number }[]) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints });
  for (const [i, spot] of at.entries()) await send(i === 0 ? 'touchStart' : 'touchMove', [spot]);
  await send('touchEnd', []);
}

const ready = (page: Page) => page.getByText('Rub out a part with a finger').waitFor({ timeout: 30_000 });

/** The view on a device of its own, and the picture that is rubbed out of. */
async function opened(device: typeof PHONE | typeof DESKTOP) {
  const context = await browser.newContext(device);
  const { page, errors } = await openPage(context, address());
  await ready(page);
  return { context, page, errors, base: greyOf(await under(page)) };
}

for (const [form, options] of [
  ['by touch on a phone', PHONE],
  ['by mouse on a desktop', DESKTOP],
] as const)
  test(`rubbing out ${form}: eight at once, picked, gone on from, taken back and kept`, async () => {
    const { context, page, errors, base } = await opened(options);
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(request.url());
    });
    await rub(page, options === PHONE);
    const hidden = hiddenIn(await under(page));
    expect(hidden.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(60);
    const made = await completed(page, base);
    // All of it is in sight on a phone, and nothing is wider than it.
    const last = await page.locator('.completions .tile').last().boundingBox();
    if (options === PHONE) expect((last?.y ?? 999) + (last?.height ?? 0)).toBeLessThan(740 - 64);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);

    await page.getByRole('button', { name: 'Completion by seed 3' }).click();
    await expect.poll(() => frame(page)).toEqual(made[2]);
    await page.getByText('completed by seed 3').waitFor();
    expect(await page.getByRole('button', { name: 'Share' }).isVisible()).toBe(false);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      (async () => {
        await page.locator('#scale').fill('0');
        await page.getByRole('button', { name: 'Save PNG' }).click();
      })(),
    ]);
    expect(download.suggestedFilename()).toBe('seen-completed-3.png');
    expect([...decodePng(readFileSync(await download.path())).data]).toEqual(made[2]);
    await page.keyboard.press('Escape');

    // Goes on from what was picked, and back by undo.
    await page.getByRole('button', { name: 'Go on from this one' }).click();
    await expect.poll(async () => greyOf(await under(page))).toEqual(made[2]);
    await page.getByRole('button', { name: 'Left half' }).click();
    await completed(page, made[2] ?? []);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(async () => digest(hiddenIn(await under(page)))).toBe(digest(hidden));
    await completed(page, base);

    await page.locator('.tab[data-view=saved]').click();
    await page.getByRole('button', { name: 'Open completed' }).click();
    await expect.poll(async () => greyOf(await under(page))).toEqual(made[2]);
    await page.getByRole('button', { name: 'The model’s picture' }).click();
    await expect.poll(async () => greyOf(await under(page))).toEqual(base);
    expect([sent, errors]).toEqual([[], []]);
    await context.close();
  });

test('while eight more are on their way the old ones keep their seeds; another model in between takes nothing away', async () => {
  const { context, page, errors, base } = await opened(DESKTOP);
  await page.getByRole('button', { name: 'Left half' }).click();
  const made = await completed(page, base);
  // In one task: nothing can have come meanwhile.
  await page.evaluate(() => {
    const press = (name: string) =>
      [...document.querySelectorAll('button')].find((one) => (one.ariaLabel ?? one.textContent) === name)?.click();
    press('8 more');
    press('Completion by seed 3');
  });
  await page.getByText('completed by seed 3').waitFor();
  expect(await frame(page)).toEqual(made[2]);

  await page.evaluate(() => {
    const more = [...document.querySelectorAll('button')].find((one) => one.textContent === '8 more');
    more?.click();
    location.hash = '#model=plain';
  });
  await page.locator('.rubbing').waitFor({ state: 'hidden' });
  await page.locator('.frame.made').waitFor();
  await page.evaluate((hash) => {
    location.hash = hash;
  }, new URL(address()).hash);
  await ready(page);
  await page.getByRole('button', { name: 'Left half' }).click();
  await completed(page, greyOf(await under(page)));
  expect(errors).toEqual([]);
  await context.close();
});

test('by keys, with a class told, eight more; the command makes the same of the same picture and mask', async () => {
  const { context, page, errors, base } = await opened(DESKTOP);
  await page.getByRole('radio', { name: 'Very broad' }).check();
  await page.locator('.draw-pad').focus();
  await page.keyboard.press('Space');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Space');
  await completed(page, base);
  await page.getByLabel('What it is').selectOption('shoe');
  await completed(page, base, 1, 1);
  await page.getByRole('button', { name: '8 more' }).click();
  const more = await completed(page, base, 9, 1);

  const files = { picture: picture(base), mask: picture([...hiddenIn(await under(page))].map((one) => 255 * one)) };
  const [shirt, mask, out] = ['picture.png', 'mask.png', 'out.png'].map((name) => join(models, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(shirt, encodePng(files.picture));
  writeFileSync(mask, encodePng(files.mask));
  const command = ['bin/pocketgen.mjs', 'complete', join(models, 'seen'), shirt, '--mask', mask];
  await promisify(execFile)('node', [...command, '--seed', '12', '--class', 'shoe', '-o', out]);
  expect([...decodePng(readFileSync(out)).data]).toEqual(more[3]);

  // What is brought back is no longer drawn anew.
  await page.getByRole('button', { name: 'Bring back', exact: true }).click();
  const before = hiddenIn(await under(page));
  await rub(page, false);
  const after = hiddenIn(await under(page));
  expect(after.filter((one, i) => one > (before[i] ?? 0))).toHaveLength(0);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => digest(hiddenIn(await under(page)))).toBe(digest(before));
  await page.getByRole('button', { name: 'Bring all back' }).click();
  await expect.poll(async () => hiddenIn(await under(page)).includes(1)).toBe(false);
  expect(await page.locator('.completions .tile.made').count()).toBe(0);
  for (const [half, inside] of [
    ['Upper half', (_: number, y: number) => y < SIZE / 2],
    ['Right half', (x: number) => x >= SIZE / 2],
  ] as const) {
    await page.getByRole('button', { name: half }).click();
    const wanted = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (inside(i % SIZE, Math.floor(i / SIZE)) ? 1 : 0));
    await expect.poll(async () => digest(hiddenIn(await under(page)))).toBe(digest(wanted));
  }
  expect(errors).toEqual([]);
  await context.close();
});

test('a model that only draws has no such view; without a network one that was used completes', async () => {
  const context = await browser.newContext(PHONE);
  const { page } = await openPage(context, address('plain'));
  await page.locator('.wall').waitFor();
  expect(await page.locator('.tab[data-view=complete]').isVisible()).toBe(false);
  await page.goto(address());
  await page.reload();
  await ready(page);
  await page.waitForSelector('.ready', { state: 'attached' });
  await expect.poll(() => page.evaluate(() => !document.querySelector('.ready')?.hasAttribute('hidden'))).toBe(true);
  await context.setOffline(true);
  await page.reload();
  await ready(page);
  const base = greyOf(await under(page));
  await rub(page, true);
  await completed(page, base);
  await context.close();
});
