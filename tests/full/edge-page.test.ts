// The page as the Worker and `pocketgen serve` deliver it, in real Chromium: it passes its Content-Security-Policy, draws
// by itself, and what it draws is what the API of the same server draws.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServerProcess, startNodeServer } from '../../bench/edge-server.ts';
import { decodePng } from '../../contract/png.ts';
import { launchBrowser } from '../browser.ts';
import { builtSite, greyOf, MODEL, openPage } from '../web-harness.ts';
import { startWorkerd, type Workerd } from './edge-workerd.ts';

const models = process.env.POCKETGEN_MODELS ?? 'models';
let browser: Browser;
let workerd: Workerd;
let node: ServerProcess;

beforeAll(async () => {
  await builtSite();
  workerd = await startWorkerd(models);
  node = await startNodeServer(models);
  browser = await launchBrowser();
});
afterAll(async () => {
  await Promise.all([browser?.close(), workerd?.stop(), node?.stop()]);
});

test.each(['workerd', 'node'] as const)('%s: the page passes its policy and draws what the API draws', async (name) => {
  const { url } = name === 'workerd' ? workerd : node;
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, `${url}/#model=${MODEL}&seed=ada%40example.com&class=Bag`);
  await page.waitForSelector('.frame.made');
  const png = await fetch(`${url}/v1/images/${MODEL}/ada@example.com.png?class=bag`);
  const picture = decodePng(new Uint8Array(await png.arrayBuffer()));
  expect(await greyOf(page, '.frame canvas')).toEqual([...picture.data]);
  expect(errors).toEqual([]);
  await context.close();
});

test.each(['workerd', 'node'] as const)('%s: files of the page have its headers, the API has its own', async (name) => {
  const { url } = name === 'workerd' ? workerd : node;
  const page = await fetch(url);
  expect(page.headers.get('Content-Security-Policy')).toMatch(
    /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/,
  );
  expect(page.headers.get('Cross-Origin-Embedder-Policy')).toBe('require-corp');
  const script = /assets\/index-[\w-]+\.js/.exec(await page.text())?.[0];
  const asset = await fetch(`${url}/${script}`);
  expect([asset.status, asset.headers.get('Cache-Control')]).toEqual([200, 'public, max-age=31536000, immutable']);
  const missing = await fetch(`${url}/assets/nothing.js`);
  expect([missing.status, missing.headers.get('Content-Type')]).toEqual([404, 'application/problem+json']);
  for (const hidden of ['_headers', '.assetsignore', `${script}.br`])
    expect([hidden, (await fetch(`${url}/${hidden}`)).status]).toEqual([hidden, 404]);
});

test('Node sends the brotli copy to those who accept it', async () => {
  const page = await fetch(node.url);
  const script = /assets\/index-[\w-]+\.js/.exec(await page.text())?.[0];
  const headersOf = async (encoding: string) => {
    const { headers } = await fetch(`${node.url}/${script}`, { headers: { 'Accept-Encoding': encoding } });
    return [headers.get('Content-Encoding'), headers.get('Vary')];
  };
  expect(await headersOf('br')).toEqual(['br', 'Accept-Encoding']);
  expect((await headersOf('identity'))[0]).toBeNull();
});
