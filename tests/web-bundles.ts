// Bundles of any size, ground and classes for the page's tests: their pictures are a soft disc of colour
// that moves with the latent, on the ground that a trained model of such pictures would draw.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { zipSync } from 'fflate';
import type { BundleMetrics, Manifest } from '../contract/manifest.ts';
import { randomNormals } from '../contract/random.ts';
import { writeDense } from './dense-bundle.ts';

export interface TestBundle {
  name: string;
  title?: string;
  size: number;
  channels: 1 | 3 | 4;
  /** The family it says it is of. */
  kind?: string;
  /** What the disc lies on; `none`: colour up to the edge. RGBA is transparent around it whatever this says. */
  ground?: 'white' | 'black' | 'none';
  classes?: string[];
  /** Two of different numbers have different weights, as two snapshots of one training. */
  version?: number;
  imagesSeen?: number;
  metrics?: BundleMetrics;
}

const LATENT = 8;

/** tanh of it is the picture: [rows, channels × size × size] weights and as many biases. */
function numbersOf({ size, channels, ground = 'white', classes = [], version = 1 }: TestBundle) {
  const rows = LATENT + classes.length;
  const plane = size * size;
  const waves = randomNormals(version, 7, 0, rows * channels * 3);
  const weights = new Float32Array(rows * channels * plane);
  const bias = new Float32Array(channels * plane);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const [u, v] = [(x + 0.5) / size - 0.5, (y + 0.5) / size - 0.5];
      const inside = ground === 'none' && channels !== 4 ? 1 : Math.max(0, Math.min(1, (0.36 - Math.hypot(u, v)) * 20));
      for (let c = 0; c < channels; c++) {
        const at = c * plane + y * size + x;
        const alpha = channels === 4 && c === 3;
        const around = channels === 4 || ground === 'black' ? -5 : 5;
        bias[at] = (1 - inside) * around + (alpha ? inside * 5 : 0);
        for (let row = 0; row < rows && !alpha; row++) {
          const [a = 0, b = 0, phase = 0] = waves.subarray((row * channels + c) * 3);
          weights[row * channels * plane + at] = 0.9 * inside * Math.sin(6 * (a * u + b * v) + phase);
        }
      }
    }
  return { weights, bias };
}

/** Writes the bundle into `models`/name; returns its manifest and the hash of its model.json. */
export function writeBundle(models: string, bundle: TestBundle): Promise<{ manifest: Manifest; sha256: string }> {
  const { name, title = name, size, channels, kind = 'gan', classes = [], imagesSeen = 0, metrics } = bundle;
  return writeDense(models, {
    ...{ name, title, kind, latent: LATENT, classes, ...numbersOf(bundle) },
    image: { width: size, height: size, channels },
    ...{ defaultTruncation: 1, imagesSeen, metrics },
  });
}

/** A zip of a bundle's folder, with some of its files replaced. */
export function zipOf(folder: string, instead: Record<string, Uint8Array> = {}): Uint8Array {
  const files = readdirSync(folder).map((name) => [
    `${basename(folder)}/${name}`,
    instead[name] ?? new Uint8Array(readFileSync(join(folder, name))),
  ]);
  return zipSync(Object.fromEntries(files));
}
