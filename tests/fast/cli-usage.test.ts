// Mistakes in a command line: one sentence each, in the form of every other error, before any work is done.
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { seedList } from '../../cli/bundle-options.ts';
import { registerComplete } from '../../cli/commands/complete.ts';
import { registerDataset } from '../../cli/commands/dataset.ts';
import { registerReport } from '../../cli/commands/report.ts';
import { registerSample } from '../../cli/commands/sample.ts';
import { registerServe } from '../../cli/commands/serve.ts';
import { registerTrain } from '../../cli/commands/train.ts';
import { checkPictures } from '../../cli/data-options.ts';
import { truncation } from '../../cli/numbers.ts';
import { checkSheet } from '../../cli/sheet.ts';
import { tellUsage } from '../../cli/usage.ts';
import { UserError } from '../../contract/errors.ts';
import { parseSeed } from '../../contract/latent.ts';

async function said(line: string): Promise<string> {
  const program = new Command('pocketgen');
  registerComplete(program.command('complete'));
  registerDataset(program.command('dataset'));
  registerReport(program.command('report'));
  registerSample(program.command('sample'));
  registerServe(program.command('serve'));
  registerTrain(program.command('train'));
  tellUsage(program);
  const error = await program.parseAsync(line.split(' '), { from: 'user' }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  return error.message;
}

test.each([
  ['train --images -5', '--images: expected a whole number from 1, got -5; see pocketgen train --help'],
  ['train --images 0', '--images: expected a whole number from 1, got 0; see pocketgen train --help'],
  ['train --batch 1.5', '--batch: expected a whole number from 1, got 1.5; see pocketgen train --help'],
  [
    'train --seed 4294967296',
    '--seed: expected a whole number from 0 to 4294967295, got 4294967296; see pocketgen train --help',
  ],
  ['train --minutes 0', '--minutes: expected a number above 0, got 0; see pocketgen train --help'],
  ['train --engine gpu', '--engine: expected one of auto, onnx, tensorflow, tfjs, got gpu; see pocketgen train --help'],
  ['serve --port 65536', '--port: expected a whole number from 0 to 65535, got 65536; see pocketgen serve --help'],
  [
    'sample a --out x.png --scale 33',
    '--scale: expected a whole number from 1 to 32, got 33; see pocketgen sample --help',
  ],
  [
    'sample a --out x.png --truncation 0',
    '--truncation: expected a number above 0, at most 1, got 0; see pocketgen sample --help',
  ],
  [
    'sample a --out x.png --seeds 1 --seed 3',
    '--seeds: expected it without --seed, got both; leave one of them out; see pocketgen sample --help',
  ],
  [
    'sample a --out x.png --sed 3',
    '--sed: expected a known option, got another; did you mean --seed?; see pocketgen sample --help',
  ],
  ['sample --out x.png', 'bundle: expected one, got none; see pocketgen sample --help'],
  ['sample a b --out x.png', 'arguments: expected 1, got 2; see pocketgen sample --help'],
  ['sample a', '--out: expected it, got none; see pocketgen sample --help'],
  ['complete a b -o', '--out: expected a value, got none; see pocketgen complete --help'],
  [
    'dataset preview a --columns 0',
    '--columns: expected a whole number from 1 to 100, got 0; see pocketgen dataset preview --help',
  ],
  ['smaple', 'smaple: expected a known command, got another; did you mean sample?; see pocketgen --help'],
])('%s', async (line, sentence) => {
  expect(await said(line)).toBe(sentence);
});

test.each([
  ['train --data /nowhere --beta2 1.5', 'recipe beta2.from: expected a number of at most 0.9999, got 1.5'],
  ['train --data /nowhere --width 2000', 'recipe network.width: expected a number of at most 1024, got 2000'],
  ['train --data /nowhere --family transformer --batch 1', 'recipe batch: expected a number of at least 2, got 1'],
  ['train --data /nowhere --rate 2', 'rate: expected family vae with it, got gan, which has none; leave it out'],
])('what no pictures could make right is told before they are read: %s', async (line, sentence) => {
  expect(await said(line)).toBe(sentence);
});

test('of a report, what is wrong is told of the run or the option, not of a file that was never written', async () => {
  expect(await said('report /nowhere')).toMatch(/^run \/nowhere: expected a run folder with config\.json, got none/);
  expect(await said('report /nowhere --port 1')).toBe(
    '--port: expected --watch with it, got none; nothing is served without it',
  );
});

test('of own pictures a bundle knows only the name: which folder to name is said', () => {
  const dataset = { name: 'fluent3d', source: 'fluent3d' };
  expect(() => checkPictures('models/emoji-gan', dataset, undefined)).toThrow(
    '--data: expected the folder of pictures that models/emoji-gan was trained on (fluent3d), got none; name it',
  );
  checkPictures('models/emoji-gan', dataset, 'pictures');
  checkPictures('runs/quick', { name: 'fashion-mnist', source: 'fashion-mnist' }, undefined);
});

test('seeds and truncations are those of the API', () => {
  expect(seedList('5-3, 9')).toEqual([5, 4, 3, 9]);
  expect(seedList('ada,1-9999999999')).toEqual([parseSeed('ada'), parseSeed('1-9999999999')]);
  expect(() => seedList('1-4097')).toThrow('seeds: expected at most 4096, got 4097');
  expect([truncation('0.001'), truncation('1')]).toEqual([0.001, 1]);
});

test('a sheet is as large as viewers open, and what is larger is told before it is drawn', () => {
  const size = { width: 32, height: 32 };
  checkSheet(4096, { columns: 64, scale: 4 }, size);
  expect(() => checkSheet(4096, { columns: 8, scale: 32 }, size)).toThrow(
    'sheet: expected at most 67,108,864 pixels, got 8192x524288; take a smaller --scale or fewer --seeds',
  );
});
