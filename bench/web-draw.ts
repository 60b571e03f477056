// From a finger to what the model makes of it, in real Chromium: milliseconds from a pointer's event to the reconstruction's pixels
// on the canvas of the large picture. `npm run build && npm run bench:draw -- --models models --model fashion-gan`
import { parseArgs } from 'node:util';
import { launchBrowser } from '../tests/browser.ts';
import { openPage, waitForVerdicts } from '../tests/web-harness.ts';
import { serveSite } from '../tests/web-site.ts';

const { values } = parseArgs({
  options: {
    site: { type: 'string', default: 'dist/web' },
    models: { type: 'string', default: 'models' },
    model: { type: 'string', default: 'fashion-gan' },
    moves: { type: 'string', default: '200' },
  },
});

const site = await serveSite(values.site, { models: values.models });
const browser = await launchBrowser();
const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
await context.addInitScript(() => {
  const times: number[] = [];
  let moved = 0;
  addEventListener(
    'pointermove',
    (event) => {
      if (event instanceof PointerEvent && event.buttons !== 0) moved = event.timeStamp;
    },
    true,
  );
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (...args: unknown[]) {
    (put as (...all: unknown[]) => void).apply(this, args);
    if (moved === 0 || this.canvas.closest?.('.frame') === null) return;
    times.push(performance.now() - moved);
    moved = 0;
  };
  Object.assign(globalThis, { times });
});
const { page } = await openPage(context, `${site.url}#model=${values.model}&view=draw&class=0`);
console.log(await waitForVerdicts(page));
const box = await page.locator('.draw-pad').boundingBox();
if (box === null) throw new Error(`${values.model}: expected a model with an encoder, got none`);
const timed = () => page.evaluate(() => (globalThis as unknown as { times: number[] }).times);
await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
// Begins when the encoder has: a stroke of its own is in the address then.
await page.mouse.down();
await page.mouse.up();
await page.waitForFunction(() => location.hash.includes('z='), undefined, { timeout: 120_000 });
await page.mouse.down();
for (let i = 0; i < Number(values.moves); i++) {
  const before = (await timed()).length;
  await page.mouse.move(
    box.x + box.width * (0.5 + 0.3 * Math.cos(i / 9)),
    box.y + box.height * (0.5 + 0.3 * Math.sin(i / 7)),
  );
  await page.waitForFunction((n) => (globalThis as unknown as { times: number[] }).times.length > n, before);
}
await page.mouse.up();
// The first few start the worker's code.
const times = (await timed()).slice(5).sort((a, b) => a - b);
const at = (share: number) => (times[Math.floor(times.length * share)] ?? Number.NaN).toFixed(1);
console.log(
  `${values.model}: ${times.length} moves, median ${at(0.5)} ms, 95 % within ${at(0.95)} ms, fastest ${at(0)} ms`,
);
await browser.close();
await site.close();
