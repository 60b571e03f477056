// The page in real Chromium makes the same bytes as the contract's generator on wasm in Node, which is what the edge and
// the command line run: the large picture as a saved PNG, the wall picture by picture, the ZIP.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Generator, PictureRequest } from '../../contract/generator.ts';
import { parseSeed } from '../../contract/latent.ts';
import { encodePng } from '../../contract/png.ts';
import { launchBrowser } from '../browser.ts';
import { builtSite, digest, MODEL, openPage, referenceGenerator, TRUNCATION, waitForVerdicts } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

let site: Site;
let browser: Browser;
let reference: Generator;

beforeAll(async () => {
  const folder = await builtSite();
  reference = await referenceGenerator(folder);
  site = await serveSite(folder);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function expected(request: Partial<PictureRequest> & { seed: number }): Promise<Uint8Array> {
  const [picture] = await reference.generate([{ class: undefined, truncation: TRUNCATION, ...request }]);
  if (picture === undefined) throw new Error('no picture');
  return encodePng(picture);
}

async function savedPng(page: Page): Promise<Uint8Array> {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const size = page.getByRole('slider', { name: 'Size' });
  await size.fill('0'); // 1 pixel a pixel
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save PNG' }).click();
  const bytes = readFileSync(await (await download).path());
  await page.getByRole('button', { name: 'Close' }).click();
  return new Uint8Array(bytes);
}

test('a saved picture has the bytes of the edge and the command line, for text and number seeds, classes, truncation', async () => {
  const context = await browser.newContext({ acceptDownloads: true });
  for (const [fragment, request] of [
    ['seed=ada%40example.com', { seed: parseSeed('ada@example.com') }],
    ['seed=4294967295&class=Ankle+boot', { seed: 4294967295, class: 9 }],
    ['seed=7&class=Bag&truncation=0.5', { seed: 7, class: 8, truncation: 0.5 }],
  ] as const) {
    const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&${fragment}`);
    await page.waitForSelector('.frame.made');
    expect(digest(await savedPng(page))).toBe(digest(await expected(request)));
    expect(errors).toEqual([]);
    await page.close();
  }
  await context.close();
});

test('`pocketgen sample` writes the same file as the page saves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-web-'));
  const out = join(folder, 'cli.png');
  const bundle = join(process.env.POCKETGEN_MODELS ?? 'models', MODEL);
  const options = ['--seed', 'ada@example.com', '--class', 'Bag', '--truncation', '0.8', '--out', out];
  execFileSync(process.execPath, ['bin/pocketgen.mjs', 'sample', bundle, ...options], { stdio: 'pipe' });
  const context = await browser.newContext({ acceptDownloads: true });
  const { page } = await openPage(
    context,
    `${site.url}#model=${MODEL}&seed=ada%40example.com&class=Bag&truncation=0.8`,
  );
  await page.waitForSelector('.frame.made');
  expect(digest(await savedPng(page))).toBe(digest(readFileSync(out)));
  await context.close();
  rmSync(folder, { recursive: true });
});

test('every picture of the wall has the bytes of the contract, and the ZIP holds the same PNGs', async () => {
  const context = await browser.newContext({ acceptDownloads: true });
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&wall=100&class=Trouser`);
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
  const requests = Array.from({ length: 60 }, (_, i) => ({ seed: 100 + i, class: 1, truncation: TRUNCATION }));
  const pictures = await reference.generate(requests);
  const shown = await page.locator('.wall canvas').evaluateAll((canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const data = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
      return Array.from(data).filter((_, i) => i % 4 === 0);
    }),
  );
  expect(shown.map(digest)).toEqual(pictures.map((picture) => digest(picture.data)));

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as ZIP' }).click();
  const files = unzipSync(readFileSync(await (await download).path()));
  expect(Object.keys(files)).toHaveLength(60);
  expect(files['fashion-gan-trouser-100.png']).toEqual(await expected({ seed: 100, class: 1 }));
  expect(errors).toEqual([]);
  await context.close();
});

test('wasm with threads and plain wasm both give the exact bytes of the goldens', async () => {
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await waitForVerdicts(page);
  await page.locator('.status').click();
  await page.locator('.choice').first().waitFor();
  const notes = await page.locator('.choice small').allTextContents();
  // auto, WebGPU, wasm with threads, wasm
  expect(notes[2]).toContain('same bytes as the edge');
  expect(notes[3]).toContain('same bytes as the edge');
  await context.close();
});
