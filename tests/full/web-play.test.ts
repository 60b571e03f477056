// What a person does, on a phone and on a desktop, in real Chromium: type a name, pick a class, tap the wall, drag the
// explorer, walk and save the walk, mix, keep, share a link, bring a bundle.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeApng } from '../../contract/apng.ts';
import type { Generator } from '../../contract/generator.ts';
import { encodeGif } from '../../contract/gif.ts';
import { latentOf, oneHot, parseSeed, truncate } from '../../contract/latent.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { type Picture, scaleUp } from '../../contract/picture.ts';
import { bundleVersion, versionedName } from '../../contract/version.ts';
import { blend, slerp, steps } from '../../contract/walk.ts';
import { launchBrowser } from '../browser.ts';
import {
  addOwn,
  builtSite,
  digest,
  greyOf,
  MODEL,
  openPage,
  referenceGenerator,
  TRUNCATION,
  waitForPhase,
} from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  deviceScaleFactor: 3,
  isMobile: true,
  hasTouch: true,
  userAgent:
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Mobile Safari/537.36',
};
const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 860 } };
const DEVICES = { phone: PHONE, desktop: DESKTOP };

let folder: string;
let site: Site;
let browser: Browser;
let reference: Generator;

beforeAll(async () => {
  folder = await builtSite();
  reference = await referenceGenerator(folder);
  site = await serveSite(folder);
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const isFocused = (element: Element) => element === document.activeElement;
const tab = (page: Page, name: string) => page.getByRole('navigation').getByRole('button', { name, exact: true });
const shown = async (page: Page) => digest(await greyOf(page, '.frame canvas'));

async function settled(page: Page, source: string): Promise<void> {
  await page.waitForFunction((text) => document.querySelector('.source')?.textContent?.includes(text), source);
}

for (const [name, options] of Object.entries(DEVICES)) {
  test(`${name}: a name becomes a picture, a class changes it, a tap on the wall moves it to the centre, Back undoes`, async () => {
    const context = await browser.newContext(options);
    const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}`);
    await page.locator('#seed').fill('Ada Lovelace');
    await settled(page, 'Ada Lovelace');
    const [byName] = await reference.generate([{ seed: 0, class: undefined, truncation: TRUNCATION }]);
    expect(await shown(page)).not.toEqual(digest(byName?.data ?? []));

    await page.getByRole('button', { name: 'Trouser', exact: true }).click();
    await page.waitForFunction(() => document.querySelector('.label')?.textContent === 'Trouser');
    expect(page.url()).toContain('class=Trouser');

    await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
    await page.getByRole('button', { name: 'Trouser, seed 7', exact: true }).click();
    await settled(page, 'seed 7');
    const [seven] = await reference.generate([{ seed: 7, class: 1, truncation: TRUNCATION }]);
    expect(await shown(page)).toEqual(digest(seven?.data ?? []));

    await page.goBack();
    await settled(page, 'Ada Lovelace');
    expect(errors).toEqual([]);
    await context.close();
  });

  test(`${name}: nothing is wider than the screen in any view, in both languages`, async () => {
    const context = await browser.newContext(options);
    const { page, errors } = await openPage(
      context,
      `${site.url}#model=${MODEL}&seed=a+rather+long+seed+that+somebody+typed@example.com`,
    );
    for (const language of ['en', 'zh']) {
      await page.evaluate((code) => localStorage.setItem('pocketgen.language', code), language);
      await page.reload();
      await waitForPhase(page, 'running');
      for (const view of ['wall', 'explore', 'walk', 'mix', 'saved', 'how']) {
        await page.locator(`.tab[data-view=${view}]`).click();
        await page.waitForTimeout(150);
        const overflow = await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
        expect(`${view} ${overflow}`).toBe(`${view} 0`);
      }
      expect(await page.locator('html').getAttribute('lang')).toBe(language === 'zh' ? 'zh-Hans' : 'en');
    }
    expect(errors).toEqual([]);
    await context.close();
  });
}

