// examples/ as a reader would run them: built by the real bundlers, each at the top of a host of its own, opened in Chromium.
// What they draw is what the bundle's reference draws.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import * as vite from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import webpack from 'webpack';
import type { PocketPicture } from '../../client/element/index.ts';
import type { Generator } from '../../contract/generator.ts';
import { parseSeed } from '../../contract/latent.ts';
import { scaleUp } from '../../contract/picture.ts';
import { decodePng } from '../../contract/png.ts';
import { buildClient } from '../../scripts/build-client.ts';
import { launchBrowser } from '../browser.ts';
import { writeBundle, zipOf } from '../web-bundles.ts';
import { referenceGenerator, TRUNCATION } from '../web-harness.ts';

const EXAMPLES = resolve('examples');
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** For machines that do other things too. */
const PATIENCE = { timeout: 60_000 };

/** By first label of the host's name: the folder at its top. */
const sites: Record<string, string> = {};
/** Host and path of every request. */
const asked: string[] = [];
/** Says no to everything: the network is gone. */
let down = false;
let server: Server;
let browser: Browser;
let reference: Generator;
let built: string;

beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'pocketgen-examples-'));
  await buildClient(resolve('client/dist'));
  server = createServer((request, response) => {
    const { hostname, pathname } = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const path = normalize(decodeURIComponent(pathname)).replace(/\/$/, '/index.html');
    asked.push(`${hostname}${path}`);
    // Every site has the repository's bundle, and its packages where no bundler has moved them along.
    const top = /^\/(models|node_modules)\//.test(path) ? resolve('.') : (sites[hostname.split('.')[0] ?? ''] ?? built);
    const file = join(top, path);
    if (down) request.destroy();
    else if (path === '/favicon.ico') response.writeHead(204).end();
    else if (!statSync(file, { throwIfNoEntry: false })?.isFile()) response.writeHead(404).end();
    else {
      response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
      response.end(readFileSync(file));
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  [browser, reference] = await Promise.all([launchBrowser(), referenceGenerator('.')]);
});
afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  await new Promise((closed) => server?.close(closed));
  rmSync(built, { recursive: true, force: true });
});

/** Console errors and uncaught exceptions, in order. */
function watch(page: Page): { errors: string[] } {
  const errors: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  return { errors };
}

async function open(name: string, folder: string): Promise<{ page: Page; errors: string[] }> {
  sites[name] = folder;
  const page = await browser.newPage();
  const { errors } = watch(page);
  await page.goto(`http://${name}.localhost:${(server.address() as AddressInfo).port}/`);
  return { page, errors };
}

async function grey(seed: string | number, label?: string): Promise<number[]> {
  const { classes } = reference.manifest;
  const request = { seed: parseSeed(seed), class: label === undefined ? undefined : classes.indexOf(label) };
  const [picture] = await reference.generate([{ ...request, truncation: TRUNCATION }]);
  return [...(picture?.data ?? [])];
}

/** Grey levels of every picture of the page, those in shadow roots too. */
function shown(page: Page): Promise<number[][]> {
  return page.locator('canvas').evaluateAll((canvases) =>
    canvases.map((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const data = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
      return [...data].filter((_, i) => i % 4 === 0);
    }),
  );
}

async function viteBuild(name: string): Promise<string> {
  const outDir = join(built, name);
  await vite.build({ root: join(EXAMPLES, name), logLevel: 'error', build: { outDir } });
  return outDir;
}

test('html: the element and an import map, no build step', async () => {
  const { page, errors } = await open('html', join(EXAMPLES, 'html'));
  await expect.poll(() => shown(page), PATIENCE).toEqual([await grey('ada@example.com')]);
  await page.locator('input').fill('grace');
  await expect.poll(() => shown(page), PATIENCE).toEqual([await grey('grace')]);
  expect(errors).toEqual([]);
  await page.close();
});

