// Gates on what the page weighs: over the wire on a first visit, the page's own code, and every file's limit at the edge.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { beforeAll, expect, test } from 'vitest';
import { fileSizes, ownCode } from '../../bench/web-sizes.ts';
import { launchBrowser } from '../browser.ts';
import { builtSite, MODEL, openPage } from '../web-harness.ts';
import { serveSite } from '../web-site.ts';

let folder: string;
beforeAll(async () => {
  process.env.POCKETGEN_BROTLI ??= '10'; // as tests/run.ts
  folder = await builtSite();
});

test('a first visit on the wasm path takes at most 3.5 MB over the wire, runtime and model included', async () => {
  const site = await serveSite(folder, { brotli: true });
  const browser = await launchBrowser();
  const { page } = await openPage(await browser.newContext(), `${site.url}#model=${MODEL}`);
  await page.waitForSelector('.ready:not([hidden])');
  await browser.close();
  await site.close();
  const total = site.log.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = [...site.log].sort((a, b) => b.bytes - a.bytes).slice(0, 4);
  console.log(
    `web-size: first visit ${(total / 1e6).toFixed(2)} MB: ${largest.map(({ path, bytes }) => `${path} ${bytes}`).join(', ')}`,
  );
  expect(total).toBeLessThanOrEqual(3_500_000);
});

test('the web app manifest names icons and screenshots that are there, in the sizes it says', () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'app.webmanifest'), 'utf8'));
  const pictures = [...manifest.icons, ...manifest.screenshots].filter(({ type }) => type === 'image/png');
  expect(pictures.length).toBeGreaterThan(5);
  for (const { src, sizes } of pictures) {
    const { width, height } = decode(readFileSync(join(folder, src)));
    expect(`${src} ${width}x${height}`).toBe(`${src} ${sizes}`);
  }
});

test('no file is over the 25 MiB that Workers static assets take', () => {
  for (const { name, bytes } of fileSizes(folder)) expect(`${name} ${bytes < 25 * 1024 * 1024}`).toBe(`${name} true`);
});

test('the code of our own is at most 60 KB gzip', async () => {
  const { script, style } = await ownCode();
  console.log(`web-size: own code ${((script + style) / 1000).toFixed(1)} kB gzip`);
  expect(script).toBeGreaterThan(20_000); // the measure itself has not broken
  expect(script + style).toBeLessThanOrEqual(60_000);
});
