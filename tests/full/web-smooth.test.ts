// The work is off the main thread: 1,000 pictures in a row leave memory flat and the page answering, and the explorer's
// picture follows the finger at the screen's rate. Figures are printed.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { MEASURING, memoryOf, watched, watchFrames } from '../helpers/page-load.ts';
import { builtSite, MODEL, openPage, waitForVerdicts } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

let site: Site;
let browser: Browser;

beforeAll(async () => {
  site = await serveSite(await builtSite());
  browser = await launchBrowser({ args: MEASURING });
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

async function newWall(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'New wall' }).click();
  await page.waitForFunction(() => /Pictures from seed/.test(document.querySelector('.view .hint')?.textContent ?? ''));
}

test('1,000 pictures in a row: memory stays flat and no frame is dropped for more than 50 ms', async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 780 } });
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}`);
  await waitForVerdicts(page);
  for (let wall = 0; wall < 3; wall++) await newWall(page);
  // Other programs of the machine hold back frames of an idle page too. So the page first idles: frames may not be longer
  // than 50 ms or, on a busy machine, than those were. The quietest of at most three runs counts.
  let [longest, allowed] = [Number.POSITIVE_INFINITY, 50];
  for (let run = 0; run < 3 && longest > allowed; run++) {
    await page.evaluate(watchFrames);
    await page.waitForTimeout(3000);
    const idle = await page.evaluate(watched);
    allowed = Math.max(50, ...idle.gaps);
    const before = await memoryOf(browser, page);
    await page.evaluate(watchFrames);
    const started = performance.now();
    for (let wall = 0; wall < 17; wall++) await newWall(page);
    const seconds = (performance.now() - started) / 1000;
    const { gaps, long } = await page.evaluate(watched);
    const after = await memoryOf(browser, page);
    const sorted = [...gaps].sort((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
    longest = Math.max(...gaps, ...long);
    console.log(
      `web-smooth: 1,020 pictures in ${seconds.toFixed(1)} s; heap ${before.heap.toFixed(1)} → ${after.heap.toFixed(1)} MB, ` +
        `renderer ${before.process.toFixed(0)} → ${after.process.toFixed(0)} MB; ${gaps.length} frames, p99 ${p99.toFixed(0)} ms, ` +
        `longest ${Math.max(...gaps).toFixed(0)} ms (idle: ${Math.max(...idle.gaps).toFixed(0)} ms); long tasks: ${long.map((ms) => ms.toFixed(0)).join(', ') || 'none'}`,
    );
    expect(after.heap - before.heap).toBeLessThan(2);
    expect(after.process - before.process).toBeLessThan(25);
  }
  expect(longest).toBeLessThanOrEqual(allowed);
  expect(errors).toEqual([]);
  await context.close();
});

test('the picture follows a dragging finger at nearly every frame', async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 780 } });
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=3&view=explore`);
  await waitForVerdicts(page);
  await page.waitForTimeout(500);
  const { frames, drawn, seconds } = await page.evaluate(async () => {
    const pad = document.querySelector('.pad');
    const canvas = document.querySelector('.frame canvas');
    if (pad === null || canvas === null) throw new Error('no explorer');
    let pictures = 0;
    const put = CanvasRenderingContext2D.prototype.putImageData;
    CanvasRenderingContext2D.prototype.putImageData = function (this: CanvasRenderingContext2D, ...args: unknown[]) {
      if (this.canvas === canvas) pictures++;
      Reflect.apply(put, this, args);
    };
    const box = pad.getBoundingClientRect();
    const start = performance.now();
    let count = 0;
    await new Promise<void>((resolve) => {
      const step = (now: number) => {
        const angle = (now - start) / 300;
        const at = {
          clientX: box.left + box.width * (0.5 + 0.4 * Math.cos(angle)),
          clientY: box.top + box.height * (0.5 + 0.4 * Math.sin(angle)),
        };
        pad.dispatchEvent(new PointerEvent('pointermove', { ...at, buttons: 1, pointerId: 1, bubbles: true }));
        count++;
        if (now - start < 3000) requestAnimationFrame(step);
        else resolve();
      };
      requestAnimationFrame(step);
    });
    return { frames: count, drawn: pictures, seconds: (performance.now() - start) / 1000 };
  });
  console.log(
    `web-smooth: explorer drew ${drawn} pictures in ${frames} frames (${(drawn / seconds).toFixed(0)} a second)`,
  );
  expect(drawn / frames).toBeGreaterThan(0.9);
  expect(errors).toEqual([]);
  await context.close();
});
