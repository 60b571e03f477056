// A run in a zip that goes on by `train --resume`: what is checked before anything of the folder beside it changes, and what is
// known of its pictures afterwards.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resumeRun } from '../../cli/packed-run.ts';
import { HELD_OUT, PICTURES, packPictures } from '../../train/data/packed.ts';
import { pickPictures } from '../../train/data/picture-set.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { recipeFor } from '../../train/recipe.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { packRun, unpackRun } from '../../train/store/packed-run.ts';
import { clearPictures } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-packed-run-'));
const at = (name: string): string => join(folder, name);
const cli = async (...args: string[]) => (await promisify(execFile)('node', ['bin/pocketgen.mjs', ...args])).stderr;
const all = clearPictures();
const pictures = pickPictures(
  all,
  Array.from({ length: all.count }, (_, i) => i).filter((i) => i % 4 > 0),
);
const heldOut = pickPictures(
  all,
  Array.from({ length: all.count }, (_, i) => i).filter((i) => i % 4 === 0),
);
const recipe = recipeFor('auto', pictures, { width: 8, batch: 8, images: 64 });
const common = { pictures, heldOut, source: PICTURES, engine: 'onnx', device: 'cpu' } as const;
/** The run after so many images, as a zip. */
let zips: Record<32 | 64, Uint8Array>;

const packed = (files: ReadonlyMap<string, Uint8Array>): Uint8Array => zipSync(Object.fromEntries(files), { level: 0 });

beforeAll(async () => {
  const files = folderFiles(at('made'));
  const after = async (images: number) => {
    await trainInFolder({ ...common, recipe: { ...recipe, images }, dir: at('made') });
    await files.write(PICTURES, packPictures(pictures));
    await files.write(HELD_OUT, packPictures(heldOut));
    return packRun(files);
  };
  zips = { 32: await after(32), 64: await after(64) };
});
afterAll(() => rmSync(folder, { recursive: true }));

const newest = async (dir: string): Promise<string | undefined> => (await folderFiles(dir).list('checkpoints')).at(-1);

test('a zip that has seen more goes into the folder of its run, one that has seen less does not', async () => {
  writeFileSync(at('two.zip'), zips[32]);
  expect((await resumeRun(at('two.zip'), undefined)).dir).toBe(at('two'));
  expect(await newest(at('two'))).toContain('32.safetensors');
  writeFileSync(at('two.zip'), zips[64]);
  await resumeRun(at('two.zip'), undefined);
  expect(await newest(at('two'))).toContain('64.safetensors');
  writeFileSync(at('two.zip'), zips[32]);
  await resumeRun(at('two.zip'), undefined);
  expect(await newest(at('two'))).toContain('64.safetensors');
});

test('where another trains in the folder, nothing in it changes', async () => {
  writeFileSync(at('busy.zip'), zips[32]);
  await resumeRun(at('busy.zip'), undefined);
  writeFileSync(at('busy.zip'), zips[64]);
  const unlock = await folderFiles(at('busy')).lock();
  await expect(resumeRun(at('busy.zip'), undefined)).rejects.toThrow('nobody else');
  expect(await newest(at('busy'))).toContain('32.safetensors');
  await unlock();
});

test('a zip that is broken leaves nothing behind that would stand in the way of a good one', async () => {
  const files = unpackRun(zips[64]);
  const broken = (path: string, bytes: Uint8Array) => packed(new Map(files).set(path, new Uint8Array(bytes)));
  for (const [zip, reason] of [
    [broken('config.json', new TextEncoder().encode('{')), /bad\.zip.*config\.json/],
    [broken(PICTURES, new Uint8Array(9)), /pictures/],
    [broken(HELD_OUT, files.get(HELD_OUT)?.slice(0, 900) as Uint8Array), /pictures/],
  ] as const) {
    writeFileSync(at('bad.zip'), zip);
    await expect(resumeRun(at('bad.zip'), undefined)).rejects.toThrow(reason);
    expect(existsSync(at('bad/config.json'))).toBe(false);
  }
  writeFileSync(at('bad.zip'), zips[64]);
  expect((await resumeRun(at('bad.zip'), undefined)).pictures.sha256).toBe(pictures.sha256);
});

test('afterwards its pictures are known: it is evaluated, reported and given an encoder without a word of where they are', async () => {
  writeFileSync(at('small.zip'), zips[64]);
  await resumeRun(at('small.zip'), undefined);
  expect(await cli('eval', at('small'), '--samples', '20', '--no-gan-train')).not.toContain('expected');
  expect(await cli('report', at('small'))).not.toContain('no nearest training pictures');
  expect(readFileSync(at('small/report.html'), 'utf8')).toContain('data:image/png');
  await cli('encoder', at('small'), '--images', '16', '--batch', '8');
  expect(await newest(at('small/encoder'))).toContain('16.safetensors');
});

test('flags that would change nothing are refused', async () => {
  for (const [flag, value] of [
    ['evaluations', '3'],
    ['data', 'mnist'],
    ['width', '8'],
  ] as const)
    await expect(cli('train', '--resume', at('small.zip'), `--${flag}`, value)).rejects.toThrow(
      `--resume: expected at most --out, --images, --minutes, --engine and --device with it, got ${flag}; leave it out`,
    );
});
