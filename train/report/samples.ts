// Pictures of a run while it trains: the same seeds every time, through the same contract that serves them later.
import { join } from 'node:path';
import { latentOf, oneHot } from '../../contract/latent.ts';
import { contactSheet, type Picture } from '../../contract/picture.ts';
import { pictureOf, toLevel } from '../../contract/pixels.ts';
import { encodePng } from '../../contract/png.ts';
import { type PictureSet, spreadPictures } from '../data/index.ts';
import type { TrainingEngine } from '../engines/engine.ts';
import type { NetworkSpec } from '../nn/spec.ts';
import { writeAtomically } from '../store/checkpoint.ts';
import { type RunFolder, sheetFile } from '../store/run-folder.ts';

const COLUMNS = 10;
const ROWS = 8;

/** [n, h, w, c] in [-1, 1] → 8-bit pictures, rounded as the contract rounds. */
export function picturesOf(values: Float32Array, { resolution, channels }: NetworkSpec): Picture[] {
  const size = resolution * resolution * channels;
  return Array.from({ length: values.length / size }, (_, i) =>
    pictureOf(Uint8Array.from(values.subarray(i * size, (i + 1) * size), toLevel), {
      width: resolution,
      height: resolution,
      channels,
    }),
  );
}

/** A grid of the averaged generator: one column a class (the first ten), one seed a row. */
export async function writeSamples(
  engine: TrainingEngine,
  spec: NetworkSpec,
  run: RunFolder,
  images: number,
): Promise<void> {
  const columns = spec.classes > 0 ? Math.min(COLUMNS, spec.classes) : COLUMNS;
  const latent = new Float32Array(ROWS * columns * spec.latent);
  const classes = new Float32Array(ROWS * columns * spec.classes);
  for (let i = 0; i < ROWS * columns; i++) {
    const seed = spec.classes > 0 ? Math.floor(i / columns) : i;
    latent.set(latentOf(seed, spec.latent), i * spec.latent);
    if (spec.classes > 0) classes.set(oneHot(i % columns, spec.classes), i * spec.classes);
  }
  const values = await engine.generate(latent, spec.classes > 0 ? classes : undefined);
  const sheet = contactSheet(picturesOf(values, spec), columns, 1);
  writeAtomically(join(run.samples, sheetFile(images, 'seeds')), encodePng(sheet));
}

const PAIRS_OF_ROWS = 4;

/** Held-out pictures, each row above what encoder and generator draw of it again. */
export async function writeReconstructions(
  engine: TrainingEngine,
  spec: NetworkSpec,
  run: RunFolder,
  images: number,
  heldOut: PictureSet,
): Promise<void> {
  const { count, pixels, labels } = spreadPictures(heldOut, COLUMNS * PAIRS_OF_ROWS);
  if (count === 0) return;
  const pictures = Float32Array.from(pixels, (level) => level / 127.5 - 1);
  const classes =
    spec.classes > 0 ? Float32Array.from([...labels].flatMap((label) => [...oneHot(label, spec.classes)])) : undefined;
  const again = picturesOf(await engine.generate(await engine.encode(pictures, classes), classes), spec);
  const real = picturesOf(pictures, spec);
  const rows = Array.from({ length: Math.floor(count / COLUMNS) || 1 }, (_, row) => [
    row * COLUMNS,
    (row + 1) * COLUMNS,
  ]);
  const sheet = contactSheet(
    rows.flatMap(([from, to]) => [...real.slice(from, to), ...again.slice(from, to)]),
    Math.min(COLUMNS, count),
    1,
  );
  writeAtomically(join(run.samples, sheetFile(images, 'again')), encodePng(sheet));
}
