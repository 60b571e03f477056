// "Put my picture in", in real Chromium: a drawing by mouse and by touch, a photo dropped and cropped by keys, what the model makes
// of it, its link, and that nothing leaves the device. The encoder is one of the tests' own beside the shipped generator.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encode as encodePng } from 'fast-png';
import * as ort from 'onnxruntime-web/wasm';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeLatent, toGrid } from '../../contract/compact.ts';
import { createEncoder, type Encoder } from '../../contract/encoder.ts';
import { oneHot } from '../../contract/latent.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { launchBrowser } from '../browser.ts';
import { bundleWithEncoder } from '../helpers/way-back.ts';
import { writeBundle } from '../web-bundles.ts';
import { builtSite, DESKTOP, digest, greyOf, MODEL, openPage, PHONE, violations } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const BAG = 8;

const models = mkdtempSync(join(tmpdir(), 'pocketgen-encode-'));
let site: Site;
let browser: Browser;
let encoder: Encoder;

beforeAll(async () => {
  mkdirSync(join(models, MODEL));
  const files = await bundleWithEncoder();
  for (const [name, bytes] of files) writeFileSync(join(models, MODEL, name), bytes);
  await writeBundle(models, { name: 'plain', size: 32, channels: 3 });
  site = await serveSite(await builtSite(), { models });
  browser = await launchBrowser();
  const manifest = parseManifest(JSON.parse(readFileSync(join(models, MODEL, 'model.json'), 'utf8')));
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(files.get('encoder.fp32.onnx') as Uint8Array);
  encoder = createEncoder(manifest, session, ort.Tensor as never);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(models, { recursive: true });
});

const address = (of = MODEL) => `${site.url}#model=${of}&view=draw`;
const stateOf = async (page: Page) => new URLSearchParams((await page.evaluate(() => location.hash)).slice(1));
const latentIn = async (page: Page) => (await stateOf(page)).get('z');
const seen = (page: Page) => greyOf(page, '.seen canvas');
const shown = async (page: Page) => digest(await greyOf(page, '.frame canvas'));

/** What a link has of the picture that the model gets, by the contract's encoder. */
async function latentOf(data: readonly number[], index: number): Promise<string> {
  const picture = { width: 28, height: 28, channels: 1 as const, data: Uint8Array.from(data) };
  const [latent] = await encoder.encode([picture], [oneHot(index, 10)]);
  return encodeLatent(toGrid(latent ?? new Float32Array()));
}

/** The link is that of what the model gets now. */
async function settled(page: Page, index = BAG): Promise<string> {
  await expect
    .poll(async () => (await latentIn(page)) === (await latentOf(await seen(page), index)), { timeout: 20_000 })
    .toBe(true);
  return (await latentIn(page)) ?? '';
}

