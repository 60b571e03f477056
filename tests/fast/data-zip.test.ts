// Zips of pictures: Windows' backslashes, links, damage, passwords, names that would lead out, and zips made to fill a disk.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadDataset } from '../../train/data/index.ts';
import { plain } from '../helpers/untidy.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-zip-'));
const path = join(root, 'pets.zip');
const cacheDir = join(root, 'cache');
afterAll(() => rmSync(root, { recursive: true }));

let picture: Buffer;
beforeAll(async () => {
  picture = await plain().png().toBuffer();
});

const load = (files: Zippable, change: (zip: Buffer) => Uint8Array = (zip) => zip) => {
  writeFileSync(path, change(Buffer.from(zipSync(files))));
  return loadDataset(path, { cacheDir });
};
/** Offsets of the local (PK 3 4) and central (PK 1 2) headers. */
const headers = (zip: Buffer, mark: string): number[] => {
  const found: number[] = [];
  for (let at = zip.indexOf(mark, 0, 'latin1'); at >= 0; at = zip.indexOf(mark, at + 1, 'latin1')) found.push(at);
  return found;
};

test('backslashes are folders, as Windows once wrote them', async () => {
  const { train } = await load({ 'cats\\a.png': picture, 'dogs\\b.png': picture });
  expect(train).toMatchObject({ name: 'pets', classes: ['cats', 'dogs'], count: 2 });
});

test('names that are UTF-8 without saying so, as `zip -r` on Linux writes them, are read as such', async () => {
  const unsaid = (zip: Buffer): Buffer => {
    for (const at of headers(zip, 'PK\x03\x04')) zip.writeUInt16LE(zip.readUInt16LE(at + 6) & ~0x800, at + 6);
    for (const at of headers(zip, 'PK\x01\x02')) zip.writeUInt16LE(zip.readUInt16LE(at + 8) & ~0x800, at + 8);
    return zip;
  };
  const files = { 'café au lait/a.png': picture, '猫/b.png': picture };
  expect((await load(files, unsaid)).train.classes).toEqual(['café au lait', '猫']);
  // What is no UTF-8 is still in code page 437: é is 0x82 there.
  const dos = (zip: Buffer): Buffer => {
    for (let at = zip.indexOf('caf#'); at >= 0; at = zip.indexOf('caf#')) zip[at + 3] = 0x82;
    return zip;
  };
  expect((await load({ 'caf#/a.png': picture, 'dogs/b.png': picture }, dos)).train.classes).toEqual(['café', 'dogs']);
});

test('a top folder is looked through, whether it holds classes or is named like the zip', async () => {
  expect((await load({ 'any/cats/a.png': picture, 'any/dogs/b.png': picture })).train.classes).toEqual([
    'cats',
    'dogs',
  ]);
  expect((await load({ 'pets/a.png': picture, '__MACOSX/pets/._a.png': picture })).train.classes).toEqual([]);
  expect((await load({ 'cats/a.png': picture })).train.classes).toEqual(['cats']);
});

test('where there is nothing but a zip inside, that is named', async () => {
  const inner = zipSync({ 'a.png': picture });
  await expect(load({ 'photos/inner.zip': inner, 'notes.txt': inner })).rejects.toThrow(
    /got none, only 1 other file, photos\/inner\.zip \(a zip inside, which is not looked into; unpack it\), photos\/ \(no/,
  );
  const { report } = await load({ 'a.png': picture, 'inner.zip': inner });
  expect(report).toMatchObject({ leftOut: [], otherFiles: 1 });
});

test('a link in a zip is not followed', async () => {
  const link = Buffer.from('/etc/passwd');
  const { train, report } = await load({
    'a.png': picture,
    'b.png': [link, { os: 3, attrs: (0o120777 << 16) >>> 0 }],
  });
  expect(train.count).toBe(1);
  expect(report?.leftOut).toEqual([{ path: 'b.png', reason: 'neither a file nor a folder' }]);
});

test('of pictures with the same path the last is used, and the others are left out with a word', async () => {
  const twice = (zip: Buffer): Buffer => {
    for (let at = zip.indexOf('b.png'); at >= 0; at = zip.indexOf('b.png')) zip.write('a.png', at);
    return zip;
  };
  const { train, report } = await load({ 'a.png': picture, 'b.png': picture }, twice);
  expect(train.count).toBe(1);
  const [leftOut] = report?.leftOut ?? [];
  expect(leftOut).toEqual({ path: 'a.png', reason: 'in the zip more than once, the last one is used' });
  await expect(loadDataset(path, { cacheDir, strict: true })).rejects.toThrow('expected nothing left out (--strict)');
});

test('names that lead out of the zip are refused, and nothing is written', async () => {
  for (const name of ['../out.png', '/out.png', 'cats/../../out.png', 'C:/out.png']) {
    await expect(load({ [name]: picture })).rejects.toThrow(
      `${path}: expected a whole zip file, got one that cannot be read`,
    );
  }
  expect(readdirSync(root)).not.toContain('out.png');
});

test('an encrypted zip is one sentence', async () => {
  const encrypt = (zip: Buffer): Buffer => {
    for (const at of headers(zip, 'PK\x03\x04')) zip[at + 6] = 1;
    for (const at of headers(zip, 'PK\x01\x02')) zip[at + 8] = 1;
    return zip;
  };
  await expect(load({ 'a.png': picture }, encrypt)).rejects.toThrow(
    `${path}: expected a zip without a password, got an encrypted one (a.png); unpack it yourself and name the folder`,
  );
});

test('what is no zip, or cut off, is one sentence', async () => {
  const expected = `${path}: expected a whole zip file, got one that cannot be read`;
  await expect(load({}, () => Buffer.from('no zip'))).rejects.toThrow(expected);
  await expect(load({ 'a.png': picture, 'b.png': picture }, (zip) => zip.subarray(0, -30))).rejects.toThrow(expected);
});

test('a damaged picture in a whole zip is left out by its checksum', async () => {
  const stored = (name: string): Zippable => ({ [name]: [picture, { level: 0 }] });
  const { train, report } = await load({ ...stored('a.png'), ...stored('b.png'), ...stored('c.png') }, (zip) => {
    const at = zip.indexOf('b.png') + 60;
    zip[at] = (zip[at] ?? 0) ^ 255;
    return zip;
  });
  expect(train.count).toBe(2);
  expect(report?.leftOut).toEqual([{ path: 'b.png', reason: 'damaged in the zip: its checksum is another one' }]);
});

test('a zip that would unpack to far more than pictures do is refused before it is read', async () => {
  // 40 names for the same small data, each said to be 256 MiB of it (Fifield, "A better zip bomb", 2019).
  const bomb = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.png`, picture]));
  const claim = (zip: Buffer): Buffer => {
    for (const at of headers(zip, 'PK\x01\x02')) zip.writeUInt32LE(2 ** 28, at + 24);
    return zip;
  };
  await expect(load(bomb, claim)).rejects.toThrow(
    `${path}: expected pictures, which hardly shrink in a zip, got more than 200 times its own size`,
  );
});
