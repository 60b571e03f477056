// Hosts and browsers that lack something: plain http, no WebAssembly, stock nginx, HTML in place of files, a full device. Each
// works, or says the cause in plain words. Real Chromium.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchBrowser, launchProfile } from '../browser.ts';
import { writeBundle, zipOf } from '../web-bundles.ts';
import { addOwn, builtSite, MODEL, openPage, waitForPhase, waitForVerdicts } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-hosts-'));
const models = join(folder, 'models');
const mine = join(folder, 'mine');
let browser: Browser;
let site: Site;
/** http://plain.test is this machine, and no secure context. */
let plain: string;

beforeAll(async () => {
  const dist = await builtSite();
  cpSync(join('models', MODEL), join(models, MODEL), { recursive: true });
  await writeBundle(mine, { name: 'cats', title: 'Cats', size: 32, channels: 3 });
  site = await serveSite(dist, { models });
  plain = site.url.replace('127.0.0.1', 'plain.test');
  browser = await launchBrowser({ args: ['--host-resolver-rules=MAP plain.test 127.0.0.1'] });
});
afterEach(() => {
  site.intercept = undefined;
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

const alert = async (page: Page) => (await page.getByRole('alert').textContent()) ?? '';

test('on plain http the page draws, a model can be added for as long as the page is open, and a damaged one is refused', async () => {
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, plain);
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  const damaged = new Uint8Array(readFileSync(join(mine, 'cats', 'generator.fp32.onnx')));
  damaged[100] = (damaged[100] ?? 0) ^ 1;
  await addOwn(page, zipOf(join(mine, 'cats'), { 'generator.fp32.onnx': damaged }));
  await page.getByText(/generator\.fp32\.onnx: expected SHA-256 \w{64}, got/).waitFor();
  await addOwn(page, zipOf(join(mine, 'cats')));
  await page.getByText('Cats is here until this page is closed').waitFor();
  await page.waitForFunction(() => document.querySelector<HTMLCanvasElement>('.frame.made canvas')?.width === 32);
  expect(await page.locator('#model').textContent()).toBe('Cats (yours)');
  // It can be left, chosen again and removed, as a kept one.
  await page.locator('#model').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Fashion' }).click();
  await page.waitForFunction(() => document.querySelector<HTMLCanvasElement>('.frame.made canvas')?.width === 28);
  await page.locator('#model').click();
  page.once('dialog', (question) => question.accept());
  await page.getByRole('button', { name: 'Remove Cats from this device' }).click();
  await page.locator('#model').click();
  expect(await page.getByRole('dialog').locator('.choice').count()).toBe(1);
  // The browser's own line: it heeds the header on https only.
  expect(errors.filter((error) => !error.includes('Cross-Origin-Opener-Policy header has been ignored'))).toEqual([]);
  await context.close();
});

test('on plain http a download that was damaged on the way is noticed too', async () => {
  site.intercept = (path, _request, response) => {
    if (!path.endsWith('.onnx')) return false;
    const bytes = readFileSync(join(models, MODEL, path.split('/').pop() ?? ''));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    response.end(bytes);
    return true;
  };
  const context = await browser.newContext();
  const { page } = await openPage(context, plain, 'failed');
  expect(await alert(page)).toMatch(/expected \d+ bytes of SHA-256 \w{64}, got another file/);
  await context.close();
});

test('a browser without WebAssembly is told so', async () => {
  const context = await browser.newContext();
  // As iPhones' Lockdown Mode leaves it; Chromium's own switch for it is gone.
  await context.addInitScript(() => Reflect.deleteProperty(globalThis, 'WebAssembly'));
  const { page, errors } = await openPage(context, site.url, 'failed');
  expect(await alert(page)).toContain('This browser has no WebAssembly');
  expect(errors).toEqual([]);
  await context.close();
});

test('with site data blocked the page draws, says what it runs on, and changes its language', async () => {
  const profile = join(folder, 'profile');
  mkdirSync(join(profile, 'Default'), { recursive: true });
  const settings = { profile: { default_content_setting_values: { cookies: 2 } } };
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(settings));
  const context = await launchProfile(profile);
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=5`);
  await page.waitForSelector('.frame.made');
  await page.locator('.status').click();
  expect(await page.locator('dialog').textContent()).toContain('Not ready offline');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: '切换到中文' }).click();
  await page.waitForSelector('html[lang=zh-Hans] .frame.made');
  expect(await page.locator('.source').textContent()).toBe('种子 5');
  expect(errors).toEqual([]);
  await context.close();
});

test('stock nginx: every file has a name whose type it knows, so scripts and threads start', async () => {
  // tests/web-site.ts knows nginx's own mime.types and nothing else.
  const context = await browser.newContext({ serviceWorkers: 'block' }); // it would give the files types of its own
  const { page, errors } = await openPage(context, site.url);
  const words = await waitForVerdicts(page);
  expect(words).toMatch(/Running on .* ms a picture/);
  await page.locator('.status').click();
  expect(await page.locator('.choice', { hasText: 'wasm with threads' }).textContent()).toMatch(/ms · same bytes/);
  expect(errors).toEqual([]);
  await context.close();
});

test.each([
  ['model', /\.onnx$/, /generator\.\w+\.onnx: expected the file, got a web page \(HTML\) from the server/],
  [
    'runtime',
    /ort-wasm[^/]*\.wasm$/,
    /ort-wasm[^ ]*\.wasm: expected the file, got a web page \(HTML\) from the server/,
  ],
  ['list of models', /models\/index\.json$/, /models\/index\.json: expected the file, got a web page \(HTML\)/],
  ['manifest', /model\.json$/, /model\.json: expected the file, got a web page \(HTML\) from the server/],
] as const)('HTML in place of the %s is named', async (_, file, words) => {
  site.intercept = (path, _request, response) => {
    if (!file.test(path)) return false;
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Welcome</title>');
    return true;
  };
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(site.url);
  expect(await alert(page)).toMatch(words);
  site.intercept = undefined;
  await page.getByRole('button', { name: 'Try again' }).click();
  await waitForPhase(page, 'running');
  await context.close();
});

test('HTML in place of the engine’s own script: a part of the page did not load', async () => {
  site.intercept = (path, _request, response) => {
    if (!/assets\/worker-[^/]*\.js$/.test(path)) return false;
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Welcome</title>');
    return true;
  };
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const { page } = await openPage(context, site.url, 'failed');
  expect(await alert(page)).toContain('A part of this page did not load');
  await context.close();
});

test('a full device: the page works and says why it is not ready offline; a model added stays until the page is closed', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(site.url).origin, quotaSize: 200_000 });
  await page.goto(site.url);
  await waitForPhase(page, 'running');
  await page.getByText('There is no room left on this device').waitFor();
  await page.locator('.status').click();
  await page.getByRole('dialog').getByText('There is no room left on this device').waitFor();
  await page.keyboard.press('Escape');
  await writeBundle(mine, { name: 'dogs', title: 'Dogs', size: 96, channels: 4 });
  await addOwn(page, zipOf(join(mine, 'dogs')));
  await page.getByText('Dogs is here until this page is closed').waitFor();
  await page.waitForFunction(() => document.querySelector<HTMLCanvasElement>('.frame.made canvas')?.width === 96);
  await context.close();
});