test('vite: progress, a walk, a file to save', async () => {
  const { page, errors } = await open('vite', await viteBuild('vite'));
  await page.waitForFunction(() => document.querySelector('progress') === null, undefined, PATIENCE);
  const frames = new Set<string>();
  await expect.poll(async () => frames.add(String(await shown(page))).size, PATIENCE).toBeGreaterThan(5);
  const download = page.waitForEvent('download');
  await page.getByRole('button').click();
  expect(readFileSync(await (await download).path(), 'utf8')).toMatch(/^<svg /);
  expect(errors).toEqual([]);
  await page.close();
});

test('vite: its development server, too', async () => {
  const { port } = server.address() as AddressInfo;
  const development = await vite.createServer({
    root: join(EXAMPLES, 'vite'),
    cacheDir: join(built, 'vite-cache'),
    logLevel: 'error',
    // As it is where the package was installed and is no link to its sources.
    resolve: { preserveSymlinks: true },
    server: { proxy: { '/models': `http://127.0.0.1:${port}` } },
  });
  await development.listen(0);
  const page = await browser.newPage();
  await page.goto(development.resolvedUrls?.local[0] ?? '');
  await page.waitForFunction(() => document.querySelector('progress') === null, undefined, PATIENCE);
  await page.close();
  await development.close();
});

test('webpack: sixty pictures in order', async () => {
  const folder = join(EXAMPLES, 'webpack');
  const { default: config } = (await import(join(folder, 'webpack.config.js'))) as { default: webpack.Configuration };
  const output = join(built, 'webpack', 'dist');
  const stats = await new Promise<webpack.Stats | undefined>((done, failed) =>
    webpack({ ...config, output: { path: output } }, (error, result) => (error ? failed(error) : done(result))),
  );
  expect(stats?.toJson({ all: false, errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] });
  cpSync(join(folder, 'index.html'), join(built, 'webpack', 'index.html'));
  const { page, errors } = await open('webpack', join(built, 'webpack'));

  await expect.poll(() => page.locator('canvas').count(), PATIENCE).toBe(60);
  const pictures = await shown(page);
  const { classes } = reference.manifest;
  for (const seed of [0, 13, 59]) expect(pictures[seed]).toEqual(await grey(seed, classes[seed % 10]));
  expect(errors).toEqual([]);
  await page.close();
});

test('esbuild: its own places for worker and runtime, and a bundle that a person brings', async () => {
  const folder = join(built, 'esbuild');
  // In the repository's tree, where the package is found.
  execFileSync(process.execPath, [join(EXAMPLES, 'esbuild', 'build.js')], { stdio: ['ignore', 'ignore', 'inherit'] });
  cpSync(join(EXAMPLES, 'esbuild'), folder, { recursive: true });
  rmSync(join(EXAMPLES, 'esbuild', 'dist'), { recursive: true });
  const { page, errors } = await open('esbuild', folder);
  await expect.poll(() => page.locator('output').textContent(), PATIENCE).toMatch(/, wasm$/);
  const picture = await page.locator('img').getAttribute('src');
  const png = decodePng(new Uint8Array(Buffer.from((picture ?? '').replace(/^data:image\/png;base64,/, ''), 'base64')));
  const [expected] = await reference.generate([
    { seed: parseSeed('ada@example.com'), class: undefined, truncation: TRUNCATION },
  ]);
  expect(expected && scaleUp(expected, 8)).toEqual(png);
  await writeBundle(built, { name: 'mine', title: 'Mine', size: 16, channels: 3 });
  const give = (name: string, bytes: Uint8Array) =>
    page.locator('input').setInputFiles({ name, mimeType: 'application/zip', buffer: Buffer.from(bytes) });
  await give('mine.zip', zipOf(join(built, 'mine')));
  await expect.poll(() => page.locator('output').textContent(), PATIENCE).toBe('Mine, wasm');
  await give('no.zip', Buffer.from('none'));
  await expect.poll(() => page.locator('output').textContent(), PATIENCE).toMatch(/^UserError: .*expected.*zip/);
  expect(errors).toEqual([]);
  await page.close();
});