/** A zigzag over the pad, by mouse or finger. */
async function scribble(page: Page, touch: boolean): Promise<void> {
  const pad = page.locator('.draw-pad');
  await pad.evaluate((element) => element.scrollIntoView({ block: 'end' }));
  await page.evaluate(() => scrollBy(0, 90)); // clear of the tabs
  const box = await pad.boundingBox();
  if (box === null) throw new Error('expected a pad, got none');
  const spots = Array.from({ length: 12 }, (_, i) => ({
    x: box.x + box.width * (0.2 + 0.05 * i),
    y: box.y + box.height * (i % 2 === 0 ? 0.55 : 0.8),
  }));
  if (touch) {
    const session = await page.context().newCDPSession(page);
    const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: { x: number; y: number }[]) =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints: points });
    const [first = { x: 0, y: 0 }, ...rest] = spots;
    await send('touchStart', [first]);
    for (const spot of rest) await send('touchMove', [spot]);
    await send('touchEnd', []);
    return;
  }
  for (const [i, { x, y }] of spots.entries()) {
    await page.mouse.move(x, y, { steps: 2 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** A finger that is still down when another view is chosen, and comes up there. */
async function leaveWithFinger(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const box = await page.locator('.draw-pad').boundingBox();
  for (const [type, at] of [
    ['touchStart', 50],
    ['touchMove', 90],
  ] as const) {
    const touchPoints = [{ x: (box?.x ?? 0) + at, y: (box?.y ?? 0) + at }];
    await session.send('Input.dispatchTouchEvent', { type, touchPoints });
  }
  const choose = (view: string) => page.locator(`.tab[data-view=${view}]`).evaluate((tab: HTMLElement) => tab.click());
  await choose('wall');
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  // No tap: so soon after the finger Chromium may take both for one gesture.
  await choose('draw');
  await page.locator('.draw-pad').waitFor();
}

async function ready(page: Page): Promise<void> {
  await page.locator('.draw-pad').waitFor();
  await expect.poll(() => page.locator('.say').textContent(), { timeout: 30_000 }).toContain('Choose what it is');
}

for (const [form, options] of [
  ['by touch on a phone', PHONE],
  ['by mouse on a desktop', DESKTOP],
] as const)
  test(`drawing ${form}: the model's version is that of the same pixels, in the link, and a start for the other views`, async () => {
    const touch = options === PHONE;
    const context = await browser.newContext(options);
    const { page, errors } = await openPage(context, address());
    const bodies: string[] = [];
    await ready(page);
    const asked: string[] = [];
    page.on('request', (request) => {
      asked.push(request.url());
      if (request.postData() !== null || request.method() !== 'GET') bodies.push(request.url());
    });

    // What it is has to be said.
    if (touch) await leaveWithFinger(page);
    await scribble(page, touch);
    expect(new Set(await seen(page)).size).toBeGreaterThan(2);
    expect(await latentIn(page)).toBe(null);
    await page.getByRole('button', { name: 'Bag', exact: true }).last().click();
    const first = await settled(page);
    const made = await shown(page);

    await scribble(page, touch);
    await page.getByRole('radio', { name: 'Eraser' }).check();
    await scribble(page, touch);
    await page.keyboard.press('Control+z');
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => latentIn(page)).toBe(first);
    expect(bodies).toEqual([]);
    expect(asked.filter((url) => !/\.(js|css|svg)$/.test(url))).toEqual([]);

    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);

    // Somebody else's page, of the link alone.
    const { page: other } = await openPage(await browser.newContext(), page.url());
    await expect.poll(() => shown(other)).toBe(made);
    await other.context().close();

    await page.getByRole('button', { name: 'Explore around it' }).click();
    await page.getByText('Drag. Your picture is in the middle').waitFor();
    expect(await latentIn(page)).toBe(first);
    await expect.poll(() => shown(page)).toBe(made);
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    await page.goBack();
    await page.locator('.draw-pad').waitFor();
    await page.locator('.tab[data-view=saved]').click();
    await page.locator('.saved .tile').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

test('a picture dropped on the page comes in as it is, is cropped by keys, and taken back', async () => {
  const context = await browser.newContext(DESKTOP);
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&class=Bag`);
  // On black, as what the model was trained on, with a mark off the middle.
  const data = Uint8Array.from({ length: 28 * 28 }, (_, i) =>
    i % 28 > 3 && i % 28 < 20 && i > 200 && i < 500 ? 90 + (i % 97) : 0,
  );
  const pngOf = (levels: Uint8Array) =>
    Buffer.from(encodePng({ width: 28, height: 28, channels: 1, data: levels })).toString('base64');
  const drop = (base64: string) =>
    page.evaluate((text) => {
      const file = new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], 'mine.png', { type: 'image/png' });
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(file);
      const event = (type: string) => new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
      for (const type of ['dragover', 'drop']) document.body.dispatchEvent(event(type));
    }, base64);
  const png = pngOf(data);
  await drop(png);
  await page.locator('.draw-pad').waitFor();
  await expect.poll(() => seen(page)).toEqual([...data]);
  const whole = await settled(page);
  // The command gives the same latent of the same file, bit for bit.
  const [file, latent] = [join(models, 'mine.png'), join(models, 'latent.json')];
  writeFileSync(file, Buffer.from(png, 'base64'));
  const command = ['bin/pocketgen.mjs', 'encode', join(models, MODEL), file, '--class', 'bag', '-o', latent];
  await promisify(execFile)('node', command);
  expect(JSON.parse(readFileSync(latent, 'utf8'))).toMatchObject({ class: 'Bag', z: whole });
  expect((await stateOf(page)).get('view')).toBe('draw');

  await page.locator('.draw-pad').focus();
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  const zoomed = await settled(page);
  expect(zoomed).not.toBe(whole);
  await page.getByLabel('Light and dark swapped').check();
  expect(await settled(page)).not.toBe(zoomed);
  // On it can be drawn too, by keys.
  await page.getByRole('button', { name: 'Draw on it' }).click();
  await page.locator('.draw-pad').focus();
  await page.keyboard.press('Space');
  for (let i = 0; i < 6; i++) await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Space');
  expect(await page.locator('.nib').isVisible()).toBe(true); // up, and where it would go on
  const drawnOn = await settled(page);
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Control+z');
  await expect.poll(() => latentIn(page)).not.toBe(drawnOn);
  await page.getByRole('button', { name: 'Clear' }).click();
  expect(new Set(await seen(page)).size).toBe(1);
  // One on white is swapped as it comes in, which is no step of its own.
  await drop(pngOf(data.map((level) => 255 - level)));
  await expect.poll(() => seen(page)).toEqual([...data]);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => new Set(await seen(page)).size).toBe(1);
  // Words that are dropped go where they go without this page.
  const taken = await page.locator('#seed').evaluate((box) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData('text/plain', 'ada');
    return !box.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  });
  expect(taken).toBe(false);
  expect(errors).toEqual([]);
  await context.close();
});

test('without a network a model whose encoder was used once still takes pictures', async () => {
  const context = await browser.newContext(DESKTOP);
  const { page } = await openPage(context, address());
  await ready(page);
  await page.waitForSelector('.ready:not([hidden])');
  await context.setOffline(true);
  await page.reload();
  await ready(page);
  await page.getByRole('button', { name: 'Bag', exact: true }).last().click();
  await scribble(page, false);
  await settled(page);
  await context.close();
});

test('a model without an encoder has no such view, also where a link asks for it', async () => {
  const context = await browser.newContext(PHONE);
  const { page } = await openPage(context, address('plain'));
  await page.locator('.wall').waitFor();
  expect(await page.locator('.tab[data-view=draw]').isVisible()).toBe(false);
  expect((await stateOf(page)).get('view')).toBe(null);
  await page.evaluate((hash) => {
    location.hash = hash;
  }, `#model=${MODEL}&view=draw`);
  await page.locator('.draw-pad').waitFor();
  expect(await page.locator('.tab[data-view=draw]').isVisible()).toBe(true);
  await context.close();
});
