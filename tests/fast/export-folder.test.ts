// The place of a bundle after an export that was killed: nothing of it stays for ever, and a bundle is never lost.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { recoverFolder, replaceFolder } from '../../export/folder.ts';

let folder = '';
let out = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pocketgen-place-'));
  out = join(folder, 'pets');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const bundle = (name: string, content: string): void => {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'model.json'), content);
};
const there = (): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name, 'model.json'), 'utf8')]));
const later = (minutes: number): void => {
  const now = Date.now() + minutes * 60_000;
  vi.spyOn(Date, 'now').mockReturnValue(now);
};

test('killed between two renames: the bundle that was there is put back, at once, and the unfinished one goes after a while', () => {
  bundle('pets.tmp-aB3dE6', 'new');
  bundle('pets.tmp-aB3dE6-old', 'old');
  recoverFolder(out);
  expect(there()).toEqual({ pets: 'old', 'pets.tmp-aB3dE6': 'new' });
  later(11);
  recoverFolder(out);
  expect(there()).toEqual({ pets: 'old' });
});

test('an export that fails afterwards has not lost the bundle that a killed one had moved aside', () => {
  bundle('pets.tmp-aB3dE6-old', 'old');
  const failing = (): void =>
    replaceFolder(out, () => {
      throw new Error('no room');
    });
  expect(failing).toThrow('no room');
  expect(there()).toEqual({ pets: 'old' });
});

test('beside a whole bundle both go, of a live export and of other places none', () => {
  const others = ['cats.tmp-aB3dE6', 'pets.tmp-mine', 'pets.tmp-aB3dE6.old', 'pets-2'];
  for (const name of ['pets', 'pets.tmp-aB3dE6', 'pets.tmp-bB3dE6-old', ...others]) bundle(name, name);
  later(9);
  recoverFolder(out);
  expect(Object.keys(there())).toHaveLength(7);
  later(11);
  replaceFolder(out, (fresh) => writeFileSync(join(fresh, 'model.json'), 'newest'));
  expect(Object.keys(there()).sort()).toEqual(['pets', ...others].sort());
  expect(there().pets).toBe('newest');
});

test('a bundle moved aside is kept while there is none in its place', () => {
  mkdirSync(out); // as a training that begins makes it
  bundle('pets.tmp-aB3dE6-old', 'old');
  later(100);
  recoverFolder(out);
  expect(existsSync(join(folder, 'pets.tmp-aB3dE6-old', 'model.json'))).toBe(true);
  recoverFolder(join(folder, 'no such', 'pets'));
});
