// What folders say: classes, splits, names that are one, links in circles; what happens when files go away or may not be read.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { registerDataset } from '../../cli/commands/dataset.ts';
import { randomWords } from '../../contract/random.ts';
import { classCounts, loadDataset, reportLines } from '../../train/data/index.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-classes-'));
const cacheDir = join(root, 'cache');
let folder = root;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true }));

let next = 0;
/** Pictures unlike each other, or like that of `seed`. */
async function write(...names: string[]): Promise<void> {
  for (const name of names) await writeLike(next++, name);
}
async function writeLike(seed: number, name: string): Promise<void> {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const pixels = Uint8Array.from(randomWords(seed, 0, 0, 48), (word) => word & 255);
  await sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } })
    .png()
    .toFile(path);
}
const load = () => loadDataset(folder, { size: 16, cacheDir });

describe('folders of splits', () => {
  test('are used as the split, and said', async () => {
    await write('train/cats/a.png', 'train/cats/b.png', 'train/dogs/c.png', 'test/cats/d.png', 'valid/Dogs/e.png');
    const { train, test: held, report } = await load();
    expect(train.classes).toEqual(['cats', 'dogs']);
    expect([classCounts(train), classCounts(held)]).toEqual([
      [2, 1],
      [1, 1],
    ]);
    expect(report?.splitFolders).toEqual(['test', 'train', 'valid']);
    expect(train.note).toContain('split by its folders test/, train/, valid/: 2 held out');
  });

  test('are classes where other folders stand beside them, and that is said', async () => {
    await write('Train/a.png', 'Test/b.png', 'extra/c.png');
    const { train, report } = await load();
    expect(train.classes).toEqual(['Test', 'Train', 'extra']);
    expect(report?.remarks).toEqual([
      'Test/, Train/ are named like a split but are classes here, as other folders stand beside them: move those away to have the split used',
    ]);
  });

  test('without classes too; in a top folder too', async () => {
    await write('set/train/a.png', 'set/train/b.png', 'set/val/c.png');
    const { train, test: held } = await load();
    expect([train.classes, train.count, held.count]).toEqual([[], 2, 1]);
  });

  test('a held-out picture that is a copy of a training picture judges nothing, and that is said', async () => {
    await write('train/a.png', 'train/b.png', 'test/c.png');
    await writeLike(0, 'train/copied.png');
    await writeLike(0, 'test/copy.png');
    const { train, test: held, report } = await load();
    expect([train.count, held.count]).toEqual([3, 1]);
    expect(report?.remarks).toEqual(['1 of the held-out pictures is a copy of training pictures and left out']);
  });

  test('test/ alone, or beside other folders, is a class', async () => {
    await write('test/a.png', 'other/b.png');
    expect((await load()).train.classes).toEqual(['other', 'test']);
  });

  test('a class with nothing to train on is one sentence', async () => {
    await write('train/cats/a.png', 'test/cats/b.png', 'test/dogs/c.png');
    await expect(load()).rejects.toThrow(
      `${folder}: expected pictures of every class to train on, got only held-out ones of dogs; move some to the training folder, or those away`,
    );
  });

  test('classes on one side and loose pictures on the other are one sentence', async () => {
    await write('train/cats/a.png', 'test/b.png');
    await expect(load()).rejects.toThrow(
      `${folder}: expected sub-folders for classes in each of test, train or in none, got loose pictures (test/b.png)`,
    );
  });
});

describe('class names', () => {
  test('that differ only in case or in how accents are written are an error that names both', async () => {
    await write('Cats/a.png', 'cats/b.png');
    await expect(load()).rejects.toThrow('got Cats/ and cats/; rename one, or put their pictures together');
    rmSync(join(folder, 'cats'), { recursive: true });
    await write(`${'Größe'.normalize('NFC')}/a.png`, `${'größe'.normalize('NFD')}/b.png`);
    const said = await load().catch((error: Error) => error.message.normalize('NFC'));
    expect(said).toContain('got Größe/ and größe/; rename one');
  });

  test('are composed, and in the same order on every file system', async () => {
    await write(`${'é'.normalize('NFD')}/a.png`, 'f/b.png', 'z/c.png');
    expect((await load()).train.classes).toEqual(['f', 'z', 'é'.normalize('NFC')]);
  });

  test('a class of which no picture can be read is left out, and the others keep their pictures', async () => {
    await write('a/1.png', 'a/2.png', 'c/3.png', 'c/4.png');
    mkdirSync(join(folder, 'b'));
    writeFileSync(join(folder, 'b', 'x.png'), 'no picture');
    const { train, report } = await load();
    expect(train.classes).toEqual(['a', 'c']);
    expect([...train.labels]).toEqual([0, 0, 1, 1]);
    expect(report?.leftOut).toContainEqual({ path: 'b/', reason: 'none of its pictures can be read' });
  });

  test('more than 256 are one sentence', async () => {
    await write(...Array.from({ length: 257 }, (_, i) => `${i}/a.png`));
    await expect(load()).rejects.toThrow('expected at most 256 sub-folders (classes), got 257');
  });
});

