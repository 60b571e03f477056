// Pictures of a run while it trains: the same seeds every time, through the same contract that serves them later.
import { latentOf, oneHot } from '../../contract/latent.ts';
import { contactSheet, type Picture } from '../../contract/picture.ts';
import { pictureOf, toLevel } from '../../contract/pixels.ts';
import { encodePng } from '../../contract/png.ts';
import { spreadPictures } from '../data/picture-set.ts';
import type { PictureSet } from '../data/types.ts';
import type { TrainingEngine } from '../engines/engine.ts';
import type { NetworkSpec } from '../nn/spec.ts';
import { RUN, type RunFiles } from '../store/files.ts';
import { sheetFile } from '../store/run.ts';

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

/** Pictures of the averaged generator for a grid: one column a class (the first ten), one seed a row. */
export async function drawSamples(
  engine: TrainingEngine,
  spec: NetworkSpec,
): Promise<{ pictures: Picture[]; columns: number }> {
  const columns = spec.classes > 0 ? Math.min(COLUMNS, spec.classes) : COLUMNS;
  const latent = new Float32Array(ROWS * columns * spec.latent);
  const classes = new Float32Array(ROWS * columns * spec.classes);
  for (let i = 0; i < ROWS * columns; i++) {
    const seed = spec.classes > 0 ? Math.floor(i / columns) : i;
    latent.set(latentOf(seed, spec.latent), i * spec.latent);
    if (spec.classes > 0) classes.set(oneHot(i % columns, spec.classes), i * spec.classes);
  }
  const values = await engine.generate(latent, spec.classes > 0 ? classes : undefined);
  return { pictures: picturesOf(values, spec), columns };
}

export async function writeSamples(
  engine: TrainingEngine,
  spec: NetworkSpec,
  files: RunFiles,
  images: number,
): Promise<void> {
  const { pictures, columns } = await drawSamples(engine, spec);
  await files.write(`${RUN.samples}/${sheetFile(images, 'seeds')}`, encodePng(contactSheet(pictures, columns, 1)));
}

const PAIRS_OF_ROWS = 4;

/** Held-out pictures, each row above what encoder and generator draw of it again. */
export async function writeReconstructions(
  engine: TrainingEngine,
  spec: NetworkSpec,
  files: RunFiles,
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
  await files.write(`${RUN.samples}/${sheetFile(images, 'again')}`, encodePng(sheet));
}
