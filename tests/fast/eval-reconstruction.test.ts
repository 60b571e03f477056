// Numbers of reconstructions on pictures and latents whose numbers are known, and where people read them.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EvalResult } from '../../cli/commands/eval.ts';
import { evaluationTable } from '../../cli/eval-table.ts';
import { parseManifest } from '../../contract/manifest.ts';
import { modelCard } from '../../export/card.ts';
import { pictureErrors, posteriorNumbers } from '../../train/eval/reconstruction.ts';

const flat = (levels: readonly number[], size = 16): Uint8Array =>
  Uint8Array.from({ length: size * size * levels.length }, (_, i) => levels[i % levels.length] ?? 0);
const set = (pixels: Uint8Array, channels: number, count = 1) => ({ width: 16, height: 16, channels, count, pixels });

test('two flat pictures ten levels apart have the error, PSNR and SSIM that follow from it', () => {
  const { l1, psnr, ssim, pictures } = pictureErrors(set(flat([100]), 1), flat([110]));
  expect(pictures).toBe(1);
  expect(l1).toBeCloseTo(10 / 255, 10);
  expect(psnr).toBeCloseTo(20 * Math.log10(255 / 10), 10);
  // Wang et al. 2004, eq. 13, where nothing varies: (2xy + C₁) / (x² + y² + C₁), C₁ = (0.01 · 255)².
  const c1 = 2.55 ** 2;
  expect(ssim).toBeCloseTo((2 * 100 * 110 + c1) / (100 ** 2 + 110 ** 2 + c1), 6);
});

test('numbers are means over pictures, of every channel, and one drawn again exactly has no endless PSNR', () => {
  const red = Uint8Array.from([...flat([255, 0, 0]), ...flat([255, 0, 0])]);
  const again = Uint8Array.from([...flat([255, 0, 0]), ...flat([252, 0, 0])]);
  const { l1, psnr, ssim } = pictureErrors(set(red, 3, 2), again);
  expect(l1).toBeCloseTo(3 / 255 / 6, 10);
  expect(psnr).toBeCloseTo((99 + 10 * Math.log10((255 ** 2 * 3) / 9)) / 2, 10);
  expect(ssim).toBeGreaterThan(0.99);
  expect(ssim).toBeLessThan(1);
});

test('a transparent picture is compared on white: nothing is white, and black is not', () => {
  const [nothing, white, black] = [flat([0, 0, 0, 0]), flat([255, 255, 255, 255]), flat([0, 0, 0, 255])];
  expect(pictureErrors(set(nothing, 4), white).ssim).toBeCloseTo(1, 10);
  expect(pictureErrors(set(nothing, 4), black).ssim).toBeLessThan(0.01);
});

test('rate and active units are those of latents that are known', () => {
  // Two pictures of three numbers: one says +1 or −1 with variance ¼, one always ½ with variance 1, one nothing.
  const mean = Float32Array.of(1, 0.5, 0, -1, 0.5, 0);
  const v = Math.log(0.25);
  const { rate, activeUnits } = posteriorNumbers({
    latent: 3,
    mean,
    logVariance: Float32Array.of(v, 0, 0, v, 0, 0),
  });
  expect(rate).toBeCloseTo(((1 + 0.25 - v - 1) / 2 + 0.125) / Math.LN2, 6);
  expect(activeUnits).toBe(1);
});

test('the table and the model card show them, and nothing of them for a model without an encoder', () => {
  const manifest = parseManifest(JSON.parse(readFileSync('models/fashion-gan/model.json', 'utf8')));
  const [evaluation] = manifest.metrics?.evaluations ?? [];
  if (!evaluation) throw new Error('expected a measured model');
  const { reconstruction: _, ...without } = evaluation;
  const reconstruction = {
    ...{ pictures: 5000, l1: 0.0412, psnr: 19.87, ssim: 0.7654 },
    ...{ classKept: 0.8765, classOfPictures: 0.9293, rate: 61.2, activeUnits: 37 },
  };
  const told = (one: object): string => evaluationTable(one as unknown as EvalResult);
  for (const text of ['PSNR', '19.87', '0.7654', '0.8765', '61.2', 'active units']) {
    expect(told({ ...without, reconstruction })).toContain(text);
    expect(told(without)).not.toContain(text);
  }
  const card = (one: typeof evaluation): string =>
    modelCard({ ...manifest, metrics: { history: [], snapshots: [], evaluations: [one] } });
  for (const text of ['19.87', '0.7654', '| the same: class kept | 0.8765 | 0.9293 |'])
    expect(card({ ...without, dtype: 'int8', reconstruction })).toContain(text);
  expect(card({ ...without, dtype: 'int8' })).not.toContain('drawn again: PSNR');
});
