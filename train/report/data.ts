// What a report shows, read from a run folder; everything but the pictures, which are named here and fetched or inlined.
import { resolve } from 'node:path';
import { folderFiles } from '../store/folder.ts';
import { listSamples, readConfig, readStats, type Sheet } from '../store/run.ts';

export interface ReportData {
  title: string;
  note: string;
  imagesInAll: number;
  /** [name, value], flattened: `network.width`, `48`. */
  config: [string, string][];
  /** Columns of stats.jsonl over images; a missing value is null. */
  training: Columns;
  metrics: Columns;
  /** What the same metrics say of real pictures. */
  real: Record<string, number>;
  /** Oldest first. */
  samples: { images: number; source: string }[];
  /** Held-out pictures above what the model draws of them again, likewise. */
  again: { images: number; source: string }[];
  walks: { label: string; source: string }[];
  /** Picture of the generated pictures nearest to training pictures, above those; see train/eval/memorisation.ts. */
  neighbours?: string;
}

export interface Columns {
  images: number[];
  series: Record<string, (number | null)[]>;
}

/** `samples` carry file names as their source. */
export async function readReport(dir: string): Promise<ReportData> {
  const files = folderFiles(dir);
  const { recipe, dataset } = await readConfig(files);
  const lines = await readStats(files);
  const { preset, ...rest } = recipe;
  const sheets = async (sheet: Sheet) =>
    (await listSamples(files, sheet)).map(({ images, file }) => ({ images, source: file }));
  return {
    title: `${preset} · ${resolve(dir).split(/[\\/]/).at(-1)}`,
    note: dataset.note,
    imagesInAll: recipe.images,
    config: flatten({ preset, ...rest, data: dataset.source, pictures: dataset.count, dataSha256: dataset.sha256 }),
    training: columnsOf(lines.filter((line) => !line.metrics).map(({ images, ...values }) => ({ images, values }))),
    metrics: columnsOf(lines.flatMap(({ images, metrics }) => (metrics ? [{ images, values: metrics }] : []))),
    real: numbersOf(lines.findLast((line) => line.real)?.real ?? {}),
    samples: await sheets('seeds'),
    again: await sheets('again'),
    walks: [],
  };
}

const numbersOf = (values: Record<string, unknown>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));

function columnsOf(rows: { images: number; values: Record<string, unknown> }[]): Columns {
  const names = new Set(rows.flatMap(({ values }) => Object.keys(values)));
  const series = Object.fromEntries(
    [...names].map((name) => [
      name,
      rows.map(({ values }) => {
        const value = values[name];
        return typeof value === 'number' && Number.isFinite(value) ? value : null;
      }),
    ]),
  );
  return { images: rows.map(({ images }) => images), series };
}

function flatten(value: unknown, path = ''): [string, string][] {
  if (Array.isArray(value) || typeof value !== 'object' || value === null)
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  const { from, to, ...others } = value as Record<string, unknown>;
  // A schedule reads as one thing.
  if (typeof from === 'number' && typeof to === 'number' && Object.keys(others).length === 0) {
    return [[path, from === to ? String(from) : `${from} → ${to}`]];
  }
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
}
