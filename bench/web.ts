// The page's weight and speed in real Chromium: bytes by file, first and later visits, milliseconds a picture by provider.
// `npm run build && npm run bench:web [-- --visits 5 --skip-gpu]`; figures depend on the machine's load.
import { parseArgs } from 'node:util';
import type { Browser, CDPSession, Page } from 'playwright-core';
import type { Verdict } from '../client/engine/ladder.ts';
import { launchBrowser } from '../tests/browser.ts';
import { MODEL, openPage, waitForVerdicts } from '../tests/web-harness.ts';
import { type Site, serveSite } from '../tests/web-site.ts';
import { fileSizes, ownCode } from './web-sizes.ts';

const { values } = parseArgs({
  options: {
    site: { type: 'string', default: 'dist/web' },
    visits: { type: 'string', default: '5' },
    'skip-gpu': { type: 'boolean', default: false },
  },
});
const visits = Number(values.visits);
const kb = (bytes: number) => (bytes / 1000).toFixed(1).padStart(9);
const median = (times: number[]) => [...times].sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN;

/** Milliseconds from the start of the navigation. */
async function marks(page: Page): Promise<{ interactive: number; picture: number }> {
  await page.waitForFunction(() => performance.getEntriesByName('pocketgen:first-picture').length > 0, undefined, {
    timeout: 120_000,
  });
  return page.evaluate(() => {
    const at = (name: string) => performance.getEntriesByName(`pocketgen:${name}`)[0]?.startTime ?? Number.NaN;
    return { interactive: at('interactive'), picture: at('first-picture') };
  });
}

/** A good phone network. */
async function throttle(session: CDPSession): Promise<void> {
  await session.send('Network.enable');
  const bytesPerSecond = (20 * 1_000_000) / 8;
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 40,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond,
  });
}

async function firstVisits(browser: Browser, site: Site, throttled: boolean): Promise<void> {
  const seen: { interactive: number; picture: number; bytes: number }[] = [];
  for (let visit = 0; visit < visits; visit++) {
    const context = await browser.newContext({ viewport: { width: 390, height: 780 } });
    const page = await context.newPage();
    if (throttled) await throttle(await context.newCDPSession(page));
    site.log.length = 0;
    await page.goto(`${site.url}#model=${MODEL}`);
    const times = await marks(page);
    await page.waitForSelector('.ready:not([hidden])', { timeout: 120_000 });
    seen.push({ ...times, bytes: site.log.reduce((sum, { bytes }) => sum + bytes, 0) });
    await context.close();
  }
  report(`first visit${throttled ? ', 20 Mbit/s and 40 ms' : ''}`, seen);
  console.log(`    over the wire until ready offline: ${(median(seen.map(({ bytes }) => bytes)) / 1e6).toFixed(2)} MB`);
}

function report(name: string, seen: readonly { interactive: number; picture: number }[]): void {
  const [interactive, picture] = [median(seen.map((one) => one.interactive)), median(seen.map((one) => one.picture))];
  console.log(
    `  ${name.padEnd(40)} interactive ${interactive.toFixed(0).padStart(5)} ms, first picture ${picture.toFixed(0).padStart(5)} ms`,
  );
}

async function laterVisits(browser: Browser, site: Site): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 390, height: 780 } });
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await waitForVerdicts(page);
  await page.waitForSelector('.ready:not([hidden])');
  const seen = [];
  for (let visit = 0; visit < visits; visit++) {
    await page.goto('about:blank');
    await page.goto(`${site.url}#model=${MODEL}`);
    seen.push(await marks(page));
    await page.waitForTimeout(500);
  }
  report('later visits (service worker)', seen);
  await context.close();
}

async function providers(webgpu: boolean, site: Site): Promise<void> {
  const browser = await launchBrowser({ webgpu });
  const { page } = await openPage(await browser.newContext(), `${site.url}#model=${MODEL}&view=how`);
  console.log(`  ${await waitForVerdicts(page)}`);
  const verdicts = await page.evaluate(
    (model) => JSON.parse(localStorage.getItem('pocketgen.device') ?? '{}')[model].verdicts as Verdict[],
    MODEL,
  );
  for (const { provider, milliseconds, levels, reason } of verdicts)
    console.log(
      `    ${provider.padEnd(14)}${milliseconds === undefined ? (reason ?? '') : `${milliseconds.toFixed(2).padStart(9)} ms a picture, at most ${levels} level(s) from the goldens`}`,
    );
  await browser.close();
}

console.log('Bytes by file (kB)              raw   brotli');
for (const { name, bytes, brotli } of fileSizes(values.site).filter(({ bytes }) => bytes > 5000))
  console.log(`${kb(bytes)}${brotli === undefined ? '        –' : kb(brotli)}  ${name}`);
const own = await ownCode();
console.log(
  `Own code without libraries: ${((own.script + own.style) / 1000).toFixed(1)} kB gzip (script ${(own.script / 1000).toFixed(1)}, style ${(own.style / 1000).toFixed(1)}); putting a picture in adds ${(own.drawing / 1000).toFixed(1)} when it is opened, rubbing out ${(own.completing / 1000).toFixed(1)} more`,
);

const site = await serveSite(values.site, { brotli: true });
const browser = await launchBrowser();
console.log(`Opening (median of ${visits})`);
await firstVisits(browser, site, false);
await firstVisits(browser, site, true);
await laterVisits(browser, site);
await browser.close();
console.log('Providers (median of single pictures, measured by the page itself)');
await providers(false, site);
if (!values['skip-gpu']) await providers(true, site);
await site.close();
