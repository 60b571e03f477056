// A training on the page, real Chromium: the same numbers as the command's on wasm, to the last bit; what comes out is a bundle
// that verifies. It survives reloads, a full device and a GPU that goes away; a second tab looks on.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256Hex } from '../../contract/bundle.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { readManifest } from '../../export/open.ts';
import { verifyBundle } from '../../export/verify.ts';
import { launchBrowser } from '../browser.ts';
import {
  chooseFiles,
  goOnWith,
  imagesKept,
  imagesSaid,
  openMaking,
  packedRun,
  press,
  putClockForward,
  said,
  saved,
  stateInNode,
  stateOfPacked,
  told,
  trainerOf,
  writeFiles,
} from '../helpers/making.ts';
import { clearPictures, smallPictures, smallRecipe, tinyRecipe } from '../small.ts';
import { builtSite, MODEL, violations } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';
import { startWorkerd } from './edge-workerd.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-web-train-'));
const at = (...names: string[]): string => join(folder, ...names);
let site: Site;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  site = await serveSite(await builtSite());
  browser = await launchBrowser({ webgpu: true });
  context = await newContext();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

/** It draws on wasm: a software GPU would be busy with the shipped model for long. */
async function newContext(): Promise<BrowserContext> {
  const made = await browser.newContext({ acceptDownloads: true });
  await made.addInitScript(() => {
    localStorage['pocketgen.provider'] ??= 'wasm';
  });
  return made;
}

const open = (): Promise<Page> => openMaking(context, site.url, MODEL);
/** Where its run is the only one. */
const openAlone = async (): Promise<Page> => openMaking(await newContext(), site.url, MODEL);

test('a run begun elsewhere goes on in the page and ends where the command ends, which takes it further; its bundle verifies', async () => {
  const pictures = { ...(await smallPictures(100)), name: 'Small clothes' };
  const recipe = smallRecipe(pictures, { images: 120 });
  const run = await packedRun(pictures, recipe);

  const page = await open();
  await chooseFiles(page, 'Go on with a training from another device', run);
  await page.getByText('100 pictures, 28 × 28; 0 of 120 images seen').waitFor();
  await press(page, 'Go on');
  await page.locator('.samples canvas').waitFor();
  await page.getByText(/^[\d.]+ % of these are near copies of your pictures/).waitFor();
  await said(page, /^Done: 120 images/);

  const packed = at('page.run.zip');
  writeFileSync(packed, await saved(page, 'Save the training for another device'));
  const packedState = (dir: string) => stateOfPacked(new Uint8Array(readFileSync(packed)), dir);
  expect(await packedState(at('page'))).toBe(await stateInNode(pictures, recipe, at('node')));

  // It goes on in the command, and what the command leaves is a zip again.
  const longer = { ...recipe, images: 160 };
  const flags = ['--resume', packed, '--images', '160', '--engine', 'onnx', '--device', 'wasm'];
  await promisify(execFile)(process.execPath, ['bin/pocketgen.mjs', 'train', ...flags]);
  expect(await packedState(at('back'))).toBe(await stateInNode(pictures, longer, at('node')));

  writeFiles(folder, Object.entries(unzipSync(await saved(page, 'Save the model as a zip'))));
  const lines = await verifyBundle(at('small-clothes'), () => {});
  expect(lines.map(({ network, provider }) => `${network} ${provider}`).length).toBeGreaterThan(5);

  // Its goldens were made in Chromium; the edge draws their bytes.
  const { goldens, defaultVariant } = readManifest(at('small-clothes'));
  cpSync(at('small-clothes'), at('published', 'small-clothes'), { recursive: true });
  const edge = await startWorkerd(at('published'));
  for (const { seed, class: index, truncation, sha256 } of goldens.filter(
    ({ variant }) => variant === defaultVariant,
  )) {
    const query = new URLSearchParams({ class: `${index}`, truncation: `${truncation}` });
    const answer = await fetch(`${edge.url}/v1/images/small-clothes/${seed}.png?${query}`);
    expect(await sha256Hex(decodePng(new Uint8Array(await answer.arrayBuffer())).data)).toBe(sha256);
  }
  await edge.stop();

  await press(page, 'Keep as a model');
  await page.getByText('Small clothes is among your models now').waitFor({ timeout: 60_000 });
  expect(await page.locator('#model').textContent()).toContain('Small clothes');
  await page.close();
}, 400_000);

