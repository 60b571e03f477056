// What a bundle tells of its quality: the training history, taken from the run, and evaluations, written in afterwards.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BundleMetrics,
  type Evaluation,
  type HistoryPoint,
  parseManifest,
  type Snapshot,
} from '../contract/manifest.ts';
import { decodePng, encodePng } from '../contract/png.ts';
import { writeAtomically } from '../train/store/checkpoint.ts';
import { listSamples, type RunFolder, readStats } from '../train/store/run-folder.ts';
import { modelCard } from './card.ts';

/** The page shows them side by side; ten grey pictures of 28x28 each, or as many larger ones as take that many bytes. */
const SNAPSHOTS = 8;
const SNAPSHOT_BYTES = 10 * 28 * 28;

/** What a check's line of stats.jsonl has for the bundle; a set of pictures may allow only some of it. */
const NUMBERS = [
  'fid',
  'kid',
  'kidLow',
  'kidHigh',
  'precision',
  'recall',
  'coverage',
  'nearCopies',
  'ganTest',
] as const satisfies (keyof HistoryPoint)[];

/** What was measured of a run up to so many images. */
export function measuredHistory(run: RunFolder, imagesSeen = Number.POSITIVE_INFINITY): HistoryPoint[] {
  return readStats(run).flatMap(({ images, metrics = {} }) => {
    const numbers = NUMBERS.filter((name) => typeof metrics[name] === 'number').map((name) => [name, metrics[name]]);
    if (numbers.length === 0 || images > imagesSeen) return [];
    return [{ images, ...(Object.fromEntries(numbers) as Omit<HistoryPoint, 'images'>) }];
  });
}

/** Checks and pictures of a run up to the snapshot that is exported. */
export function trainingHistory(run: RunFolder, imagesSeen: number, resolution: number): BundleMetrics {
  const history = measuredHistory(run, imagesSeen);
  const samples = listSamples(run).filter(({ images }) => images <= imagesSeen);
  const snapshots = geometric(samples, SNAPSHOTS).map(({ images, file }) => ({
    images,
    png: firstPictures(readFileSync(join(run.samples, file)), resolution),
  }));
  return { history, snapshots, evaluations: [] };
}

/** The first, the last and those between whose numbers of images grow by about the same factor. */
function geometric<T extends { images: number }>(samples: readonly T[], count: number): T[] {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return [];
  const factor = (last.images / first.images) ** (1 / (count - 1));
  const wanted = Array.from({ length: count }, (_, i) => first.images * factor ** i);
  const nearest = wanted.map((images) =>
    samples.reduce((best, sample) =>
      Math.abs(Math.log(sample.images / images)) < Math.abs(Math.log(best.images / images)) ? sample : best,
    ),
  );
  return [...new Set(nearest)];
}

/** The start of a contact sheet's first row, as PNG in base64. */
function firstPictures(sheet: Uint8Array, resolution: number): Snapshot['png'] {
  const { width, channels, data } = decodePng(sheet);
  const most = Math.max(1, Math.floor(SNAPSHOT_BYTES / (resolution ** 2 * channels)));
  const kept = Math.min(width, most * (resolution + 1) - 1); // a pixel between pictures
  const rows = Array.from({ length: resolution }, (_, y) =>
    data.subarray(y * width * channels, (y * width + kept) * channels),
  );
  const cropped = { width: kept, height: resolution, channels, data: new Uint8Array(Buffer.concat(rows)) };
  return Buffer.from(encodePng(cropped)).toString('base64');
}

/** Writes what was measured of one variant into the bundle and its card, in place of an earlier measurement. */
export function recordEvaluation(bundle: string, evaluation: Evaluation): void {
  const path = join(bundle, 'model.json');
  const manifest = parseManifest(JSON.parse(readFileSync(path, 'utf8')));
  const { history = [], snapshots = [], evaluations = [] } = manifest.metrics ?? {};
  const others = evaluations.filter(({ dtype }) => dtype !== evaluation.dtype);
  const updated = { ...manifest, metrics: { history, snapshots, evaluations: [...others, evaluation] } };
  writeAtomically(path, `${JSON.stringify(updated, null, 2)}\n`);
  writeAtomically(join(bundle, 'MODEL_CARD.md'), modelCard(updated));
}
