// What a new model is made of, in real Chromium: what is chosen, dropped and changed while something else is still on its way, and
// that an outlook is of what is chosen.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { encodePng } from '../../contract/png.ts';
import { loadGenerator, loadTrainer } from '../../export/weights.ts';
import { exportBundle } from '../../export/write.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { recipeFor } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { launchBrowser } from '../browser.ts';
import { chooseFiles, openMaking, press, said, told } from '../helpers/making.ts';
import { bundleWithEncoder } from '../helpers/way-back.ts';
import { clearPictures } from '../small.ts';
import { writeBundle } from '../web-bundles.ts';
import { builtSite, MODEL } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-web-chooser-'));
const at = (...names: string[]): string => join(folder, ...names);
const warn = (sentence: string): void => expect.fail(sentence);
let site: Site;
let browser: Browser;
/** Lets what is held back go. */
let release: (() => void) | undefined;

beforeAll(async () => {
  const shapes = clearPictures(16);
  const recipe = recipeFor('auto', shapes, { width: 8, batch: 8, images: 16 });
  await trainInFolder({ pictures: shapes, source: 'shapes', engine: 'onnx', device: 'cpu', recipe, dir: at('run') });
  const run = folderFiles(at('run'));
  const trainer = await loadTrainer(run, warn);
  const options = { engine: 'onnx', variants: ['int8'], truncation: 1, trainer } as const;
  for (const name of ['slow', 'swift'])
    await exportBundle(await loadGenerator(run, warn), { ...options, out: at('models', name) });
  // One that takes pictures, where they are not for the model that is being made.
  mkdirSync(at('models', MODEL));
  for (const [name, bytes] of await bundleWithEncoder()) writeFileSync(at('models', MODEL, name), bytes);
  await writeBundle(at('own'), { name: 'mine', title: 'Mine', size: 16, channels: 3 });
  site = await serveSite(await builtSite(), { models: at('models') });
  browser = await launchBrowser();
});
afterEach(() => {
  release?.();
  release = undefined;
  site.intercept = undefined;
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

const open = async (): Promise<Page> => openMaking(await browser.newContext(), site.url, MODEL);

/** The server answers with such files when `release` is called, not before. */
function hold(files: RegExp): void {
  const waiting = new Promise<void>((resolve) => {
    release = resolve;
  });
  site.intercept = (path, request, response) => {
    if (!files.test(path) || request.url?.endsWith('?now')) return false;
    void waiting.then(() => response.writeHead(302, { Location: `${path}?now` }).end());
    return true;
  };
}

/** A picture of one colour. */
const png = (level: number) =>
  Buffer.from(encodePng({ width: 20, height: 20, channels: 3, data: new Uint8Array(1200).fill(level % 256) }));
const pictures = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ name: `${name}-${i}.png`, mimeType: 'image/png', buffer: png(9 * i) },
  }));
const classes = (page: Page) => page.locator('.made-of li > span').allTextContents();
const measuring = (page: Page) => page.getByRole('button', { name: 'See how long it takes' });
const begins = (page: Page) => page.getByRole('button', { name: /^Train until/ });

test('what comes and goes while a zip is being unpacked stays so; it can be chosen again', async () => {
  hold(/\/assets\/unzip-/); // before the service worker has it, too
  const page = await open();
  await page.getByLabel('What the next ones show').fill('cats');
  await chooseFiles(page, 'Add pictures', pictures('cat', 6));
  await page.getByText('cats: 6').waitFor();

  const files = Object.fromEntries(
    pictures('dog', 4).map(({ name, buffer }) => [`dogs/${name}`, new Uint8Array(buffer)]),
  );
  const zip = {
    name: 'dogs.zip',
    mimeType: 'application/zip',
    buffer: Buffer.from(zipSync({ ...files, 'birds/1.png': png(1) })),
  };
  await chooseFiles(page, 'Add a zip', zip);
  await page.getByLabel('What the next ones show').fill('fish');
  await chooseFiles(page, 'Add pictures', pictures('fish', 5));
  await page.getByText('fish: 5').waitFor();
  await press(page, 'Leave out cats');
  expect(await classes(page)).toEqual(['fish: 5']);
  expect(await measuring(page).isDisabled()).toBe(true); // it would be of what is there so far
  release?.();
  await page.getByText('dogs: 4').waitFor();
  expect(await classes(page)).toEqual(['fish: 5', 'dogs: 4', 'birds: 1']);
  await expect.poll(() => measuring(page).isEnabled()).toBe(true);

  await press(page, 'Leave out dogs');
  // A browser tells of a choice only where it is another than what the input has.
  const kept = await page
    .locator('.making input[type=file]')
    .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
  expect(kept.filter((value) => value !== '')).toEqual([]);
  await chooseFiles(page, 'Add a zip', zip);
  await page.getByText('dogs: 4').waitFor();
  await page.context().close();
});

