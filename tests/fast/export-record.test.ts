// What a bundle tells of its quality: history and pictures taken from a run, evaluations written in afterwards.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseManifest } from '../../contract/manifest.ts';
import { contactSheet, type Picture } from '../../contract/picture.ts';
import { decodePng, encodePng } from '../../contract/png.ts';
import { modelCard } from '../../export/card.ts';
import { trainingHistory } from '../../export/history.ts';
import { readManifest } from '../../export/open.ts';
import { recordEvaluation } from '../../export/record.ts';
import { folderFiles } from '../../train/store/folder.ts';

const flat = (level: number, size: number, channels: number): Picture => ({
  width: size,
  height: size,
  channels,
  data: new Uint8Array(size * size * channels).fill(level),
});

function runWith(sizes: { size: number; channels: number }, images: number[]): string {
  const run = mkdtempSync(join(tmpdir(), 'pocketgen-record-'));
  mkdirSync(join(run, 'samples'));
  for (const [i, seen] of images.entries()) {
    const pictures = Array.from({ length: 80 }, (_, k) => flat(k < 10 ? i * 10 + k : 255, sizes.size, sizes.channels));
    writeFileSync(
      join(run, 'samples', `${String(seen).padStart(10, '0')}.png`),
      encodePng(contactSheet(pictures, 10, 1)),
    );
  }
  return run;
}

test('history and snapshots go up to the images of the exported snapshot, snapshots by growing steps', async () => {
  const images = [100, 200, 400, 800, 1600, 2000, 2400, 2800, 3200, 3600, 4000, 6400, 12_800, 25_600];
  const run = runWith({ size: 28, channels: 1 }, images);
  const line = (seen: number, more: object) => JSON.stringify({ images: seen, ...more });
  const metrics = (fid: number) => ({ metrics: { fid, kid: 0.1, precision: 0.5, recall: 0.4, samples: 5000 } });
  writeFileSync(
    join(run, 'stats.jsonl'),
    [line(100, { lossD: 1 }), line(200, metrics(9)), line(400, metrics(4)), line(25_600, metrics(5)), '{"half'].join(
      '\n',
    ),
  );
  const { history, snapshots, evaluations } = await trainingHistory(folderFiles(run), 12_800, 28);
  expect(history).toEqual([
    { images: 200, fid: 9, kid: 0.1, precision: 0.5, recall: 0.4 },
    { images: 400, fid: 4, kid: 0.1, precision: 0.5, recall: 0.4 },
  ]);
  expect(snapshots.map((one) => one.images)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800]);
  expect(evaluations).toEqual([]);
  const third = decodePng(Buffer.from(snapshots[2]?.png ?? '', 'base64'));
  expect([third.width, third.height]).toEqual([10 * 28 + 9, 28]);
  expect(Array.from({ length: 10 }, (_, k) => third.data[k * 29])).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
});

test('a check without FID is history too, by the numbers that it has', async () => {
  const run = runWith({ size: 28, channels: 1 }, [100]);
  const numbers = { kid: 0.2, kidLow: 0.1, kidHigh: 0.3, coverage: 0.4, nearCopies: 0.01 };
  writeFileSync(
    join(run, 'stats.jsonl'),
    JSON.stringify({ images: 100, metrics: { ...numbers, samples: 500, note: 'x' } }),
  );
  expect((await trainingHistory(folderFiles(run), 100, 28)).history).toEqual([{ images: 100, ...numbers }]);
});

test('large colour pictures are fewer, so that a manifest stays small', async () => {
  const run = runWith({ size: 64, channels: 3 }, [1000]);
  const [only] = (await trainingHistory(folderFiles(run), 1000, 64)).snapshots;
  const picture = decodePng(Buffer.from(only?.png ?? '', 'base64'));
  expect([picture.width, picture.height, picture.channels]).toEqual([64, 64, 3]);
});

test('an evaluation is written into model.json and the model card, in place of an earlier one of that variant', () => {
  const bundle = join(mkdtempSync(join(tmpdir(), 'pocketgen-record-')), 'fashion-gan');
  cpSync('models/fashion-gan', bundle, { recursive: true });
  const { metrics: _, ...unmeasured } = JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8'));
  writeFileSync(join(bundle, 'model.json'), JSON.stringify(unmeasured));
  const measured = (fid: number) => ({
    judge: { accuracy: 0.93 },
    protocol: { referenceSamples: 5000, truncation: 1 },
    generated: { samples: 5000, fid },
    real: { fid: 0.35 },
  });
  recordEvaluation(bundle, { dtype: 'fp16', ...measured(3.25) });
  recordEvaluation(bundle, { dtype: 'int8', ...measured(3.5) });
  recordEvaluation(bundle, { dtype: 'fp16', ...measured(2.125) });
  const manifest = parseManifest(JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8')));
  const recorded = manifest.metrics?.evaluations;
  expect(recorded?.map(({ dtype, generated }) => [dtype, (generated as { fid: number }).fid])).toEqual([
    ['int8', 3.5],
    ['fp16', 2.125],
  ]);
  const card = readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8');
  expect(card).toMatch(/\| FID \(own features\) \|.* 3\.500 \| 2\.125 \| 0\.350 \|/);
  expect(card).toContain('right on 93.00 %');
});

test('the card of a small set has its interval, copies and fine detail, and says that training pictures are the comparison', () => {
  const bundle = join(mkdtempSync(join(tmpdir(), 'pocketgen-record-')), 'fashion-gan');
  cpSync('models/fashion-gan', bundle, { recursive: true });
  const { metrics: _, ...unmeasured } = JSON.parse(readFileSync(join(bundle, 'model.json'), 'utf8'));
  writeFileSync(join(bundle, 'model.json'), JSON.stringify(unmeasured));
  recordEvaluation(bundle, {
    dtype: 'int8',
    judge: { accuracy: 0.77 },
    protocol: { referenceSamples: 376, truncation: 1 },
    generated: {
      samples: 2000,
      kid: 0.05,
      kidLow: 0.03,
      kidHigh: 0.07,
      nearCopies: 0.002,
      nyquist: 1.8,
      upperThird: -0.3,
    },
    reconstruction: { classOfPictures: 0.9 },
    real: { kid: -0.001, kidLow: -0.02, kidHigh: 0.02, nearCopies: 0, nyquist: -0.4, upperThird: 0.2 },
  });
  const card = readFileSync(join(bundle, 'MODEL_CARD.md'), 'utf8');
  expect(card).toContain(
    '376 held-out real ones that training never saw; the last column is what training pictures\nscore',
  );
  expect(card).toContain('| KID, 95 % to | 0.07000 | 0.02000 |');
  expect(card).toContain('| near copies of training pictures | 0.002 | 0.000 |');
  expect(card).toContain('| power of a one-pixel checkerboard over real pictures, dB | 1.80 | -0.40 |');
  expect(card).not.toContain('FID (own');
  // What only real pictures have a number for is no row.
  expect(card).not.toContain('lower half drawn anew');
});

test('a line break in a title or in the name of a class breaks neither the heading of the card nor its list', () => {
  const manifest = readManifest('models/fashion-gan');
  const card = modelCard({ ...manifest, title: 'two\nlines', classes: ['ca\nts', 'dogs\u001b'] });
  expect(card).toContain('# two?lines\n\n');
  expect(card).toContain('one of 2 classes: ca?ts, dogs?\n- **');
});
