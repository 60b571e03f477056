// "Make a model" as a person goes through it: the view, its buttons, what it says, and a small run to go on with.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BrowserContext, Page, Worker } from 'playwright-core';
import { PICTURES, packPictures } from '../../train/data/packed.ts';
import type { PictureSet } from '../../train/data/types.ts';
import { createModel } from '../../train/families/models.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import type { Recipe } from '../../train/recipe.ts';
import { loadNewestCheckpoint, stateHash } from '../../train/store/checkpoint.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { packRun, unpackRun } from '../../train/store/packed-run.ts';
import { openRun, readConfig } from '../../train/store/run.ts';
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

const numberIn = (text: string | null, pattern: RegExp): number =>
  Number(pattern.exec(text ?? '')?.[1]?.replaceAll(',', '') ?? 0);

/** Images seen, as the page says of the training under way. */
export const imagesSaid = async (page: Page): Promise<number> =>
  numberIn(await page.locator('.making-now p[role=status]').textContent(), /^([\d,]+) of /);

/** Images that the last checkpoint of the only run has seen, as the page lists it. */
export const imagesKept = async (page: Page): Promise<number> =>
  numberIn(await page.locator('.making li[data-run] small').textContent(), /; ([\d,]+) of /);

/** The trainer's worker. */
export function trainerOf(page: Page): Worker {
  const found = page.workers().find((worker) => worker.url().includes('/trainer-'));
  if (found === undefined) throw new Error('expected the trainer of the page, got none');
  return found;
}

/** As if more than the time between two checkpoints had passed: one is due after the step under way. */
export const putClockForward = (page: Page): Promise<void> =>
  trainerOf(page).evaluate(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 20_000;
  });

/** A message that the page shows for some seconds. */
export const told = (page: Page, text: RegExp): Promise<void> =>
  page.locator('.message').filter({ hasText: text }).first().waitFor({ timeout: 120_000 });

/** A run that nobody has trained yet, as another device packs it. */
export async function packedRun(pictures: PictureSet, recipe: Recipe) {
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-packed-'));
  const files = folderFiles(folder);
  const { name, sha256, count, classes, note } = pictures;
  await (await openRun(files, { recipe, dataset: { source: PICTURES, name, sha256, count, classes, note } })).release();
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

/** What a button saves. */
export async function saved(page: Page, name: string): Promise<Uint8Array> {
  const waiting = page.waitForEvent('download', { timeout: 120_000 });
  await press(page, name);
  return new Uint8Array(readFileSync(await (await waiting).path()));
}

export function writeFiles(dir: string, files: Iterable<readonly [string, Uint8Array]>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
  }
}

/** Hash of what a run in a folder ended with. @throws Error where it did not end, or a checkpoint is broken */
async function stateIn(dir: string): Promise<string> {
  const files = folderFiles(dir);
  const { recipe } = await readConfig(files);
  const newest = await loadNewestCheckpoint(files, createModel(recipe).state, (sentence) => {
    throw new Error(sentence);
  });
  if (newest?.progress.images !== recipe.images)
    throw new Error(`${dir}: expected ${recipe.images} images, got ${newest?.progress.images}`);
  return stateHash(newest.state);
}

/** Hash of what a packed run ended with, which is unpacked into a folder. @throws Error as stateIn */
export function stateOfPacked(packed: Uint8Array, dir: string): Promise<string> {
  writeFiles(dir, unpackRun(packed));
  return stateIn(dir);
}

/** Hash of what the same training ends with where nothing disturbs it: in Node, on the engine that a page has. A run that is in the folder goes on. */
export async function stateInNode(pictures: PictureSet, recipe: Recipe, dir: string): Promise<string> {
  await trainInFolder({ pictures, recipe, source: PICTURES, engine: 'onnx', device: 'wasm', dir });
  return stateIn(dir);
}
