// How far native CPU and wasm come apart in one training: each is exact by itself, and they add in another order.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createModel } from '../../train/families/models.ts';
import { trainInFolder } from '../../train/in-folder.ts';
import { loadNewestCheckpoint } from '../../train/store/checkpoint.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { smallPictures, smallRecipe } from '../small.ts';

test('after 200 steps the networks of native CPU and wasm lie a few hundredths apart at most', async () => {
  const pictures = await smallPictures(100);
  const recipe = smallRecipe(pictures, { images: 1600 });
  const folder = mkdtempSync(join(tmpdir(), 'pocketgen-drift-'));
  const [cpu = {}, wasm = {}] = await Promise.all(
    (['cpu', 'wasm'] as const).map(async (device) => {
      const dir = join(folder, device);
      await trainInFolder({ recipe, pictures, source: 'test', engine: 'onnx', device, dir });
      const warn = (sentence: string): void => expect.fail(sentence);
      return (await loadNewestCheckpoint(folderFiles(dir), createModel(recipe).state, warn))?.state;
    }),
  );
  rmSync(folder, { recursive: true });
  let [difference, all, largest] = [0, 0, 0];
  for (const [name, values] of Object.entries(cpu)) {
    if (name.startsWith('adam')) continue;
    for (const [i, value] of values.entries()) {
      const apart = Math.abs(value - (wasm[name]?.[i] ?? Number.NaN));
      [difference, all, largest] = [difference + apart ** 2, all + value ** 2, Math.max(largest, apart)];
    }
  }
  const relative = Math.sqrt(difference / all);
  console.log(
    `wasm-drift: parameters ${(100 * relative).toFixed(2)} % apart after 200 steps, the largest difference ${largest.toFixed(4)}`,
  );
  expect(relative).toBeLessThan(0.05);
  expect(relative).toBeGreaterThan(0); // else the tables of this project would be wrong
}, 600_000);
