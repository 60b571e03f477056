// A run folder: config.json (recipe and data), stats.jsonl, samples/, checkpoints/, best.safetensors, lock.sqlite (run-lock.ts), and
// encoder/, a run folder of its own.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../../contract/errors.ts';
import { pictureOptionsSchema } from '../data/index.ts';
import { recipeSchema } from '../recipe.ts';
import { writeAtomically } from './checkpoint.ts';
import { lockRun } from './run-lock.ts';

const configSchema = z.strictObject({
  recipe: recipeSchema,
  dataset: z.strictObject({
    source: z.string(),
    name: z.string(),
    sha256: z.string(),
    count: z.int(),
    classes: z.array(z.string()),
    note: z.string(),
    /** Own pictures: what decided their pixels besides the files. */
    options: pictureOptionsSchema.optional(),
  }),
  /** What the run was planned to, ascending: `images` in all, decided when `after` had been seen. The last one holds. */
  plans: z.array(z.strictObject({ after: z.int().nonnegative(), images: z.int().positive() })),
});
export type RunConfig = z.infer<typeof configSchema>;

export interface RunFolder {
  readonly dir: string;
  readonly checkpoints: string;
  readonly samples: string;
  readonly stats: string;
  /** Averaged generator at its best measured quality. */
  readonly best: string;
  /** Run folder of the encoder that was trained for it, if any. */
  readonly encoder: string;
}

export function runFolder(dir: string): RunFolder {
  return {
    dir,
    checkpoints: join(dir, 'checkpoints'),
    samples: join(dir, 'samples'),
    stats: join(dir, 'stats.jsonl'),
    best: join(dir, 'best.safetensors'),
    encoder: join(dir, 'encoder'),
  };
}

/** Reads config.json. Throws UserError when `dir` is no run folder. */
export function readConfig(dir: string): RunConfig {
  const path = join(dir, 'config.json');
  if (!existsSync(path)) {
    throw new UserError(`run ${dir}: expected a run folder with config.json, got none; make one with pocketgen train`);
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new UserError(`run ${dir}: expected JSON in config.json, got something else; start again in another folder`);
  }
  const parsed = configSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `run ${dir}: config.json ${issue?.path.join('.')}: ${issue?.message}; start again in another folder`,
  );
}

export interface OpenedRun extends RunFolder {
  /** Records that the run is to go on to `images` in all, after `after` of them; returns what it was planned to before. */
  plan(after: number): number;
  release(): void;
}

/**
 * Makes the folder and locks it for this process, or checks that an existing one belongs to this config; refuses any other,
 * naming the difference, unless nothing has been saved there yet. More images than before are no difference.
 */
export function openRun(dir: string, recorded: Omit<RunConfig, 'plans'>): OpenedRun {
  const run = runFolder(dir);
  mkdirSync(dir, { recursive: true });
  const release = lockRun(dir);
  try {
    const before = existsSync(join(dir, 'config.json')) ? readConfig(dir) : undefined;
    const saved = existsSync(run.best) || (existsSync(run.checkpoints) && readdirSync(run.checkpoints).some(isWhole));
    const { images } = recorded.recipe;
    let config: RunConfig = { ...recorded, plans: [{ after: 0, images }] };
    const longer = before !== undefined && images > before.recipe.images;
    const comparable = before && { ...before, recipe: { ...before.recipe, ...(longer ? { images } : {}) } };
    const difference =
      comparable && saved ? firstDifference(comparable, { ...config, plans: comparable.plans }) : undefined;
    if (difference) {
      throw new UserError(
        `run ${dir}: expected the config it was started with, got ${difference}; use the same options or another --out`,
      );
    }
    // A start that failed, or was killed before its first checkpoint, leaves nothing that counts.
    if (before && !saved) for (const old of [run.samples, run.stats]) rmSync(old, { recursive: true, force: true });
    for (const folder of [run.checkpoints, run.samples]) mkdirSync(folder, { recursive: true });
    const write = (): void => writeAtomically(join(dir, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    if (!before || !saved) write();
    else config = before;
    // What a process that was killed while it wrote has left behind.
    for (const folder of [run.checkpoints, run.samples])
      for (const name of readdirSync(folder)) if (!isWhole(name)) rmSync(join(folder, name), { force: true });
    const plan = (after: number): number => {
      const planned = config.recipe.images;
      if (planned !== images) {
        config = { ...config, recipe: recorded.recipe, plans: [...config.plans, { after, images }] };
        write();
      }
      return planned;
    };
    return { ...run, plan, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Not a file that writeAtomically() was still writing. */
const isWhole = (name: string): boolean => !/\.\d+\.tmp$/.test(name);

/** `path: was A, is B` for the first field that differs. What the pictures are called and where they are does not matter. */
export function firstDifference(was: unknown, is: unknown, path = ''): string | undefined {
  if (['dataset.note', 'dataset.source', 'dataset.name'].includes(path)) return undefined;
  const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null;
  if (!isRecord(was) || !isRecord(is)) {
    return Object.is(was, is) ? undefined : `${path}: was ${JSON.stringify(was)}, is ${JSON.stringify(is)}`;
  }
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const found = firstDifference(was[key], is[key], path ? `${path}.${key}` : key);
    if (found) return found;
  }
  return undefined;
}

export type StatsLine = { readonly images: number } & Readonly<Record<string, unknown>>;

export function appendStats(run: RunFolder, line: StatsLine): void {
  appendFileSync(run.stats, `${JSON.stringify(line)}\n`);
}

/** Drops what was logged after the checkpoint that a run continues from; a half-written last line goes with it. */
export function rewindStats(run: RunFolder, images: number): void {
  if (!existsSync(run.stats)) return;
  const lines = readFileSync(run.stats, 'utf8').split('\n');
  const kept = lines.filter((line) => {
    try {
      return (JSON.parse(line) as StatsLine).images <= images;
    } catch {
      return false;
    }
  });
  writeAtomically(run.stats, kept.map((line) => `${line}\n`).join(''));
}

const statsSchema = z.looseObject({
  images: z.number(),
  /** What ran the steps, `onnx on cpu`: a run may change it from session to session. */
  engine: z.string().optional(),
  metrics: z.record(z.string(), z.unknown()).optional(),
  /** The same of real pictures. */
  real: z.record(z.string(), z.unknown()).optional(),
});
export type Stats = z.infer<typeof statsSchema>;

/** The lines of stats.jsonl that are whole: training may be writing the last one. */
export function readStats(run: RunFolder): Stats[] {
  if (!existsSync(run.stats)) return [];
  return readFileSync(run.stats, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [statsSchema.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
}

/** Sheets drawn while training: of seeds, and of held-out pictures above what the model draws of them again. */
export type Sheet = 'seeds' | 'again';

/** `0000001000.png`, `0000001000-again.png`. */
export const sheetFile = (images: number, sheet: Sheet): string =>
  `${String(images).padStart(10, '0')}${sheet === 'seeds' ? '' : `-${sheet}`}.png`;

/** Those of one kind, oldest first. */
export function listSamples(run: RunFolder, sheet: Sheet = 'seeds'): { images: number; file: string }[] {
  const names = existsSync(run.samples) ? readdirSync(run.samples) : [];
  return names
    .sort()
    .map((file) => ({ images: Number.parseInt(file, 10), file }))
    .filter(({ images, file }) => file === sheetFile(images, sheet));
}
