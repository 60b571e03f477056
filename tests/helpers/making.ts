// "Make a model" as a person goes through it: the view, its buttons, what it says, and a small run to go on with.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { PICTURES, packPictures } from '../../train/data/packed.ts';
import type { PictureSet } from '../../train/data/types.ts';
import type { Recipe } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { packRun } from '../../train/store/packed-run.ts';
import { openRun } from '../../train/store/run.ts';
import { openPage } from '../web-harness.ts';

export async function openMaking(context: BrowserContext, site: string, model: string): Promise<Page> {
  const { page } = await openPage(context, `${site}#model=${model}&view=make`);
  await page.getByRole('heading', { name: 'Make a model from your pictures' }).waitFor();
  return page;
}

export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

type Files = Parameters<Page['setInputFiles']>[1];

export async function chooseFiles(page: Page, button: string, files: Files): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await press(page, button);
  await (await chooser).setFiles(files);
}

/** What is said of the training under way. */
export const said = (page: Page, text: RegExp): Promise<void> =>
  page.locator('.making-now p[role=status]').filter({ hasText: text }).waitFor({ timeout: 120_000 });

/** Images seen, as the page says. */
export async function imagesSaid(page: Page): Promise<number> {
  const text = (await page.locator('.making-now p[role=status]').textContent()) ?? '';
  return Number(/^([\d,]+) of /.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
}

/** A run that nobody has trained yet, as another device packs it. */
export async function packedRun(pictures: PictureSet, recipe: Recipe) {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-packed-'));
  const files = folderFiles(folder);
  const { name, sha256, count, classes, note } = pictures;
  (await openRun(files, { recipe, dataset: { source: PICTURES, name, sha256, count, classes, note } })).release();
  await files.write(PICTURES, packPictures(pictures));
  const buffer = Buffer.from(await packRun(files));
  rmSync(folder, { recursive: true });
  return { name: 'small.run.zip', mimeType: 'application/zip', buffer };
}

/** Takes a run from another device and trains it. */
export async function goOnWith(page: Page, run: Files): Promise<void> {
  await chooseFiles(page, 'Go on with a training from another device', run);
  await press(page, 'Go on');
  await said(page, /^\d[\d,]* of [\d,]+ images/);
}
