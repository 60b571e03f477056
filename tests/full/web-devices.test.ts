// The device ladder in real Chromium, with WebGPU on a software GPU: working, absent, wrong, lost, and crashing the page.
// Each ends on a provider that gives right pictures, with the reason in words. The shipped model is drawn on the software GPU once;
// what the ladder decides is tested on a smaller one, whose shaders take a second and not twenty.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { largestDifference } from '../../contract/bundle.ts';
import type { Generator } from '../../contract/generator.ts';
import { launchBrowser } from '../browser.ts';
import { writeBundle } from '../web-bundles.ts';
import {
  builtSite,
  greyOf,
  MODEL,
  openPage,
  referenceGenerator,
  TRUNCATION,
  waitForPhase,
  waitForVerdicts,
} from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const SMALL = 'disc';
const root = mkdtempSync(join(tmpdir(), 'pocketgen-devices-'));
let folder: string;
let site: Site;
let withGpu: Browser;
const references = new Map<string, Generator>();

beforeAll(async () => {
  folder = await builtSite();
  const models = join(root, 'models');
  cpSync(join('models', MODEL), join(models, MODEL), { recursive: true });
  await writeBundle(models, { name: SMALL, size: 28, channels: 1, classes: ['coat', 'bag'] });
  for (const name of [MODEL, SMALL]) references.set(name, await referenceGenerator(root, name));
  site = await serveSite(folder, { models });
  withGpu = await launchBrowser({ webgpu: true });
});
afterEach(() => {
  site.intercept = undefined;
});
afterAll(async () => {
  await withGpu?.close();
  await site?.close();
  rmSync(root, { recursive: true });
});

const address = (of = SMALL) => `${site.url}#model=${of}&view=saved&seed=42&class=${of === MODEL ? 'Sneaker' : 'bag'}`;

/** Puts code in front of the engine's worker script, as a broken driver would be in front of it. */
function prependToWorker(code: string): void {
  const name = readdirSync(join(folder, 'assets')).find((file) => /^worker-.*\.js$/.test(file));
  if (name === undefined) throw new Error('assets/worker-*.js: expected one, got none');
  const script = `${code}\n${readFileSync(join(folder, 'assets', name), 'utf8')}`;
  site.intercept = (path, _request, response) => {
    if (path !== `/assets/${name}`) return false;
    response.writeHead(200, {
      'Content-Type': 'text/javascript',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Cache-Control': 'no-store',
    });
    response.end(script);
    return true;
  };
}

/** For prependToWorker(): `lose()` takes away every device that was given; `first` runs before one is given. */
const losableDevices = (first = ''): string => `{
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    ${first}
    const device = await request.apply(this, args);
    new BroadcastChannel('lose').onmessage = () => device.destroy();
    return device;
  };
}`;

const lose = (page: Page): Promise<void> => page.evaluate(() => new BroadcastChannel('lose').postMessage('now'));

/** Resolves when the page has begun to load again. */
async function ask(page: Page, provider: string): Promise<void> {
  await page.locator('.status').click();
  await page.locator(`#provider-${provider}`).click(); // closes the dialog: check() would look for it again
  await page.waitForFunction(() => document.querySelector('.status')?.getAttribute('data-phase') !== 'running');
}

async function choose(page: Page, provider: string): Promise<void> {
  await ask(page, provider);
  await waitForPhase(page, 'running');
}

/** Of the engine, without ONNX Runtime's own threads. Chromium gives a worker that is busy some seconds to end. */
async function expectWorkers(page: Page, count: number): Promise<void> {
  const ofEngine = () => page.workers().filter((worker) => /\/worker-[^/]*\.js$/.test(worker.url())).length;
  await expect.poll(ofEngine, { timeout: 30_000 }).toBe(count);
}

async function differenceFromReference(page: Page, of = SMALL): Promise<number> {
  await page.waitForSelector('.frame.made');
  const request = of === MODEL ? { class: 7, truncation: TRUNCATION } : { class: 1, truncation: 1 };
  const [expected] = (await references.get(of)?.generate([{ seed: 42, ...request }])) ?? [];
  const shown = Uint8Array.from(await greyOf(page, '.frame canvas'));
  return largestDifference(expected?.data ?? new Uint8Array(), shown, 1);
}