test('a seed of 256 characters is that seed, as everywhere; one character more is said, and nothing is cut', async () => {
  const context = await browser.newContext(DESKTOP);
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&view=mix`);
  await page.waitForSelector('.frame.made');
  const said = (box: string) => page.locator(box).evaluate((element: HTMLInputElement) => element.validationMessage);
  for (const [box, of] of [
    ['#seed', 'seed'],
    ['.seed.small', 'to-seed'],
  ] as const) {
    const seedInLink = () => page.evaluate((key) => new URLSearchParams(location.hash.slice(1)).get(key), of);
    // Each cat is one character, and two units of a string.
    for (const longest of [`${'a'.repeat(238)}b`, '🐈'.repeat(256)]) {
      await page.locator(box).fill('');
      await page.keyboard.insertText(longest); // as what is pasted comes in
      await expect.poll(seedInLink).toBe(longest);
      expect(await said(box)).toBe('');
    }
    await page.keyboard.insertText('c');
    await expect.poll(() => said(box)).toBe('A seed has at most 256 characters; this has 257.');
    expect(await page.locator(box).inputValue()).toBe(`${'🐈'.repeat(256)}c`);
    expect(await seedInLink()).toBe('🐈'.repeat(256));
    await page.keyboard.press('Backspace');
    await expect.poll(() => said(box)).toBe('');
  }
  const seed = parseSeed('🐈'.repeat(256));
  const [picture] = await reference.generate([{ seed, class: undefined, truncation: TRUNCATION }]);
  await expect.poll(() => shown(page)).toBe(digest(picture?.data ?? []));
  expect(errors).toEqual([]);
  await context.close();
});

test('more of a wall that is still filling are made after those before them', async () => {
  const context = await browser.newContext(DESKTOP);
  // Asked for as soon as the first one is there.
  await context.addInitScript(() => {
    const watching = new MutationObserver(() => {
      if (document.querySelector('.wall .tile.made') === null) return;
      watching.disconnect();
      [...document.querySelectorAll('button')].find(({ textContent }) => textContent === '60 more')?.click();
    });
    watching.observe(document, { subtree: true, attributeFilter: ['class'] });
  });
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}`);
  await page.getByText('Pictures from seed 1 to 120').waitFor();
  expect(await page.locator('.wall .tile.made').count()).toBe(120);
  expect(errors).toEqual([]);
  await context.close();
});

test('dragging in the explorer moves the picture; going on from there makes a link that opens exactly it', async () => {
  const context = await browser.newContext(PHONE);
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=11&class=Coat&view=explore`);
  await page.waitForSelector('.frame.made');
  const before = await shown(page);
  const pad = page.locator('.pad');
  const box = await pad.boundingBox();
  if (box === null) throw new Error('no pad');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.2, { steps: 20 });
  await page.mouse.up();
  await settled(page, 'found by hand');
  await page.waitForTimeout(300);
  const moved = await shown(page);
  expect(moved).not.toEqual(before);

  // What is shared is what is seen, chosen or not.
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  const link = await page.getByRole('textbox', { name: 'Copy link' }).inputValue();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Go on from here' }).click();
  await page.waitForFunction(() => location.hash.includes('z='));
  await page.waitForTimeout(300);
  expect(await shown(page)).toEqual(moved);
  expect(page.url()).toBe(link);
  const other = await openPage(context, link);
  await settled(other.page, 'found by hand');
  expect(await shown(other.page)).toEqual(moved);

  // The keyboard moves it too.
  await pad.focus();
  await page.keyboard.press('Shift+ArrowLeft');
  await page.waitForTimeout(300);
  expect(await shown(page)).not.toEqual(moved);
  expect([...errors, ...other.errors]).toEqual([]);
  await context.close();
});

test('a saved walk has the frames of the contract, as GIF and APNG', async () => {
  const context = await browser.newContext({ ...DESKTOP, acceptDownloads: true });
  const { page, errors } = await openPage(
    context,
    `${site.url}#model=${MODEL}&seed=1&class=Bag&view=walk&to-seed=2&to-class=Dress`,
  );
  await page.getByRole('checkbox', { name: 'There and back' }).uncheck();
  const save = async (label: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: label }).click();
    return new Uint8Array(readFileSync(await (await download).path()));
  };
  const times = steps(48);
  const [from, to] = [truncate(latentOf(1, 64), TRUNCATION), truncate(latentOf(2, 64), TRUNCATION)];
  const [bag, dress] = [oneHot(8, 10), oneHot(3, 10)];
  const frames: Picture[] = await reference.decode(
    times.map((t) => slerp(from, to, t)),
    times.map((t) => blend(bag, dress, t)),
  );
  const enlarged = frames.map((frame) => scaleUp(frame, 8));
  expect(digest(await save('Save GIF'))).toBe(digest(encodeGif(enlarged, 24)));
  expect(digest(await save('Save APNG'))).toBe(digest(encodeApng(enlarged, 24)));
  expect(errors).toEqual([]);
  await context.close();
});

