// A training in the page for long, in real Chromium: frames while it trains, memory over so many steps, and reloads at random moments,
// after which it must end as one that nothing disturbed: `npm run build && npm run bench:web-soak [-- --steps 2000 --reloads 20]`.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../tests/browser.ts';
import {
  goOnWith,
  imagesKept,
  imagesSaid,
  openMaking,
  packedRun,
  press,
  said,
  saved,
  stateInNode,
  stateOfPacked,
} from '../tests/helpers/making.ts';
import { MEASURING, memoryOf, watched, watchFrames } from '../tests/helpers/page-load.ts';
import { smallPictures, smallRecipe } from '../tests/small.ts';
import { MODEL } from '../tests/web-harness.ts';
import { serveSite } from '../tests/web-site.ts';

const { values } = parseArgs({
  options: {
    site: { type: 'string', default: 'dist/web' },
    /** Over which memory is told. */
    steps: { type: 'string', default: '2000' },
    reloads: { type: 'string', default: '20' },
    /** A session between two reloads lasts so long at most; a checkpoint is written every 15 seconds. */
    seconds: { type: 'string', default: '25' },
    /** Of the whole run, if that is more than what the steps take. */
    images: { type: 'string', default: '40000' },
  },
});
const [steps, reloads, longest] = [values.steps, values.reloads, values.seconds].map(Number) as [
  number,
  number,
  number,
];
const pictures = { ...(await smallPictures(100)), name: 'soak' };
const small = smallRecipe(pictures);
const recipe = { ...small, images: Math.max(Number(values.images), (steps + 100) * small.batch) };

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-soak-'));
const site = await serveSite(values.site);
const browser = await launchBrowser({ args: MEASURING });
const page = await openMaking(await browser.newContext({ acceptDownloads: true }), site.url, MODEL);

/** Frames of the next milliseconds, as a sentence. */
async function frames(name: string, work: Promise<unknown>): Promise<void> {
  await page.evaluate(watchFrames);
  await work;
  const { gaps, long } = await page.evaluate(watched);
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1000;
  // A frame of 60 a second takes 16.7 ms; timestamps have a tenth of a millisecond.
  const share = (most: number): string =>
    `${((100 * gaps.filter((gap) => gap > most).length) / gaps.length).toFixed(2)} %`;
  console.log(
    `${name}: ${(gaps.length / seconds).toFixed(1)} frames a second over ${seconds.toFixed(0)} s, over 17 ms ${share(17)}, over 34 ms ${share(34)}, ` +
      `longest ${Math.max(...gaps).toFixed(0)} ms; long tasks: ${long.map((ms) => ms.toFixed(0)).join(', ') || 'none'}`,
  );
}

const untilSeen = (watching: Page, images: number): Promise<unknown> =>
  watching.waitForFunction(
    (n) => {
      const text = document.querySelector('.making-now p[role=status]')?.textContent ?? '';
      return Number(/^([\d,]+) of /.exec(text)?.[1]?.replaceAll(',', '') ?? 0) >= n;
    },
    images,
    { timeout: 3_600_000, polling: 500 },
  );

await frames('idle', page.waitForTimeout(10_000));
await goOnWith(page, await packedRun(pictures, recipe));
// What a training keeps is there after the first steps and the first sheet of samples.
const first = 100 * recipe.batch;
await untilSeen(page, first);
const before = await memoryOf(browser, page);
await frames('while it trains', untilSeen(page, first + (steps - 100) * recipe.batch));
const after = await memoryOf(browser, page);
console.log(
  `steps 100 to ${steps}: heap of the page ${before.heap.toFixed(1)} → ${after.heap.toFixed(1)} MB, ` +
    `its process with the trainer's worker ${before.process.toFixed(0)} → ${after.process.toFixed(0)} MB`,
);
await press(page, 'Pause');
await said(page, /^Paused and saved/);

let [most, done] = [0, 0];
for (; done < reloads; done++) {
  await press(page, 'Go on');
  await said(page, /^[\d,]+ of /);
  const start = performance.now();
  await page.waitForTimeout(1000 * longest * Math.random());
  const [seen, text] = [await imagesSaid(page), await page.locator('.making-now p[role=status]').textContent()];
  if (/^Done/.test(text ?? '')) break;
  const speed = Number(/([\d.]+) images a second/.exec(text ?? '')?.[1] ?? Number.NaN);
  await page.reload();
  const lost = seen - (await imagesKept(page));
  most = Math.max(most, lost / speed);
  console.log(
    `reloaded after ${((performance.now() - start) / 1000).toFixed(1)} s at ${seen} images: ${lost} are trained again`,
  );
}
console.log(`${done} reloads; the most that one cost: ${most.toFixed(1)} s of training`);
if (done === reloads) await press(page, 'Go on'); // else it ended before the next one
await page.locator('.making-now p[role=status]', { hasText: /^Done/ }).waitFor({ timeout: 3_600_000 });
const packed = await saved(page, 'Save the training for another device');
await browser.close();
await site.close();

const disturbed = await stateOfPacked(packed, join(folder, 'page'));
const undisturbed = await stateInNode(pictures, recipe, join(folder, 'node'));
console.log(
  `state after ${recipe.images} images: ${disturbed.slice(0, 12)}, undisturbed in Node ${undisturbed.slice(0, 12)}`,
);
console.log(
  `load average ${loadavg()
    .map((x) => x.toFixed(1))
    .join(' ')}, this bench included`,
);
rmSync(folder, { recursive: true });
process.exitCode = disturbed === undisturbed ? 0 : 1;
