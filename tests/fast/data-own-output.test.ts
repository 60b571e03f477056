// `--data .`: the runs and bundles that pocketgen itself writes into a folder of pictures are no pictures of it.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type DatasetSplits, loadDataset, reportLines } from '../../train/data/index.ts';
import { RUN } from '../../train/store/files.ts';
import { LOCK_FILE } from '../../train/store/run-lock.ts';
import { plain } from '../helpers/untidy.ts';

const root = mkdtempSync(join(tmpdir(), 'pocketgen-own-output-'));
const cacheDir = join(root, 'cache');
let folder = root;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const reason = 'made by pocketgen, no pictures to learn from';
const preview = await plain('#ff00ff').png().toBuffer();

async function draw(...names: string[]): Promise<void> {
  for (const [i, name] of names.entries())
    write(
      name,
      await plain(`#${(0x102030 + i * 0x0f1107).toString(16)}`)
        .png()
        .toBuffer(),
    );
}
function write(name: string, bytes: Uint8Array | string = ''): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), bytes);
}
/** Files of a run and of a bundle as far as their names go; those of a run as it calls them itself. */
function writeRun(name: string): void {
  for (const file of [LOCK_FILE, RUN.config, RUN.stats, `${RUN.checkpoints}/1.safetensors`]) write(`${name}/${file}`);
  write(`${name}/${RUN.samples}/0000000032.png`, preview);
}
function writeBundle(name: string): void {
  for (const file of ['model.json', 'generator.fp16.onnx', 'MODEL_CARD.md', 'training.json']) write(`${name}/${file}`);
  write(`${name}/preview.png`, preview);
}
function writeOutput(): void {
  writeRun('runs/pets');
  writeRun(`runs/pets/${RUN.encoder}`);
  writeBundle('models/pets');
  write('models/pets-2/training.json'); // only begun
  write(`runs/pets-2/${LOCK_FILE}`);
}
const load = (source = folder, strict = false): Promise<DatasetSplits> =>
  loadDataset(source, { size: 16, channels: 3, cacheDir, strict });

/** The folder as a zip beside it. */
function zipped(): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name));
  const path = `${folder}.zip`;
  writeFileSync(path, zipSync(Object.fromEntries(paths.map((at) => [at.slice(folder.length + 1), readFileSync(at)]))));
  return path;
}

describe.each([
  ['pictures without classes', ['0.png', '1.png']],
  ['classes', ['a/0.png', 'b/1.png']],
  ['classes in a folder of their own', ['pets/a/0.png', 'pets/b/1.png']],
  ['a split', ['train/0.png', 'test/1.png']],
])('%s', (_, pictures) => {
  test('are read as before when runs and models stand beside them, which is said once', async () => {
    await draw(...pictures);
    const before = await load();
    expect(before.report?.leftOut).toEqual([]);
    // What `start` makes before it reads.
    for (const place of ['runs', 'models']) mkdirSync(join(folder, place));
    const begun = await load();
    writeOutput();
    const after = await load();
    for (const { train, test: held } of [begun, after]) {
      expect([train.classes, train.sha256]).toEqual([before.train.classes, before.train.sha256]);
      expect(held.sha256).toBe(before.test.sha256);
    }
    expect(after.report?.leftOut).toEqual([
      { path: 'models/', reason },
      { path: 'runs/', reason },
    ]);
    expect(reportLines(after).filter((line) => line.includes('models/'))).toEqual([`left out: models/ (${reason})`]);
    expect((await load(folder, true)).train.sha256).toBe(before.train.sha256);
    const inZip = await load(zipped());
    expect([inZip.train.sha256, inZip.report?.leftOut]).toEqual([before.train.sha256, after.report?.leftOut]);
  });
});

test('inside of a class, and elsewhere than in runs and models, they are left out too', async () => {
  await draw('a/0.png', 'b/1.png');
  const before = await load();
  writeRun('a/runs/a');
  rmSync(join(folder, 'a/runs/a', LOCK_FILE)); // as a Node without SQLite leaves it
  writeBundle('second try');
  mkdirSync(join(folder, 'elsewhere'));
  writeBundle('elsewhere/of/pets');
  symlinkSync(folder, join(folder, 'b', 'circle'));
  const { train, report } = await load();
  expect(train.sha256).toBe(before.train.sha256);
  expect(report?.leftOut.filter((one) => one.reason === reason).map(({ path }) => path)).toEqual([
    'elsewhere/',
    'second try/',
    'a/runs/',
  ]);
});

test('a class that is called models is one, and so is a folder of pictures beside files of such names', async () => {
  await draw('models/0.png', 'runs/deep/1.png', 'c/2.png', 'd/3.png', 'e/f/4.png');
  write('models/training.json');
  write('c/config.json');
  write('d/model.json');
  write('e/config.json');
  expect((await load()).train.classes).toEqual(['c', 'd', 'e', 'models', 'runs']);
});

test('pictures beside a run in one folder are a class, the run is not', async () => {
  await draw('mixed/0.png', 'other/1.png');
  writeRun('mixed/run');
  const { train, report } = await load();
  expect([train.classes, train.count]).toEqual([['mixed', 'other'], 2]);
  expect(report?.leftOut).toEqual([{ path: 'mixed/run/', reason }]);
});

test('a run or a bundle as the pictures, or nothing but such, is one sentence', async () => {
  writeOutput();
  for (const own of ['runs/pets', 'models/pets'])
    await expect(load(join(folder, own))).rejects.toThrow(
      `${own}: expected pictures, got a run or a model of pocketgen; name the pictures that it is to learn from`,
    );
  await expect(load()).rejects.toThrow(`got none, only models/ (${reason}), runs/ (${reason})`);
  await expect(load(join(folder, 'models'))).rejects.toThrow(`got none, only pets/ (${reason}), pets-2/ (${reason})`);
  // Who names the sheets themselves means them.
  expect((await load(join(folder, 'runs/pets/samples'))).train.count).toBe(1);
});