test('WebGPU reproduces the goldens, is measured against wasm, and when chosen draws within one level', async () => {
  const context = await withGpu.newContext();
  const { page, errors } = await openPage(context, address(MODEL));
  const words = await waitForVerdicts(page);
  console.log(`web-devices: ${words}`);
  expect(words).toMatch(/Running on .*\d ms a picture \(WebGPU: \d|Running on WebGPU, .* ms a picture \(wasm: \d/);

  await choose(page, 'webgpu');
  expect(await page.locator('.status-text').textContent()).toContain('Running on WebGPU');
  const levels = await differenceFromReference(page, MODEL);
  console.log(`web-devices: WebGPU differs from wasm by at most ${levels} level(s)`);
  expect(levels).toBeLessThanOrEqual(1);

  // The choice is remembered.
  await page.reload();
  await waitForPhase(page, 'running');
  expect(await page.locator('.status-text').textContent()).toContain('Running on WebGPU');
  expect(errors).toEqual([]);
  await context.close();
});

test('the ladder remembers its verdicts: the next visit measures nothing and starts the winner', async () => {
  const context = await withGpu.newContext();
  const { page } = await openPage(context, address());
  const words = await waitForVerdicts(page);
  await page.reload();
  await waitForPhase(page, 'running');
  expect(await page.locator('.status-text').textContent()).toBe(words);
  await context.close();
});

test('without WebGPU the page runs on wasm and says why, and downloads the smaller runtime only', async () => {
  const browser = await launchBrowser();
  const context = await browser.newContext();
  site.log.length = 0;
  const { page, errors } = await openPage(context, address());
  expect(await waitForVerdicts(page)).toContain('no WebGPU on this device');
  expect(await differenceFromReference(page)).toBe(0);
  const binaries = site.log.filter(({ path }) => path.endsWith('.wasm')).map(({ path }) => path);
  expect(binaries).toHaveLength(1);
  expect(binaries[0]).not.toContain('jspi');
  expect(errors).toEqual([]);
  await browser.close();
});

test('a WebGPU that never says whether there is an adapter does not hold up the page', async () => {
  const context = await withGpu.newContext();
  await context.addInitScript(() => {
    GPU.prototype.requestAdapter = () => new Promise(() => undefined);
  });
  const { page } = await openPage(context, address());
  expect(await waitForVerdicts(page)).toContain('no WebGPU on this device');
  expect(await differenceFromReference(page)).toBe(0);
  await context.close();
});

test('a WebGPU that gives false pictures is refused by the goldens', async () => {
  // What is read back from the GPU has its bits flipped.
  prependToWorker(`{
    const mapped = GPUBuffer.prototype.getMappedRange;
    GPUBuffer.prototype.getMappedRange = function (...args) {
      const range = mapped.apply(this, args);
      if (this.usage & GPUBufferUsage.MAP_READ) {
        const words = new Uint32Array(range.slice(0));
        return words.map((word) => word ^ 0x80400000).buffer;
      }
      return range;
    };
  }`);
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address());
  expect(await waitForVerdicts(page)).toContain('gave wrong pictures');
  await page.locator('.status').click();
  expect(await page.locator('.choice', { hasText: 'WebGPU' }).textContent()).toContain('gave wrong pictures');
  await page.keyboard.press('Escape');
  expect(await differenceFromReference(page)).toBe(0);
  await context.close();
});

test('a WebGPU that fails to start ends on wasm with the reason', async () => {
  prependToWorker(`GPUAdapter.prototype.requestDevice = () => Promise.reject(new Error('the driver said no'));`);
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address());
  expect(await waitForVerdicts(page)).toContain('failed to start');
  expect(await differenceFromReference(page)).toBe(0);
  await context.close();
});

test('a graphics device that is lost in use is replaced by wasm, and the page says so and remembers', async () => {
  prependToWorker(losableDevices());
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address());
  await choose(page, 'webgpu');
  await lose(page);
  await page.getByText('WebGPU stopped: the graphics device was lost').waitFor();
  await page.waitForFunction(() => document.querySelector('.status')?.getAttribute('data-provider') === 'wasm');
  await waitForPhase(page, 'running');
  expect(await page.locator('.status-text').textContent()).toContain('the graphics device was lost');
  await page.locator('#seed').fill('43');
  await page.locator('#seed').fill('42');
  await page.waitForTimeout(500);
  expect(await differenceFromReference(page)).toBe(0);
  await context.close();
});