test('pictures of two kinds are chosen and drawn, counted and timed, trained on and paused; nothing is sent anywhere', async () => {
  const page = await open();
  const asked = site.log.length;
  const square = (level: number) =>
    Buffer.from(
      encodePng({
        width: 40,
        height: 30,
        channels: 3,
        data: new Uint8Array(3600).map((_, i) => (level * (i % 3)) % 256),
      }),
    );
  for (const kind of ['cats', 'fish', 'dogs']) {
    await page.getByLabel('What the next ones show').fill(kind);
    const chooser = page.waitForEvent('filechooser');
    await press(page, 'Add pictures');
    const files = Array.from({ length: 6 }, (_, i) => ({
      ...{ name: `${kind}-${i}.png`, mimeType: 'image/png', buffer: square(i * 10 + kind.length) },
    }));
    await (await chooser).setFiles([
      ...(kind === 'fish' ? [] : files), // none that can be read
      { name: 'note.png', mimeType: 'image/png', buffer: Buffer.from('none') },
    ]);
  }
  await press(page, 'Draw some');
  const pad = page.locator('.draw-pad');
  await pad.hover({ position: { x: 60, y: 60 } }); // scrolled to, and still
  const box = await pad.boundingBox();
  if (box === null) throw new Error('expected a pad to draw on');
  await page.mouse.down();
  await page.mouse.move(box.x + 90, box.y + 120);
  await page.mouse.up();
  await press(page, 'Add this drawing');
  await page.getByText('dogs: 8').waitFor();
  await page.getByText('cats: 7').waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByLabel('Size in pixels').selectOption('16');
  await page.getByLabel('Network').selectOption('small');
  await page.getByLabel('Name of the model').fill('Pets');
  await press(page, 'See how long it takes');
  await page
    .getByText(/13 pictures, 16 × 16: [\d.]+ images a second here.*3 files could not be read/)
    .waitFor({ timeout: 120_000 });
  await press(page, 'Train until first shapes');
  await said(page, /^\d+ of 40,000 images/);
  await press(page, 'Pause');
  await said(page, /^Paused and saved/);
  await page.getByText(/13 pictures, 16 × 16; \d+ of 40,000 images seen/).waitFor();
  const download = page.waitForEvent('download');
  await page
    .locator('[data-run]', { hasText: 'Pets' })
    .getByRole('button', { name: /another device/ })
    .click();
  const { 'config.json': config } = unzipSync(new Uint8Array(readFileSync(await (await download).path())));
  expect(JSON.parse(new TextDecoder().decode(config)).dataset.classes).toEqual(['cats', 'dogs']);
  // The trainer and ONNX Runtime were there from the first test; whatever was asked for since is a file of the site.
  for (const { path } of site.log.slice(asked)) expect(path).toMatch(/^\/(assets\/|models\/|index\.html)?/);
  await page.close();
});

/** A checkpoint is written; the images that it has seen at least. */
async function checkpointNow(page: Page): Promise<number> {
  await putClockForward(page);
  const due = await imagesSaid(page);
  const goesOn = async (from: number) => {
    await expect.poll(() => imagesSaid(page), POLL).toBeGreaterThan(from);
    return imagesSaid(page);
  };
  // A step is said before its checkpoint is written, the next one after.
  await goesOn(await goesOn(due));
  return due;
}
const POLL = { timeout: 60_000, interval: 50 };