test('a walk plays, stops, and what it stopped at can be kept; children can become parents', async () => {
  const context = await browser.newContext(PHONE);
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=1&view=walk`);
  await page.waitForSelector('.frame.made');
  await page.getByRole('button', { name: 'Play' }).click();
  await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>('.scrub')?.value) > 0.1);
  const live = () => page.locator('.caption').getAttribute('aria-live');
  expect(await live()).toBe('off'); // dozens of places a second are not read out
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Keep this one' }).click();
  await page.waitForFunction(() => location.hash.includes('z='));
  await expect.poll(live).toBe('polite');

  await tab(page, 'Mix').click();
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 15);
  const before = page.url();
  await page.locator('.wall .tile').nth(4).focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction((url) => location.href !== url, before);
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 15);
  expect(await page.locator('.wall .tile').nth(4).evaluate(isFocused)).toBe(true);

  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.reload();
  await waitForPhase(page, 'running');
  await tab(page, 'Saved').click();
  await page.waitForSelector('.saved .tile');
  // On a phone, too, it is seen large.
  await page.evaluate(() => history.replaceState(null, '', '#seed=2'));
  await page.locator('.saved .tile').click();
  await page.waitForFunction(() => location.hash.includes('z='));
  expect(await page.locator('.frame canvas').isVisible()).toBe(true);
  await page.getByRole('button', { name: /^Remove/ }).click();
  const empty = page.getByText('Nothing kept yet');
  await empty.waitFor();
  expect(await empty.evaluate(isFocused)).toBe(true);
  expect(errors).toEqual([]);
  await context.close();
});

test('sharing gives a link to the same picture and the address at the image endpoint', async () => {
  const context = await browser.newContext({ ...DESKTOP, permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = await openPage(
    context,
    `${site.url}#model=${MODEL}&seed=ada%40example.com&class=Ankle+boot&truncation=0.7`,
  );
  await page.waitForSelector('.frame.made');
  await page.getByRole('button', { name: 'Share', exact: true }).click();
  await page.getByRole('button', { name: 'Copy image address' }).click();
  const edge = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  const manifest = parseManifest(JSON.parse(readFileSync(join('models', MODEL, 'model.json'), 'utf8')));
  expect(edge.pathname).toBe(`/v1/images/${versionedName(MODEL, await bundleVersion(manifest))}/ada%40example.com.png`);
  expect(Object.fromEntries(edge.searchParams)).toEqual({ class: 'Ankle boot', truncation: '0.7' });
  await page.getByRole('button', { name: 'Copy link' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
  // A dialog stays for a click between what is in it, and goes for one beside it.
  const dialog = page.locator('dialog');
  const box = (await dialog.boundingBox()) ?? { x: 0, y: 0, height: 0 };
  await page.mouse.click(box.x + 8, box.y + box.height / 2);
  expect(await dialog.count()).toBe(1);
  await page.mouse.click(box.x - 8, box.y + box.height / 2);
  await expect.poll(() => dialog.count()).toBe(0);
  await context.close();
});

test('an own bundle is checked, stays on the device without the network, and can be chosen; a damaged one is refused', async () => {
  const host = await serveSite(folder);
  const context = await browser.newContext(DESKTOP);
  const { page } = await openPage(context, `${host.url}#model=${MODEL}`);
  const bundle = join(folder, 'models', MODEL);
  const manifest = JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8'));
  const file: string = manifest.files.find(
    (entry: { variant: string }) => entry.variant === manifest.defaultVariant,
  ).path;
  const zip = (bytes: Uint8Array) =>
    zipSync({
      'mine/model.json': new TextEncoder().encode(JSON.stringify({ ...manifest, name: 'mine' })),
      [`mine/${file}`]: bytes,
    });
  const bytes = new Uint8Array(readFileSync(join(bundle, file)));
  const altered = bytes.slice();
  altered[1000] = (altered[1000] ?? 0) ^ 255;
  await addOwn(page, zip(altered));
  await page.getByText(`${file}: expected SHA-256`).waitFor();

  await addOwn(page, zip(bytes));
  await page.getByText('is on this device now').waitFor();
  await page.waitForFunction(() => location.hash.includes('model=own%3Amine'));
  await waitForPhase(page, 'running');
  await page.waitForSelector('.ready:not([hidden])');
  await host.close();
  await page.reload();
  await waitForPhase(page, 'running');
  expect(await page.locator('#model').textContent()).toContain('(yours)');
  await page.waitForSelector('.frame.made');
  // And is taken away again, with the page going back to what the list begins with.
  await page.locator('#model').click();
  const remove = page.getByRole('button', { name: /^Remove .* from this device$/ });
  // Not before it has been asked: no is the answer to the first question, yes to the second.
  page.once('dialog', (question) => question.dismiss());
  await remove.click();
  await page.locator('#model').click();
  page.once('dialog', (question) => question.accept());
  await remove.click();
  await page.waitForFunction(() => /model=(?!own)/.test(location.hash));
  await context.close();
});
