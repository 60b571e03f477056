// Where a command may write: what is no file is never replaced by one, and a link stays a link.
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bundleFolder } from '../../cli/commands/export.ts';
import { runFolder } from '../../cli/commands/train.ts';
import { nameFrom } from '../../cli/names.ts';
import { outFile, outPng } from '../../cli/out-file.ts';
import { replaceFolder } from '../../export/folder.ts';
import type { FamilyName } from '../../train/families/family.ts';
import { recipeFor } from '../../train/recipe.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { isSystemError, systemErrorSentence } from '../../train/store/system-error.ts';
import { clearPictures } from '../small.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'pocketgen-out-')));
afterAll(() => rmSync(folder, { recursive: true }));

test('a new file and one that is there are written; a link is written through', () => {
  const [file, link] = [join(folder, 'a.png'), join(folder, 'link.png')];
  expect(outFile(file)).toBe(file);
  writeFileSync(file, 'before');
  symlinkSync('a.png', link);
  writeAtomically(outPng(link), 'after');
  expect(readFileSync(file, 'utf8')).toBe('after');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

test('a pipe is refused and stays one, reached by a link, too', () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  symlinkSync('pipe', join(folder, 'to-pipe'));
  for (const path of [pipe, join(folder, 'to-pipe')])
    expect(() => outFile(path)).toThrow(
      `"${path}": expected the name of a file to write, got a device, pipe or socket; name another`,
    );
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

test('what names no file is refused, and so is the extension of another format', () => {
  expect(() => outFile('-')).toThrow('"-": expected the name of a file to write, got -');
  expect(() => outFile('')).toThrow('"": expected the name of a file to write, got nothing');
  expect(() => outFile(folder)).toThrow('expected the name of a file to write, got a folder');
  expect(() => outFile(join(folder, 'no', 'x'))).toThrow('expected a file in an existing folder, got no folder');
  expect(outPng(join(folder, 'X.PNG'))).toBe(join(folder, 'X.PNG'));
  expect(() => outPng('x.jpg')).toThrow('x.jpg: expected a name that ends in .png, got .jpg');
});

test('a bundle’s folder that cannot be made is told with the folder it would lie in, not by a temporary name', () => {
  let sentence = '';
  try {
    replaceFolder(join(folder, 'x'.repeat(250)), () => {});
  } catch (error) {
    sentence = isSystemError(error) ? systemErrorSentence(error) : String(error);
  }
  expect(sentence).toBe(
    `${folder}: expected to make a folder in it, got "name too long" (ENAMETOOLONG); check the path, its permissions and the space left`,
  );
});

test('a run of own pictures is exported under the name that start gives them, whatever script its own is in', async () => {
  const pictures = clearPictures(4);
  const { name, sha256, count, classes, note } = pictures;
  const dataset = { source: 'own', name, sha256, count, classes, note };
  const folderFor = (run: string, preset: string, family?: FamilyName): Promise<string> => {
    mkdirSync(join(folder, run), { recursive: true });
    const config = { recipe: recipeFor(preset, pictures, family && { family }), dataset, plans: [] };
    writeFileSync(join(folder, run, 'config.json'), JSON.stringify(config));
    return bundleFolder(join(folder, run));
  };
  expect(await folderFor('猫', 'auto')).toBe('models/mao');
  expect(nameFrom('猫', '')).toBe('mao');
  expect(await folderFor('my-cats-2', 'auto')).toBe('models/my-cats-2');
  expect(await folderFor('🙂', 'auto')).toBe(`models/pictures-${sha256.slice(0, 6)}`);
  expect(await folderFor('猫', 'quick')).toBe('models/quick');
  expect(await folderFor('quick-vae', 'quick', 'vae')).toBe('models/quick-vae');
  expect(await folderFor('猫-vae', 'auto', 'vae')).toBe('models/mao-vae');
  expect(await folderFor('fashion-vae', 'fashion-vae')).toBe('models/fashion-vae');
});

test('a training that goes on from a bundle is of its family, and its run is called so', () => {
  const recipe = recipeFor('auto', clearPictures(4), { family: 'vae' });
  const flags = { data: './cats' };
  expect(runFolder(flags, { recipe }, 'cats')).toBe('runs/cats-vae');
  expect(runFolder(flags, undefined, 'cats')).toBe('runs/cats');
  expect(runFolder(flags, undefined, 'quick')).toBe('runs/quick-pictures');
  expect(runFolder({ data: 'fashion-mnist', family: 'vae' }, undefined, 'fashion-mnist')).toBe('runs/quick-vae');
  expect(runFolder({ ...flags, out: 'mine' }, { recipe }, 'cats')).toBe('mine');
});