test('react: one model for all of a growing list, and listeners that are heard', async () => {
  const { page, errors } = await open('react', await viteBuild('react'));
  await expect
    .poll(() => shown(page), PATIENCE)
    .toEqual(await Promise.all(['ada', 'grace', 'hedy'].map((name) => grey(`${name}@example.com`))));
  await page.getByRole('button').click();
  await expect.poll(async () => (await shown(page)).at(-1), PATIENCE).toEqual(await grey('guest 3@example.com'));
  expect(asked.filter((path) => /^react.*\.onnx$/.test(path))).toHaveLength(1);
  await page
    .locator('pocket-picture')
    .first()
    .evaluate((element) => {
      (element as PocketPicture).label = 'hat';
    });
  await expect
    .poll(() => page.locator('pocket-picture').first().getAttribute('title'), PATIENCE)
    .toMatch(/^class: expected .*hat/);
  expect(errors).toEqual([]);
  await page.close();
});

test('service worker: after one visit the page opens and draws without a network', async () => {
  const { page, errors } = await open('service-worker', await viteBuild('service-worker'));
  await expect.poll(() => page.locator('output').textContent(), PATIENCE).toBe('Ready offline');
  expect(errors).toEqual([]);
  down = true;
  try {
    await page.reload();
    await expect.poll(() => shown(page), PATIENCE).toEqual([await grey('ada@example.com')]);
    await page.getByRole('button').click();
    await expect.poll(() => shown(page), PATIENCE).not.toEqual([await grey('ada@example.com')]);
  } finally {
    down = false;
  }
  await page.close();
});

test('hono: the API under /art, and an element that begins with its pictures', async () => {
  const folder = join(built, 'hono');
  mkdirSync(folder);
  for (const [name, target] of [
    ['models', 'models'],
    ['node_modules', 'node_modules'],
    ['index.html', 'examples/hono/index.html'],
  ] as const)
    symlinkSync(resolve(target), join(folder, name));
  const child = spawn(
    resolve('node_modules/.bin/node'),
    ['--import', resolve('tests/helpers/own-entries.ts'), join(EXAMPLES, 'hono', 'server.js')],
    { cwd: folder, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const url = await new Promise<string>((listening, ended) => {
      child.stdout.once('data', (text) => listening(String(text).trim()));
      child.once('exit', (code) => ended(new Error(`hono: expected it to serve, got exit ${code}`)));
    });
    const page = await browser.newPage();
    const { errors } = watch(page);
    const shownBy: (string | null)[] = [];
    await page.exposeFunction('loaded', (by: string | null) => shownBy.push(by));
    await page.addInitScript(() => {
      document.addEventListener(
        'load',
        ({ target }) => {
          if (target instanceof Element && target.localName === 'pocket-picture')
            (globalThis as unknown as { loaded(by: string | null): void }).loaded((target as PocketPicture).drawnBy);
        },
        true,
      );
    });
    await page.goto(url);
    await expect.poll(() => shownBy, PATIENCE).toEqual(['edge', 'device']);
    expect(await shown(page)).toEqual([await grey('ada')]);
    await page.locator('input').fill('grace');
    await expect.poll(() => shown(page), PATIENCE).toEqual([await grey('grace')]);
    expect(shownBy).toEqual(['edge', 'device', 'device']);
    const image = await fetch(new URL((await page.locator('img').first().getAttribute('src')) ?? '', url));
    const [ada] = await reference.generate([{ seed: parseSeed('ada'), class: undefined, truncation: TRUNCATION }]);
    expect(decodePng(new Uint8Array(await image.arrayBuffer()))).toEqual(ada && scaleUp(ada, 4));
    expect(errors).toEqual([]);
    await page.close();
  } finally {
    child.kill();
  }
});

test('their TypeScript and TSX pass the compiler', () => {
  const tsc = resolve('node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '--noEmit', '-p', 'tests/examples.tsconfig.json'], { stdio: 'inherit' });
});
