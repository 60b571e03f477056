// What a bundle tells of its training: the checks, and what the same seeds drew on the way.
import { base64 } from '../contract/base64.ts';
import type { BundleMetrics, HistoryPoint, Snapshot } from '../contract/manifest.ts';
import { decodePng, encodePng } from '../contract/png.ts';
import { RUN, type RunFiles } from '../train/store/files.ts';
import { listSamples, readStats } from '../train/store/run.ts';

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
export async function measuredHistory(run: RunFiles, imagesSeen = Number.POSITIVE_INFINITY): Promise<HistoryPoint[]> {
  return (await readStats(run)).flatMap(({ images, metrics = {} }) => {
    const numbers = NUMBERS.filter((name) => typeof metrics[name] === 'number').map((name) => [name, metrics[name]]);
    if (numbers.length === 0 || images > imagesSeen) return [];
    return [{ images, ...(Object.fromEntries(numbers) as Omit<HistoryPoint, 'images'>) }];
  });
}

/** Checks and pictures of a run up to the snapshot that is exported. */
export async function trainingHistory(run: RunFiles, imagesSeen: number, resolution: number): Promise<BundleMetrics> {
  const history = await measuredHistory(run, imagesSeen);
  const samples = (await listSamples(run)).filter(({ images }) => images <= imagesSeen);
  const snapshots: Snapshot[] = [];
  for (const { images, file } of geometric(samples, SNAPSHOTS)) {
    const sheet = await run.read(`${RUN.samples}/${file}`);
    if (sheet) snapshots.push({ images, png: firstPictures(sheet, resolution) });
  }
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
  const cropped = new Uint8Array(kept * resolution * channels);
  for (let y = 0; y < resolution; y++)
    cropped.set(data.subarray(y * width * channels, (y * width + kept) * channels), y * kept * channels);
  return base64(encodePng({ width: kept, height: resolution, channels, data: cropped }));
}
