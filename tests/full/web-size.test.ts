// Gates on what the page weighs: over the wire on a first visit, the page's own code, and every file's limit at the edge.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { beforeAll, expect, test } from 'vitest';
import { ownCode } from '../../bench/web-sizes.ts';
import { parseModelList } from '../../contract/model-list.ts';
import { launchBrowser } from '../browser.ts';
import { builtSite, openPage } from '../web-harness.ts';
import { serveSite } from '../web-site.ts';

let folder: string;
beforeAll(async () => {
  process.env.POCKETGEN_BROTLI ??= '10'; // as tests/run.ts
  folder = await builtSite();
});

/** Of a link that names it: nothing else is shown in its place. */
const LARGER: Readonly<Record<string, number>> = { 'fashion-transformer': 4_800_000, 'fashion-vae': 3_900_000 };

test('a first visit on the wasm path takes at most 3.5 MB over the wire, runtime and model included, whichever GAN it shows', async () => {
  const browser = await launchBrowser();
  const names = parseModelList(JSON.parse(readFileSync(join(folder, 'models', 'index.json'), 'utf8'))).map(
    ({ name }) => name,
  );
  // The first one without asking.
  for (const [i, name] of names.entries()) {
    const site = await serveSite(folder, { brotli: true, every: true });
    const { page } = await openPage(await browser.newContext(), i === 0 ? site.url : `${site.url}#model=${name}`);
    await page.waitForSelector('.ready:not([hidden])');
    await page.context().close();
    await site.close();
    const total = site.log.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = [...site.log].sort((a, b) => b.bytes - a.bytes).slice(0, 4);
    console.log(
      `web-size: first visit, ${name}: ${(total / 1e6).toFixed(2)} MB: ${largest.map(({ path, bytes }) => `${path} ${bytes}`).join(', ')}`,
    );
    expect(total).toBeLessThanOrEqual(i === 0 ? 3_500_000 : (LARGER[name] ?? 3_500_000));
    const models = site.log.flatMap(({ path }) => /\/models\/([^/]+)\//.exec(path)?.[1] ?? []);
    expect(models.filter((one) => one !== name)).toEqual([]);
  }
  await browser.close();
});

test('the web app manifest names icons and screenshots that are there, in the sizes it says', () => {
  const manifest = JSON.parse(readFileSync(join(folder, 'app.webmanifest'), 'utf8'));
  const pictures = [...manifest.icons, ...manifest.screenshots].filter(({ type }) => type === 'image/png');
  expect(pictures.length).toBeGreaterThan(5);
  for (const { src, sizes } of pictures) {
    const { width, height } = decode(readFileSync(join(folder, src)));
    expect(`${src} ${width}x${height}`).toBe(`${src} ${sizes}`);
  }
});

test('no file is over the 25 MiB that Workers static assets take', () => {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(names.length).toBeGreaterThan(20);
  for (const name of names)
    expect(`${name} ${statSync(join(folder, name)).size < 25 * 1024 * 1024}`).toBe(`${name} true`);
});

test('the code of our own is at most 60 KB gzip, 12 more when a picture is put in, 6 more when a part of one is rubbed out, 11 when a model is made; the trainer is at most 200 KB in brotli', async () => {
  const { script, style, drawing, completing, making } = await ownCode();
  console.log(
    `web-size: own code ${((script + style) / 1000).toFixed(1)} kB gzip, drawing ${(drawing / 1000).toFixed(1)}, rubbing out ${(completing / 1000).toFixed(1)}, making ${(making / 1000).toFixed(1)}`,
  );
  expect(script).toBeGreaterThan(20_000); // the measure itself has not broken
  expect(script + style).toBeLessThanOrEqual(60_000);
  expect(drawing).toBeGreaterThan(3_000);
  expect(drawing).toBeLessThanOrEqual(12_000);
  expect(completing).toBeGreaterThan(1_000);
  expect(completing).toBeLessThanOrEqual(6_000);
  expect(making).toBeGreaterThan(3_000);
  expect(making).toBeLessThanOrEqual(11_000);
  const [trainer = ''] = readdirSync(join(folder, 'assets')).filter((name) => /^trainer-.*\.js\.br$/.test(name));
  const { size } = statSync(join(folder, 'assets', trainer));
  console.log(`web-size: trainer, tfjs and tracer included, ${(size / 1000).toFixed(0)} kB brotli`);
  expect(size).toBeGreaterThan(100_000);
  expect(size).toBeLessThanOrEqual(200_000);
});
