// What the tests and benches of the page share: the built site, a browser page that must stay free of console errors,
// and the pictures the contract's generator makes of the same bundle in Node.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { AxeResults } from 'axe-core';
import * as ort from 'onnxruntime-web/wasm';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { createGenerator, type Generator } from '../contract/generator.ts';
import { generatorFile } from '../contract/lookup.ts';
import { parseManifest } from '../contract/manifest.ts';

const DIST = resolve('dist/web');

/** A small phone and a desk, one dark and one light. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  colorScheme: 'dark',
};
export const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' };

/** The built page with the repository's bundles; tests/run.ts has built it already. */
export async function builtSite(): Promise<string> {
  if (process.env.POCKETGEN_WEB_BUILT !== '1') {
    // In a process of its own: vitest's NODE_ENV would make it a development build, without a service worker.
    execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'error'], {
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    process.env.POCKETGEN_WEB_BUILT = '1';
  }
  return DIST;
}

export const MODEL = 'fashion-gan';

/** What the page draws with until somebody moves the slider. */
export const TRUNCATION = parseManifest(
  JSON.parse(readFileSync(new URL(`../models/${MODEL}/model.json`, import.meta.url), 'utf8')),
).defaultTruncation;

/** Short enough to read when two of them differ. */
export function digest(bytes: Uint8Array | readonly number[]): string {
  return createHash('sha256').update(Uint8Array.from(bytes)).digest('hex');
}

/** The bundle of the site as the command line and the edge run it: onnxruntime-web's wasm, one thread. */
export async function referenceGenerator(site: string, name = MODEL): Promise<Generator> {
  const folder = join(site, 'models', name);
  if (!existsSync(folder)) throw new Error(`models/${name}: expected a bundle, got none; run pocketgen export first`);
  const manifest = parseManifest(JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')));
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(join(folder, generatorFile(manifest).path)));
  return createGenerator(manifest, session, ort.Tensor as never);
}

export interface OpenPage {
  page: Page;
  /** Console errors and uncaught exceptions, in order. */
  errors: string[];
}

/** Opens the page and waits until the engine runs, or until `phase`. */
export async function openPage(context: BrowserContext, url: string, phase = 'running'): Promise<OpenPage> {
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  await waitForPhase(page, phase);
  return { page, errors };
}

export async function waitForPhase(page: Page, phase: string): Promise<void> {
  await page.waitForSelector(`.status[data-phase="${phase}"]`, { state: 'attached', timeout: 90_000 });
}

/** Resolves when every provider has its verdict. */
export async function waitForVerdicts(page: Page): Promise<string> {
  await page.waitForFunction(
    () => {
      const text = document.querySelector('.status-text')?.textContent ?? '';
      return / ms /.test(text) && !text.includes('measuring');
    },
    undefined,
    { timeout: 150_000 },
  );
  return (await page.locator('.status-text').textContent()) ?? '';
}

/** The levels of a canvas's red channel: for grey pictures, the picture. */
export async function greyOf(page: Page, selector: string): Promise<number[]> {
  return page.locator(selector).evaluate((canvas: HTMLCanvasElement) => {
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return Array.from(data).filter((_, i) => i % 4 === 0);
  });
}

/** Adds a zip by hand, as a person does. */
export async function addOwn(page: Page, zip: Uint8Array): Promise<void> {
  await page.locator('#model').click();
  await page.getByRole('button', { name: 'Add your own model' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a zip' }).click();
  await (await chooser).setFiles({ name: 'mine.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is now. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE); // the page's policy allows no script from elsewhere; the debugger's own is
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    return (await axe.run()).violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(' | ')}`,
    );
  });
}
