// A report in real Chromium: opened from disk with no server, charts drawn, no request leaves the page.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeReport } from '../../cli/commands/report.ts';
import { encodePng } from '../../contract/png.ts';
import { pictureSet } from '../../train/data/index.ts';
import { recipeFor } from '../../train/recipe.ts';
import { watchReport } from '../../train/report/watch.ts';
import { launchBrowser } from '../browser.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-report-'));
let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  rmSync(root, { recursive: true });
});

const pictures = pictureSet({
  name: 'demo',
  classes: ['a', 'b'],
  width: 28,
  height: 28,
  channels: 1,
  pixels: new Uint8Array(2 * 784),
  labels: Uint8Array.of(0, 1),
  note: 'made for a test',
});

function makeRun(name: string): string {
  const dir = join(root, name);
  mkdirSync(join(dir, 'samples'), { recursive: true });
  const { sha256, count, classes, note } = pictures;
  const dataset = { source: 'demo', name: 'demo', sha256, count, classes, note };
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ recipe: recipeFor('quick', pictures), dataset, plans: [] }));
  writeFileSync(join(dir, 'stats.jsonl'), [1, 2, 3].map(line).join(''));
  for (const images of [64, 128]) {
    const grid = { width: 30, height: 20, channels: 1, data: new Uint8Array(600).fill(images) };
    const name = join(dir, 'samples', String(images).padStart(10, '0'));
    writeFileSync(`${name}.png`, encodePng(grid));
    if (name.includes('disk'))
      writeFileSync(`${name}-again.png`, encodePng({ ...grid, height: 10, data: grid.data.subarray(300) }));
  }
  return dir;
}
const line = (i: number): string =>
  `{"images":${64 * i},"seconds":${i},"lossD":0.${i},"lossG":0.${i}}\n{"images":${64 * i},"metrics":{"fid":${90 / i},"precision":0.${i},"recall":0.${i}}}\n`;

test('the page works from disk: charts, slider and facts, without a request or an error', async () => {
  const out = join(root, 'report.html');
  const warnings: string[] = [];
  await writeReport(makeRun('disk'), out, (sentence) => warnings.push(sentence));
  expect(warnings.join()).toContain('no walks'); // no checkpoint in this folder

  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => problems.push(message.text()));
  page.on('request', (request) => {
    if (!/^(file|data):/.test(request.url())) problems.push(request.url());
  });
  await page.goto(pathToFileURL(out).href);
  expect(await page.locator('.chart figcaption').allTextContents()).toEqual([
    expect.stringMatching(/^FID/),
    expect.stringMatching(/^Precision and recall/),
    expect.stringMatching(/^Losses/),
  ]);
  expect(await page.locator('canvas').count()).toBe(3);
  expect(await page.locator('#facts').textContent()).toMatch(/lowest FID\s*30 at 192/);
  expect(await page.locator('#when-label').textContent()).toBe('after 128 images');
  const source = await page.locator('#grid').getAttribute('src');
  const again = await page.locator('#again').getAttribute('src');
  expect(await page.locator('#again').isVisible()).toBe(true);
  await page.locator('#when').fill('0');
  expect(await page.locator('#when-label').textContent()).toBe('after 64 images');
  expect(await page.locator('#grid').getAttribute('src')).not.toBe(source);
  expect(await page.locator('#again').getAttribute('src')).not.toBe(again);
  // Something was drawn on the first chart, not only laid out.
  const inked = await page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return [...data].filter((value, i) => i % 4 === 3 && value > 0).length;
  });
  expect(inked).toBeGreaterThan(500);
  expect(problems).toEqual([]);
});

test('a small set has its distance with an interval that may reach below 0, copies and fine detail', async () => {
  const dir = makeRun('small');
  const check = (i: number): string =>
    JSON.stringify({
      images: 64 * i,
      metrics: {
        kid: 0.4 / i,
        kidLow: 0.4 / i - 0.15,
        kidHigh: 0.4 / i + 0.1,
        coverage: 0.1 * i,
        nearCopies: 0.01,
        upperThird: -i,
        nyquist: i,
      },
      real: { kid: -0.001, kidLow: -0.02, kidHigh: 0.02, coverage: 0.9, nearCopies: 0, upperThird: 0.1, nyquist: 0.2 },
    });
  writeFileSync(join(dir, 'stats.jsonl'), [1, 2, 3, 4].map((i) => `${check(i)}\n`).join(''));
  const out = join(root, 'small.html');
  await writeReport(dir, out, () => {});
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(pathToFileURL(out).href);
  expect(await page.locator('.chart figcaption').allTextContents()).toEqual([
    expect.stringMatching(/^KID/),
    expect.stringMatching(/^Density and coverage/),
    expect.stringMatching(/^Near copies/),
    expect.stringMatching(/^Fine detail/),
  ]);
  const facts = await page.locator('#facts').textContent();
  expect(facts).toMatch(/lowest KID\s*0\.1 at 256/);
  expect(facts).toMatch(/coverage then\s*0\.4 \(real 0\.9\)/);
  expect(facts).toMatch(/near copies then\s*1 %/);
  // The band is a wash of the curve's own colour: between its edges, away from the lines, pixels are neither empty nor full.
  const washed = await page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return [...data].filter((value, i) => i % 4 === 3 && value > 40 && value < 70).length;
  });
  expect(washed).toBeGreaterThan(2000);
  expect(await page.locator('#nearest').isVisible()).toBe(false);
  expect(await page.locator('#reconstructions').isVisible()).toBe(false);
  expect(problems).toEqual([]);
});

test('--watch shows what the run appends, and says when the server is gone', async () => {
  const dir = makeRun('live');
  const { url, close } = await watchReport(dir, 0);
  const page = await browser.newPage();
  await page.goto(url);
  expect(await page.locator('#facts').textContent()).toMatch(/lowest FID\s*30 at 192/);
  writeFileSync(join(dir, 'stats.jsonl'), [1, 2, 3, 9].map(line).join(''));
  await page.locator('#facts', { hasText: '10 at 576' }).waitFor({ timeout: 20_000 });
  await close();
  await page.locator('#live', { hasText: 'the server has stopped' }).waitFor({ timeout: 20_000 });
});
