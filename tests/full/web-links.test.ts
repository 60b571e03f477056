// Links to models that are not here, in real Chromium: they are named, their address stays, and it opens what it asks for
// as soon as that can be had. And links of which a part cannot be read.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../browser.ts';
import { writeBundle, zipOf } from '../web-bundles.ts';
import { addOwn, builtSite, MODEL, openPage } from '../web-harness.ts';
import { type Site, serveSite } from '../web-site.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-links-'));
const mine = join(folder, 'mine');
const models = join(folder, 'models');
let browser: Browser;
let site: Site;

beforeAll(async () => {
  const dist = await builtSite();
  cpSync(join('models', MODEL), join(models, MODEL), { recursive: true });
  await writeBundle(models, { name: 'dungeon', title: 'Dungeon', size: 32, channels: 3, classes: ['monster', 'item'] });
  await writeBundle(mine, { name: 'cats', title: 'Cats', size: 32, channels: 3 });
  site = await serveSite(dist, { models });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  rmSync(folder, { recursive: true });
});

const hashOf = (page: Page) => page.evaluate(() => location.hash);
const title = (page: Page) => page.locator('#model').textContent();

test('a link to somebody’s own model says that it is not on this device, keeps its address, and opens it once it is added', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${site.url}#model=own:cats&seed=ada`);
  await page.getByText('The model cats is not on this device').waitFor();
  expect(await hashOf(page)).toBe('#model=own:cats&seed=ada');
  await page.waitForTimeout(500);
  expect(await page.locator('.frame.made').count()).toBe(0); // no other model's picture stands for it
  await page.reload();
  await page.getByText('The model cats is not on this device').waitFor();
  expect(await hashOf(page)).toBe('#model=own:cats&seed=ada');

  await addOwn(page, zipOf(join(mine, 'cats')));
  await page.waitForSelector('.frame.made');
  expect(await title(page)).toBe('Cats (yours)');
  expect(new URLSearchParams((await hashOf(page)).slice(1)).get('seed')).toBe('ada');

  await context.close();
});

test('a link to a model that the site does not have names it and keeps its address; another can be chosen', async () => {
  const context = await browser.newContext();
  const { page } = await openPage(context, `${site.url}#model=${MODEL}`);
  await page.waitForSelector('.frame.made');
  await page.evaluate(() => {
    location.hash = '#model=gone&seed=5';
  });
  await page.getByText('There is no model gone here').waitFor();
  expect(await hashOf(page)).toBe('#model=gone&seed=5');
  expect(await page.locator('.wall').count()).toBe(0);

  await page.getByRole('button', { name: 'Choose a model' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Fashion' }).click();
  // The frame of before may still be there: the address tells when the choice has been taken.
  await expect.poll(async () => new URLSearchParams((await hashOf(page)).slice(1)).get('model')).toBe(MODEL);
  await page.waitForSelector('.frame.made');
  // Going back is going back to what the link said.
  await page.goBack();
  await page.getByText('There is no model gone here').waitFor();
  expect(await hashOf(page)).toBe('#model=gone&seed=5');
  await context.close();
});

test('a part of a link that cannot be read is named; its model can be opened without it', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${site.url}#model=${MODEL}&seed=1&class=Hat`); // not the first of the list
  await page.getByRole('alert').getByText('class: expected one of T-shirt/top').first().waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.waitForSelector('.frame.made');
  expect(new URLSearchParams((await hashOf(page)).slice(1)).get('model')).toBe(MODEL);
  await context.close();
});

test('in an open page a link that cannot be read is named, of this model or of another, and what is shown goes on', async () => {
  const context = await browser.newContext();
  const { page, errors } = await openPage(context, `${site.url}#model=${MODEL}&seed=3`);
  await page.waitForSelector('.frame.made');
  for (const [link, words] of [
    [`#model=${MODEL}&class=Hat`, 'class: expected one of T-shirt/top'],
    ['#model=dungeon&class=Hat', 'class: expected one of monster, item'],
  ] as const) {
    await page.evaluate((hash) => {
      location.hash = hash;
    }, link);
    await page.locator('.message', { hasText: words }).waitFor();
    expect(await page.locator('.cover').count()).toBe(0);
    expect(await title(page)).toBe('Fashion');
  }
  // Of the model whose name is on the page.
  await page.getByRole('button', { name: 'New wall' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.wall .tile.made').length === 60);
  expect(new URLSearchParams((await hashOf(page)).slice(1)).get('model')).toBe(MODEL);
  expect(errors).toEqual([]);
  await context.close();
});
