// The shipped model is as good, as small and as honest as its card says: measured anew on held-out pictures.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EvalResult } from '../../cli/commands/eval.ts';
import { type Evaluation, parseManifest } from '../../contract/manifest.ts';
import { readNetwork } from '../../web/files/network.ts';

const BUNDLE = 'models/fashion-gan';
const manifest = parseManifest(JSON.parse(readFileSync(`${BUNDLE}/model.json`, 'utf8')));
const recorded = manifest.metrics?.evaluations as (Evaluation & Omit<EvalResult, 'model' | 'seconds'>)[];

test('every variant has its quality on record, and the model its training', () => {
  expect(recorded.map(({ dtype }) => dtype).sort()).toEqual(['fp16', 'fp32', 'int8']);
  expect(manifest.training.preset).toBe('fashion-gan');
  expect(manifest.training.imagesSeen).toBeGreaterThan(1_000_000);
  expect(manifest.metrics?.history.length).toBeGreaterThan(10);
  expect(manifest.metrics?.snapshots.length).toBeGreaterThan(4);
});

test('the generator has at most 1.5 million parameters, its fp16 file at most 2 MB', () => {
  for (const { path, variant, bytes } of manifest.files) {
    const { parameters } = readNetwork(new Uint8Array(readFileSync(`${BUNDLE}/${path}`)));
    expect({ variant, few: parameters <= 1_500_000 }).toEqual({ variant, few: true });
    if (variant === 'fp16') expect(bytes).toBeLessThanOrEqual(2_000_000);
  }
});

test('pocketgen eval measures what is on record', () => {
  const args = ['bin/pocketgen.mjs', 'eval', BUNDLE, '--json', '--no-gan-train'];
  const measured = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as EvalResult;
  const record = recorded.find(({ dtype }) => dtype === manifest.defaultVariant);
  const { generated, real, dataset } = measured;
  const [fid = Number.NaN, realFid = Number.NaN] = [generated.fid, real.fid];
  console.log(
    `shipped-model: FID ${fid.toFixed(3)} (real ${realFid.toFixed(3)}), recall ${generated.recall.toFixed(3)}, ` +
      `GAN-test ${generated.ganTest?.toFixed(4)} (real ${real.ganTest?.toFixed(4)})`,
  );
  // Its encoder brings held-out pictures back in their class.
  const { psnr = 0, classKept = 0 } = measured.reconstruction ?? {};
  expect(classKept).toBeGreaterThan(0.85);
  expect(Math.abs(psnr - (record?.reconstruction?.psnr ?? 0))).toBeLessThan(0.2);
  if (dataset.heldOut !== record?.dataset.heldOut) {
    // Only the embedded pictures here, a fifth of the official held-out ones: the same within what so few can tell.
    expect(dataset.heldOutPictures).toBe(2000);
    expect(fid).toBeLessThan(3 * realFid);
    expect(Math.abs((generated.ganTest ?? 0) - (record?.generated.ganTest ?? 0))).toBeLessThan(0.03);
    expect(generated.recall).toBeGreaterThan(0.5);
    return;
  }
  // Processors round differently, so a few pictures of thousands differ by a level.
  expect(Math.abs(fid - (record?.generated.fid ?? 0))).toBeLessThan(0.02);
  expect(Math.abs((generated.ganTest ?? 0) - (record?.generated.ganTest ?? 0))).toBeLessThan(0.002);
  expect(Math.abs(generated.recall - (record?.generated.recall ?? 0))).toBeLessThan(0.01);
});

test('the goals: recall, distance, clear classes, and a classifier that learned from generated pictures alone', () => {
  for (const { generated, real, judge, protocol, ganTrain } of recorded) {
    expect(protocol.truncation).toBe(manifest.defaultTruncation);
    expect(judge.accuracy).toBeGreaterThanOrEqual(0.92);
    expect(generated.ganTest).toBeGreaterThanOrEqual(judge.accuracy ?? 1);
    expect((ganTrain?.real ?? 1) - (ganTrain?.generated ?? 0)).toBeLessThanOrEqual(0.06);
    expect(generated.recall).toBeGreaterThanOrEqual(0.5);
    expect(generated.fid).toBeLessThanOrEqual(10 * (real.fid ?? Number.NaN));
  }
});