test('of what to begin with the last choice holds, whichever is there first; until then nothing is timed', async () => {
  const page = await open();
  await chooseFiles(page, 'Add pictures', pictures('one', 8));
  await page.getByText('pictures: 8').waitFor();
  const begin = page.getByLabel('Begin with');
  const size = page.getByLabel('Size in pixels');
  const note = (text: RegExp) => page.locator('.settings p[role=status]', { hasText: text });

  hold(/\/models\/slow\/.*trainer/);
  const asked = page.waitForRequest(/\/models\/slow\/.*trainer/);
  await begin.selectOption('slow');
  await note(/^Getting what/).waitFor();
  await asked;
  expect(await measuring(page).isDisabled()).toBe(true);
  await begin.selectOption('');
  expect(await measuring(page).isEnabled()).toBe(true);
  await begin.selectOption('slow');
  await begin.selectOption('swift');
  await note(/^It goes on from/).waitFor();
  await begin.selectOption('');
  const fetched = page.waitForResponse((response) => /slow.*trainer/.test(response.url()) && response.status() === 200);
  release?.();
  await (await fetched).finished();
  await page.waitForTimeout(500);
  expect(await begin.inputValue()).toBe('');
  expect(await page.locator('.settings p[role=status]').textContent()).toBe('');
  expect(await size.isEnabled()).toBe(true);

  // And one that is there in the end is gone on from.
  await begin.selectOption('slow');
  await note(/^It goes on from/).waitFor();
  expect([await size.inputValue(), await size.isDisabled()]).toEqual(['16', true]);
  await expect.poll(() => measuring(page).isEnabled()).toBe(true);
  await page.context().close();
});

test('what changes while it is timed makes the outlook void; a training has the name that it has when it is begun', async () => {
  const page = await open();
  await page.getByLabel('Size in pixels').selectOption('16');
  await page.getByLabel('Network').selectOption('small');
  await chooseFiles(page, 'Add pictures', pictures('one', 8));
  await page.getByText('pictures: 8').waitFor();
  await press(page, 'See how long it takes');
  await page.getByText('Timing some steps').waitFor();
  await chooseFiles(page, 'Add pictures', pictures('more', 8));
  await page.getByText('pictures: 16').waitFor();
  await page.getByText('Something was changed meanwhile').waitFor({ timeout: 120_000 });
  expect(await begins(page).count()).toBe(0);

  await page.getByLabel('Name of the model').fill('First name');
  await press(page, 'See how long it takes');
  await page.getByText(/16 pictures, 16 × 16/).waitFor({ timeout: 120_000 });
  await page.getByLabel('Name of the model').fill('Second name');
  await press(page, 'Train until first shapes');
  await said(page, /^\d[\d,]* of [\d,]+ images/);
  expect(await page.locator('.making li[data-run] b').allTextContents()).toEqual(['Second name']);
  await press(page, 'Pause');
  await said(page, /^Paused and saved/);
  await page.context().close();
}, 400_000);

/** Files and folders of this machine dropped in the middle of the page, as a person drops them. */
async function drop(page: Page, ...files: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', {
      ...{ type, x: width / 2, y: height / 2, data: { items: [], files, dragOperationsMask: 1 } },
    });
}

test('what is dropped or pasted is for the model that is being made, by class; a bundle is one, and takes no picture along', async () => {
  const page = await open();
  for (const [kind, count] of [
    ['cats', 130],
    ['dogs', 4],
  ] as const) {
    mkdirSync(at('pets', kind), { recursive: true });
    for (const { name, buffer } of pictures(kind, count)) writeFileSync(at('pets', kind, name), buffer);
  }
  for (const name of ['a.png', 'b.png', 'c.png', 'd.png']) writeFileSync(at(name), png(name.charCodeAt(0)));
  const view = () => page.evaluate(() => document.body.dataset.view);

  await drop(page, at('a.png'), at('b.png'));
  await page.getByText('pictures: 2').waitFor();
  await drop(page, at('c.png')); // by itself it would be for the model that is shown
  await page.getByText('pictures: 3').waitFor();
  await page.evaluate((base64) => {
    const clipboardData = new DataTransfer();
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    clipboardData.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }, png(7).toString('base64'));
  await page.getByText('pictures: 4').waitFor();
  await drop(page, at('pets')); // more than Chromium tells of a folder at once
  await page.getByText('cats: 130').waitFor();
  await drop(page, at('pets', 'cats'), at('pets', 'dogs'));
  await page.getByText('cats: 260').waitFor();
  expect(await classes(page)).toEqual(['pictures: 4', 'cats: 260', 'dogs: 8']);

  await drop(page, at('own', 'mine'), at('d.png'));
  await told(page, /^Mine is on this device now/);
  await page.getByText('pictures: 5').waitFor();
  expect(await view()).toBe('make');
  await page.context().close();
});
