// A training on the page, real Chromium: the same numbers as the command's on wasm, to the last bit, also when the page is reloaded
// in the middle; a second tab looks on; what comes out is a bundle that verifies.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import type { Browser, BrowserContext, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256Hex } from '../../contract/bundle.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { readManifest } from '../../export/open.ts';
import { verifyBundle } from '../../export/verify.ts';
import { PICTURES } from '../../train/data/packed.ts';
import { createModel } from '../../train/families/models.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { loadNewestCheckpoint, stateHash } from '../../train/store/checkpoint.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { unpackRun } from '../../train/store/packed-run.ts';
import { readConfig } from '../../train/store/run.ts';
import { launchBrowser } from '../browser.ts';
import { chooseFiles, openMaking, packedRun, press, said } from '../helpers/making.ts';
import { smallPictures, smallRecipe } from '../small.ts';
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
  browser = await launchBrowser();
  context = await browser.newContext({ acceptDownloads: true });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

const open = (): Promise<Page> => openMaking(context, site.url, MODEL);

async function stateIn(dir: string): Promise<string> {
  const files = folderFiles(dir);
  const { recipe } = await readConfig(files);
  const newest = await loadNewestCheckpoint(files, createModel(recipe).state, (line) => expect.fail(line));
  expect(newest?.progress.images).toBe(recipe.images);
  return stateHash(newest?.state ?? {});
}

async function saved(page: Page, name: string): Promise<Uint8Array> {
  const waiting: Promise<Download> = page.waitForEvent('download', { timeout: 120_000 });
  await press(page, name);
  return new Uint8Array(readFileSync(await (await waiting).path()));
}

function write(dir: string, files: Iterable<readonly [string, Uint8Array]>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
  }
}

test('a run begun elsewhere goes on in the page, is reloaded in the middle, and ends where the command ends, which takes it further; its bundle verifies', async () => {
  const pictures = { ...(await smallPictures(100)), name: 'Small clothes' };
  const recipe = smallRecipe(pictures, { images: 240 });
  const run = await packedRun(pictures, recipe);

  const page = await open();
  await chooseFiles(page, 'Go on with a training from another device', run);
  await page.getByText('100 pictures, 28 × 28; 0 of 240 images seen').waitFor();
  await press(page, 'Go on');
  await said(page, /^\d+ of 240 images/);
  await page.locator('.samples canvas').waitFor();
  await page.getByText(/^[\d.]+ % of these are near copies of your pictures/).waitFor();

  const other = await open();
  await press(other, 'Go on');
  await said(other, /^Another tab trains it/);
  await other.close();

  await press(page, 'Pause');
  await said(page, /^Paused and saved after \d+ images/);
  await page.reload();
  await page.getByText(/ (8|16|24|32|40|48|56|64|72|80|88|96|1\d\d|2[0-3]\d) of 240 images seen/).waitFor();
  await press(page, 'Go on');
  await said(page, /^\d+ of 240 images/);
  await page.reload(); // as a crash: what came after the last checkpoint is trained again
  await press(page, 'Go on');
  await said(page, /^Done: 240 images/);

  const packed = at('page.run.zip');
  writeFileSync(packed, await saved(page, 'Save the training for another device'));
  write(at('page'), unpackRun(new Uint8Array(readFileSync(packed))));
  const inNode = { pictures, source: PICTURES, engine: 'onnx', device: 'wasm', dir: at('node') } as const;
  await trainInFolder({ ...inNode, recipe });
  expect(await stateIn(at('page'))).toBe(await stateIn(at('node')));

  // It goes on in the command, and what the command leaves is a zip again.
  const longer = { ...recipe, images: 280 };
  const flags = ['--resume', packed, '--images', '280', '--engine', 'onnx', '--device', 'wasm'];
  await promisify(execFile)(process.execPath, ['bin/pocketgen.mjs', 'train', ...flags]);
  write(at('back'), unpackRun(new Uint8Array(readFileSync(packed))));
  await trainInFolder({ ...inNode, recipe: longer });
  expect(await stateIn(at('back'))).toBe(await stateIn(at('node')));

  write(folder, Object.entries(unzipSync(await saved(page, 'Save the model as a zip'))));
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
  for (const kind of ['cats', 'dogs']) {
    await page.getByLabel('What the next ones show').fill(kind);
    const chooser = page.waitForEvent('filechooser');
    await press(page, 'Add pictures');
    const files = Array.from({ length: 6 }, (_, i) => ({
      ...{ name: `${kind}-${i}.png`, mimeType: 'image/png', buffer: square(i * 10 + kind.length) },
    }));
    await (await chooser).setFiles([
      ...files,
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
    .getByText(/13 pictures, 16 × 16: [\d.]+ images a second here.*2 files could not be read/)
    .waitFor({ timeout: 120_000 });
  await press(page, 'Train until first shapes');
  await said(page, /^\d+ of 40,000 images/);
  await press(page, 'Pause');
  await said(page, /^Paused and saved/);
  await page.getByText(/13 pictures, 16 × 16; \d+ of 40,000 images seen/).waitFor();
  // The trainer and ONNX Runtime were there from the first test; whatever was asked for since is a file of the site.
  for (const { path } of site.log.slice(asked)) expect(path).toMatch(/^\/(assets\/|models\/|index\.html)?/);
  await page.close();
});