test('links: a class elsewhere is followed, each folder in a class is read once, circles end', async () => {
  await write('cats/a.png', 'cats/in/b.png', 'dogs/c.png');
  symlinkSync(join(folder, 'cats', 'in'), join(folder, 'cats', 'again'));
  symlinkSync(folder, join(folder, 'dogs', 'all'));
  symlinkSync(join(folder, 'dogs'), join(folder, 'wolves'));
  const { train, report } = await load();
  expect(train.classes).toEqual(['cats', 'dogs', 'wolves']);
  expect(classCounts(train)).toEqual([2, 1, 1]);
  expect(report?.leftOut.map(({ path }) => path)).toEqual(['cats/in/', 'dogs/all/', 'wolves/all/']);
});

test('half of the pictures may fail, more may not; the first twenty are named, then a count', async () => {
  await write(...Array.from({ length: 30 }, (_, i) => `good-${i}.png`));
  for (let i = 0; i < 30; i++) writeFileSync(join(folder, `bad-${i}.png`), 'no picture');
  const { report } = await load();
  expect(report).toMatchObject({ used: 30 });
  writeFileSync(join(folder, 'last.png'), 'no picture');
  await expect(load()).rejects.toThrow(
    /: expected at least half of 61 pictures to be readable, got 31 that cannot be read: bad-0\.png .*bad-12\.png .* and 26 more; repair or remove them$/,
  );
});

test('a folder that is deleted while it is read is one sentence', async () => {
  await write(...Array.from({ length: 60 }, (_, i) => `${i}.png`));
  const deleting = loadDataset(folder, {
    cacheDir,
    onProgress: () => rmSync(folder, { recursive: true, force: true }),
  });
  await expect(deleting).rejects.toThrow(/got \d+ that cannot be read: 1?\d\.png \(it is gone/);
});

test('a picture or a class that may not be read is left out, and the reason is that', async () => {
  await write('cats/a.png', 'cats/b.png', 'cats/c.png', 'dogs/d.png', 'birds/e.png');
  for (const path of [root, folder]) chmodSync(path, 0o755);
  chmodSync(join(folder, 'cats', 'b.png'), 0);
  chmodSync(join(folder, 'dogs'), 0);
  const superuser = process.geteuid?.() === 0;
  // The superuser may read everything: for a moment this process is nobody.
  if (superuser) process.seteuid?.(65534);
  try {
    const { train, report } = await load();
    expect(train.classes).toEqual(['birds', 'cats']);
    expect(report?.leftOut).toEqual([
      { path: 'dogs/', reason: 'no permission to read it' },
      { path: 'cats/b.png', reason: 'no permission to read it' },
    ]);
    if (superuser)
      expect(report?.remarks).toEqual([
        'decoded pictures could not be kept in the cache folder (it may not be written to), so the next command decodes them again',
      ]);
  } finally {
    if (superuser) process.seteuid?.(0);
    chmodSync(join(folder, 'dogs'), 0o755);
  }
});

test('a line break in a name breaks no table and no list, and is in the data as it is', async () => {
  await write('ca\nts/a.png', 'dogs/b.png');
  writeFileSync(join(folder, 'ca\nts', 'broken.png'), 'none');
  const splits = await load();
  expect(splits.train.classes).toEqual(['ca\nts', 'dogs']);
  expect(reportLines(splits)).toContain('left out: ca?ts/broken.png (no picture in a format that is read)');
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  const program = new Command();
  registerDataset(program);
  await program.parseAsync(['info', folder, '--size', '16'], { from: 'user' });
  expect(print.mock.calls.join('\n')).toContain('\n    0 ca?ts  1 training, 0 held out\n    1 dogs   1 training,');
  print.mockRestore();
});
