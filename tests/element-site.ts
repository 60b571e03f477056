// A page with the element on it, built by Vite as anybody would, beside the real API and the repository's bundle: one origin.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { type RunningServer, startServer } from '../edge/node.ts';
import { buildClient } from '../scripts/build-client.ts';

export interface ElementSite extends Pick<RunningServer, 'url'> {
  close(): Promise<void>;
}

export async function elementSite(): Promise<ElementSite> {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-element-'));
  const source = join(folder, 'source');
  await buildClient(join(folder, 'client'));
  mkdirSync(source);
  writeFileSync(join(source, 'index.html'), page('<script type="module" src="./main.js"></script>'));
  writeFileSync(join(source, 'main.js'), "import '../client/element/index.js';");
  await build({
    root: source,
    configFile: false,
    logLevel: 'error',
    base: './',
    build: { outDir: join(folder, 'page'), target: 'es2022' },
  });
  const server = await startServer({
    models: 'models',
    provider: 'wasm',
    perMinute: 0,
    keys: undefined,
    log: undefined,
    page: join(folder, 'page'),
    notice: (message) => console.log(message),
    port: 0,
    host: '127.0.0.1',
  });
  return {
    url: server.url,
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function page(script: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Pictures</title><link rel="icon" href="data:,">${script}</head>
<body><main><h1>Pictures</h1></main></body></html>`;
}

export interface ElementPage {
  page: Page;
  /** Paths asked for, in order. */
  requests: string[];
  /** Console errors and uncaught exceptions, in order. */
  errors: string[];
}

/** The page with the element registered and nothing on it yet. */
export async function openElementPage(context: BrowserContext, site: ElementSite): Promise<ElementPage> {
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  await page.goto(site.url);
  await page.waitForFunction(() => customElements.get('pocket-picture') !== undefined);
  return { page, requests, errors };
}