test('a full device is told and waited for, a second tab looks on, and a reload costs what came after the last checkpoint: the run ends as one that nothing disturbed', async () => {
  const page = await openAlone();
  const pictures = clearPictures(40);
  const recipe = smallRecipe(pictures, { images: 2400 });
  await goOnWith(page, await packedRun(pictures, recipe));

  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(site.url);
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
  await checkpointNow(page);
  await told(page, /^shapes: expected room on this device, got none; free some; training goes on and saves later$/);
  await session.send('Storage.overrideQuotaForOrigin', { origin });

  const speed = page.getByLabel('Speed');
  await speed.selectOption('Leave my device cool'); // so that it does not end while the other tab is opened
  const other = await openMaking(page.context(), site.url, MODEL);
  await press(other, 'Go on');
  await said(other, /^Another tab trains it/);
  await other.close();
  await speed.selectOption('As fast as it can');

  const due = await checkpointNow(page);
  const moment = due + (Math.random() * (recipe.images - due)) / 4;
  await expect.poll(() => imagesSaid(page), POLL).toBeGreaterThan(moment);
  await page.reload(); // 20 of them: npm run bench:web-soak
  expect(await imagesKept(page), `reloaded after ${moment} images`).toBeGreaterThanOrEqual(due);
  await press(page, 'Go on');
  await said(page, /^Done: 2,400 images/);
  const packed = await saved(page, 'Save the training for another device');
  expect(await stateOfPacked(packed, at('disturbed'))).toBe(await stateInNode(pictures, recipe, at('undisturbed')));
  await page.context().close();
}, 400_000);

test('an error of the training is told as what it is, though the list of locks still names its own', async () => {
  const page = await openAlone();
  const pictures = clearPictures(40);
  const recipe = smallRecipe(pictures, { learningRate: { from: 1e9, to: 1e9 } });
  await chooseFiles(page, 'Go on with a training from another device', await packedRun(pictures, recipe));
  const id = await page.locator('[data-run]').getAttribute('data-run');
  await page.evaluate((of) => {
    LockManager.prototype.query = async () => ({ held: [{ name: `pocketgen-run:${of}`, mode: 'exclusive' }] });
  }, id);
  await press(page, 'Go on');
  await told(page, /^training: expected losses and penalties/);
  await page.context().close();
});

test('a training that is to end sooner is planned anew, and goes on', async () => {
  const page = await openAlone();
  const pictures = clearPictures(40);
  const recipe = smallRecipe(pictures, { images: 10_000_000 });
  await goOnWith(page, await packedRun(pictures, recipe));
  await press(page, 'Finish in 5 minutes');
  const status = page.locator('.making-now p[role=status]').filter({ hasText: /^[\d,]+ of (?!10,000,000)/ });
  await status.waitFor({ timeout: 120_000 });
  const text = (await status.textContent()) ?? '';
  const [seen, total, speed] = (text.match(/[\d,.]+/g) ?? []).map((figure) => Number(figure.replaceAll(',', ''))) as [
    number,
    number,
    number,
  ];
  expect(total - seen, text).toBeGreaterThan(30 * speed);
  expect(total, text).toBeLessThan(recipe.images / 2);
  expect(await page.getByRole('button', { name: 'Finish in 5 minutes' }).isEnabled()).toBe(false);
  await press(page, 'Pause');
  await said(page, /^Paused and saved/);
  expect(await page.locator('.making li[data-run] small').textContent()).toContain(
    `of ${total.toLocaleString('en-GB')}`,
  );
  await page.context().close();
}, 400_000);

test('a GPU that goes away while it trains: wasm goes on from the last checkpoint', async () => {
  const page = await openAlone();
  await trainerOf(page).evaluate(() => {
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...given) {
      const device = await request.apply(this, given);
      Object.assign(globalThis, { device });
      return device;
    };
  });
  await page.evaluate(() => localStorage.setItem('pocketgen.provider', 'webgpu'));
  const pictures = clearPictures(40);
  await goOnWith(page, await packedRun(pictures, tinyRecipe(pictures)));
  await told(page, /^webgpu takes \d+ ms a step, wasm \d+; it trains on webgpu$/);
  const due = await checkpointNow(page);
  await trainerOf(page).evaluate(() => (globalThis as unknown as { device: GPUDevice }).device.destroy());
  await told(page, /^the GPU went away: .*; it goes on from what was saved last, on the processor$/);
  const sentence = page.locator('.message', { hasText: /^continuing shapes after \d+ of/ }).last();
  const from = Number(/after (\d+)/.exec((await sentence.textContent()) ?? '')?.[1]);
  expect(from).toBeGreaterThanOrEqual(due);
  await said(page, /^Done: 200 images/);
  await page.context().close();
}, 400_000);
