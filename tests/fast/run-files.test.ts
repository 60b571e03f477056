// A run lies in a folder or anywhere else that keeps files: the loop makes the same of both, and goes on in one what it began in
// the other.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { runTraining } from '../../cli/commands/train.ts';
import { trainAndTell } from '../../cli/training.ts';
import { UserError } from '../../contract/errors.ts';
import { createEngine } from '../../train/engines/index.ts';
import { createModel } from '../../train/families/models.ts';
import { type TrainOptions, train } from '../../train/loop.ts';
import { loadNewestCheckpoint, stateHash } from '../../train/store/checkpoint.ts';
import { RUN, type RunFiles } from '../../train/store/files.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { clearPictures, smallRecipe } from '../small.ts';

const folder = mkdtempSync(join(tmpdir(), 'pocketgen-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Files in memory: what a home for runs has to do, and no more. */
function memoryFiles(kept = new Map<string, Uint8Array<ArrayBuffer>>(), root = ''): RunFiles {
  const at = (path: string): string => root + path;
  let locked = false;
  return {
    name: 'memory',
    async lock() {
      if (locked) throw new UserError('memory: expected nobody to train there, got somebody');
      locked = true;
      return async () => {
        await setImmediate(); // a browser lets go of a lock some time after it was told to
        locked = false;
      };
    },
    read: async (path) => kept.get(at(path))?.slice(),
    write: async (path, bytes) => void kept.set(at(path), new Uint8Array(bytes)),
    async append(path, text) {
      const [before = new Uint8Array(), added] = [kept.get(at(path)), new TextEncoder().encode(text)];
      kept.set(at(path), Uint8Array.of(...before, ...added));
    },
    list: async (folder) =>
      [...kept.keys()]
        .filter((name) => name.startsWith(`${at(folder)}/`))
        .map((name) => name.slice(at(folder).length + 1))
        .sort(),
    async rename(path, to) {
      kept.set(at(to), kept.get(at(path)) ?? new Uint8Array());
      kept.delete(at(path));
    },
    async remove(path) {
      for (const name of kept.keys()) if (name === at(path) || name.startsWith(`${at(path)}/`)) kept.delete(name);
    },
    within: (folder) => memoryFiles(kept, `${at(folder)}/`),
    failure: () => undefined,
  };
}

const pictures = clearPictures();
const recipe = smallRecipe(pictures);
const model = createModel(recipe);
const common = {
  ...{ recipe, pictures, source: 'shapes' },
  engine: (options) => createEngine('onnx', { ...options, device: 'cpu' }),
} satisfies Omit<TrainOptions, 'files'>;
const hashIn = async (files: RunFiles): Promise<string> => {
  const checkpoint = await loadNewestCheckpoint(files, model.state, (line) => expect.fail(line));
  expect(checkpoint?.progress.images).toBe(recipe.images);
  return stateHash(checkpoint?.state ?? {});
};
/** What there is to see of a run, but for the lock and for times. */
const seenIn = async (files: RunFiles) => ({
  checkpoints: await files.list(RUN.checkpoints),
  samples: await Promise.all(
    (await files.list(RUN.samples)).map(async (name) => [name, await files.read(`samples/${name}`)]),
  ),
  config: await files.read(RUN.config),
});

test('in memory a run is what it is in a folder: state, file names, configuration, sheets', async () => {
  const [disk, memory] = [folderFiles(join(folder, 'whole')), memoryFiles()];
  for (const files of [disk, memory]) await train({ ...common, files });
  expect(await hashIn(memory)).toBe(await hashIn(disk));
  const seen = await seenIn(memory);
  expect(seen).toEqual(await seenIn(disk));
  expect(seen.samples.length).toBeGreaterThan(2);
});

test('once a training has ended, or was refused, others can lock its files', async () => {
  const files = memoryFiles();
  await train({ ...common, files, signal: AbortSignal.abort() });
  await files.write(`${RUN.checkpoints}/0000000008.safetensors`, new Uint8Array()); // something has been saved
  const other = { ...common, files, recipe: { ...recipe, seed: recipe.seed + 1 } };
  await expect(train(other)).rejects.toThrow('expected the config it was started with');
  await (await files.lock())();
});

test('what measures a run is asked for once nobody else trains there, and not where there is nothing left to train', async () => {
  const files = memoryFiles();
  let asked = 0;
  const quality = async (): Promise<undefined> => {
    asked++;
    await expect(files.lock()).rejects.toThrow('nobody to train there');
    await expect(train({ ...common, files, quality: () => expect.fail('judged by two') })).rejects.toThrow('nobody to');
  };
  await train({ ...common, files, quality });
  expect(asked).toBe(1);
  await train({ ...common, files, quality });
  expect(asked).toBe(1);
  await (await files.lock())();
});

test('a run that is finished is said to be trained already, not to be trained at no speed', async () => {
  const dir = join(folder, 'finished');
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const told = async (): Promise<string> => {
    said.mockClear();
    const engine = { engine: 'onnx', device: 'cpu', why: 'a test' } as const;
    await trainAndTell({ recipe, pictures, source: 'shapes', dir }, { engine, json: false });
    return said.mock.calls.at(-1)?.join() ?? '';
  };
  const first = await told();
  const second = await told();
  said.mockRestore();
  expect(first).toMatch(/^trained on 160 images, [1-9]\d* images\/s; run folder /);
  expect(second).toBe(
    `run folder ${dir}: trained on 160 images already, which is all that is asked for; a larger --images goes on`,
  );
});

test('begun in a folder and ended in memory it is the same to the last bit', async () => {
  const [whole, disk, memory] = [folderFiles(join(folder, 'whole')), folderFiles(join(folder, 'begun')), memoryFiles()];
  const stop = new AbortController();
  const onProgress = ({ images }: { images: number }) => images >= recipe.images / 2 && stop.abort();
  await train({ ...common, files: disk, signal: stop.signal, onProgress });
  for (const name of ['config.json', 'stats.jsonl'])
    await memory.write(name, (await disk.read(name)) ?? new Uint8Array());
  for (const name of await disk.list(RUN.checkpoints))
    await memory.write(`checkpoints/${name}`, (await disk.read(`checkpoints/${name}`)) ?? new Uint8Array());
  await train({ ...common, files: memory });
  expect(await hashIn(memory)).toBe(await hashIn(whole));
});

test('a folder of somebody’s pictures is no place for a run, and a file is none; what file managers leave is nothing', async () => {
  const [own, file, fresh] = ['own', 'file', 'fresh'].map((name) => join(folder, name)) as [string, string, string];
  for (const dir of [own, fresh]) mkdirSync(dir);
  writeFileSync(join(own, 'a.png'), 'a picture');
  writeFileSync(file, '');
  writeFileSync(join(fresh, '.DS_Store'), '');
  const inOwn = `run ${own}: expected a run or a new folder, got one with a.png in it; move that or choose another --out`;
  await expect(train({ ...common, files: folderFiles(own) })).rejects.toThrow(inOwn);
  expect(readdirSync(own)).toEqual(['a.png']);
  await expect(folderFiles(file).lock()).rejects.toThrow(
    `run ${file}: expected a run or a new folder, got a file; choose another --out`,
  );
  (await folderFiles(fresh).lock())();
  (await folderFiles(fresh).lock())(); // where a training was killed before its config.json
  // The command says so before it reads any pictures.
  await expect(runTraining({ data: '/nowhere', out: own, engine: 'onnx' })).rejects.toThrow(inOwn);
});
