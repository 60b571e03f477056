// Where eval, report and encoder take the pictures of a model from.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { trainedPictures } from '../../cli/trained-pictures.ts';
import { loadDataset } from '../../train/data/index.ts';
import { HELD_OUT, PICTURES, packPictures } from '../../train/data/packed.ts';
import { pickPictures } from '../../train/data/picture-set.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { plain } from '../helpers/untidy.ts';
import { clearPictures } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-trained-'));
process.env.POCKETGEN_CACHE = join(folder, 'cache');
afterAll(() => rmSync(folder, { recursive: true }));

const own = join(folder, 'own');
mkdirSync(own);
for (const [i, colour] of ['#102030', '#405060'].entries()) await plain(colour).toFile(join(own, `${i}.png`));
const { train: named } = await loadDataset(own, { size: 16, channels: 3 });
const pictures = clearPictures();
const run = folderFiles(join(folder, 'run'));
await run.write(PICTURES, packPictures(pickPictures(pictures, [0, 1, 2])));
await run.write(HELD_OUT, packPictures(pickPictures(pictures, [3])));
const along = pickPictures(pictures, [0, 1, 2]).sha256;
const of = (sha256: string, source: string, channels: 3 | 4) =>
  ({ dataset: { sha256, source }, size: 16, channels }) as const;

test('from what a run took along', async () => {
  const { train, test: held, tookAlong } = await trainedPictures(run.name, of(along, PICTURES, 4));
  expect([train.sha256, held.count, tookAlong]).toEqual([along, 1, true]);
});

test('from the folder that is named, by the flag before the model', async () => {
  const without = join(folder, 'another run');
  for (const [path, source, data] of [
    [without, own, undefined],
    [without, '/nowhere', own],
    [run.name, PICTURES, own],
  ] as const) {
    const { train, tookAlong } = await trainedPictures(path, of(named.sha256, source, 3), { data });
    expect([train.sha256, tookAlong]).toEqual([named.sha256, false]);
  }
});

test('others than it was trained on are refused, wherever they lie', async () => {
  await expect(trainedPictures(run.name, of('f'.repeat(64), PICTURES, 4))).rejects.toThrow(
    `${run.name}: expected the pictures that it was trained on (SHA-256 ffffffffffff…) to lie with it, got others (${along.slice(0, 12)}…)`,
  );
  await expect(trainedPictures(run.name, of('f'.repeat(64), PICTURES, 3), { data: own })).rejects.toThrow(
    `expected the pictures the model was trained on (SHA-256 ffffffffffff…) in ${own}, got others`,
  );
});
