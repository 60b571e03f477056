// A page in real Chromium that has the client library and a bundle, for the benches of networks in browsers.
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { buildClient } from '../scripts/build-client.ts';
import { type LaunchOptions, launchBrowser } from '../tests/browser.ts';
import { serveFolder } from '../tests/helpers/bundle-host.ts';

export interface ClientPages {
  /** A fresh page: `/client/index.js` is the library with ONNX Runtime's files beside it, `/bundle/` the bundle. */
  page(): Promise<Page>;
  /** CPU of all renderers so far, in milliseconds: what a busy machine does not change much. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

export async function clientPages(bundle: string, options: LaunchOptions = {}): Promise<ClientPages> {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-pages-'));
  await buildClient(join(folder, 'client'));
  symlinkSync(resolve(bundle), join(folder, 'bundle'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  const host = await serveFolder(folder);
  const browser = await launchBrowser(options);
  const session = await browser.newBrowserCDPSession();
  return {
    async page() {
      const page = await (await browser.newContext()).newPage();
      await page.goto(`${host.url}index.html`);
      return page;
    },
    async cpuMs() {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      return processInfo.reduce((sum, { type, cpuTime }) => sum + (type === 'renderer' ? 1000 * cpuTime : 0), 0);
    },
    async close() {
      await browser.close();
      await host.close();
      rmSync(folder, { recursive: true });
    },
  };
}