test('a choice made while the others are measured stops them, and they leave no mark on it', async () => {
  // Every device waits for a word, so that the comparison is under way for as long as the test wants.
  prependToWorker(
    `const go = new BroadcastChannel('go');
    ${losableDevices("await new Promise((resolve) => go.addEventListener('message', resolve));")}`,
  );
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address());
  await page.waitForFunction(() => localStorage.getItem('pocketgen.trying')?.includes('webgpu'));
  await expectWorkers(page, 2); // the one in use and the one that is tried
  await ask(page, 'webgpu');
  await page.waitForFunction(() => localStorage.getItem('pocketgen.trying')?.includes('webgpu'));
  await expectWorkers(page, 1);

  await page.evaluate(() => {
    setInterval(() => new BroadcastChannel('go').postMessage('go'), 100);
  });
  await waitForPhase(page, 'running');
  await expectWorkers(page, 1);
  expect(await page.locator('.status-text').textContent()).toContain('Running on WebGPU');
  expect(await differenceFromReference(page)).toBeLessThanOrEqual(1);
  await lose(page);
  await page.getByText('WebGPU stopped: the graphics device was lost').waitFor();
  await waitForPhase(page, 'running');
  await context.close();
});

test('a page that dies while WebGPU is tried starts on wasm the next time, with the reason, until asked again', async () => {
  // The worker that tries WebGPU never answers; then the page is killed, as a crashing driver does.
  prependToWorker(`GPUAdapter.prototype.requestDevice = () => new Promise(() => {});`);
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address());
  await crashWhile(page, 'webgpu');
  site.intercept = undefined;

  const again = await openPage(context, address());
  expect(await waitForVerdicts(again.page)).toContain('WebGPU crashed the page last time');
  expect(await differenceFromReference(again.page)).toBe(0);
  // A person can ask for it again.
  await choose(again.page, 'webgpu');
  expect(await again.page.locator('.status-text').textContent()).toContain('Running on WebGPU');
  await context.close();
});

/** Kills the page's process as a crashing driver does, while `provider` is tried. */
async function crashWhile(page: Page, provider: string): Promise<void> {
  await page.waitForFunction((name) => localStorage.getItem('pocketgen.trying')?.includes(`"${name}"`), provider);
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  void session.send('Page.crash').catch(() => undefined); // never answered
  await crashed;
  await page.close();
}

test('a page that dies while wasm threads are tried goes on without them the next time, until they are asked for', async () => {
  // A second thread that never comes: every worker but the first of a runner waits for ever.
  prependToWorker(`const Thread = Worker; self.Worker = class extends Thread { postMessage() {} };`);
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address());
  await crashWhile(page, 'wasm-threads');
  site.intercept = undefined;

  const again = await openPage(context, address());
  expect(await waitForVerdicts(again.page)).toContain('wasm with threads crashed the page last time');
  expect(await differenceFromReference(again.page)).toBeLessThanOrEqual(1);
  await choose(again.page, 'wasm-threads');
  expect(await again.page.locator('.status-text').textContent()).toContain('Running on wasm with threads');
  await context.close();
});

test('a page that dies while plain wasm is started is not started by itself; a reload or a second tab is no crash', async () => {
  prependToWorker('self.addEventListener("message", (event) => event.stopImmediatePropagation());');
  const context = await withGpu.newContext({ serviceWorkers: 'block' }); // it would keep the changed script
  const { page } = await openPage(context, address(), 'starting');
  await page.waitForFunction(() => localStorage.getItem('pocketgen.trying')?.includes('"wasm"'));
  await page.reload();
  const second = await openPage(context, address(), 'starting');
  await second.page.waitForFunction(
    () => (localStorage.getItem('pocketgen.trying')?.split('"wasm"').length ?? 0) === 3,
  );
  expect(await page.getByRole('alert').count()).toBe(0);
  await second.page.close();
  await crashWhile(page, 'wasm');
  site.intercept = undefined;

  const again = await openPage(context, address(), 'failed');
  expect(await again.page.getByRole('alert').textContent()).toContain('The page died the last time');
  await again.page.getByRole('button', { name: 'Try again' }).click();
  await waitForPhase(again.page, 'running');
  await context.close();
});
