// What a run is besides numbers: its config, which it is opened by, the lines of its log and the sheets it has drawn. Files by
// name are in files.ts.
import { z } from 'zod';
import { UserError } from '../../contract/errors.ts';
import { pictureOptionsSchema } from '../data/types.ts';
import { recipeSchema } from '../recipe.ts';
import { isWhole, RUN, type RunFiles, readText, writeText } from './files.ts';

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
  /** What the run was planned to: `images` in all, decided when `after` had been seen. The last one holds. */
  plans: z.array(z.strictObject({ after: z.int().nonnegative(), images: z.int().positive() })),
});
export type RunConfig = z.infer<typeof configSchema>;

/** Reads config.json. Throws UserError when these files are no run. */
export async function readConfig(files: RunFiles): Promise<RunConfig> {
  const text = await readText(files, RUN.config);
  if (text === undefined) {
    throw new UserError(
      `run ${files.name}: expected a run folder with config.json, got none; make one with pocketgen train`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(
      `run ${files.name}: expected JSON in config.json, got something else; start again in another folder`,
    );
  }
  const parsed = configSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `run ${files.name}: config.json ${issue?.path.join('.')}: ${issue?.message}; start again in another folder`,
  );
}

/** Images in all, by the plans before this one. */
export interface EarlierPlans {
  /** The last one. */
  readonly planned: number;
  /** The one that the last step was taken by: a plan may have been made since that no step, or none that is kept, was taken by. */
  readonly trained: number;
}

export interface OpenedRun {
  /** Records that the run is to go on to `images` in all, after `after` of them. Refuses fewer. */
  plan(after: number): Promise<EarlierPlans>;
  release(): Promise<void>;
}

/**
 * Locks the files for this process or tab and makes what is missing, or checks that a run there belongs to this config; refuses any
 * other, naming the difference, unless nothing has been saved there yet. More or fewer images than before are no difference.
 */
export async function openRun(files: RunFiles, recorded: Omit<RunConfig, 'plans'>): Promise<OpenedRun> {
  const release = await files.lock();
  try {
    const before = (await files.read(RUN.config)) ? await readConfig(files) : undefined;
    const saved = (await files.read(RUN.best)) !== undefined || (await files.list(RUN.checkpoints)).some(isWhole);
    const { images } = recorded.recipe;
    let config: RunConfig = { ...recorded, plans: [{ after: 0, images }] };
    const comparable = before && { ...before, recipe: { ...before.recipe, images } };
    const difference =
      comparable && saved ? firstDifference(comparable, { ...config, plans: comparable.plans }) : undefined;
    if (difference) {
      throw new UserError(
        `run ${files.name}: expected the config it was started with, got ${difference}; use the same options or another --out`,
      );
    }
    // A start that failed, or was killed before its first checkpoint, leaves nothing that counts.
    if (before && !saved) for (const old of [RUN.samples, RUN.stats]) await files.remove(old);
    const write = (): Promise<void> => writeText(files, RUN.config, `${JSON.stringify(config, null, 2)}\n`);
    // Where the pictures are now is where they are looked for: the place they were trained from may be gone.
    if (before && saved) config = { ...before, dataset: { ...before.dataset, source: recorded.dataset.source } };
    if (config.dataset.source !== before?.dataset.source || !saved) await write();
    // What a process that was killed while it wrote has left behind.
    for (const folder of ['', RUN.checkpoints, RUN.samples])
      for (const name of await files.list(folder))
        if (!isWhole(name)) await files.remove(folder === '' ? name : `${folder}/${name}`);
    const plan = async (after: number): Promise<EarlierPlans> => {
      const planned = config.recipe.images;
      const trained = config.plans.findLast((one) => one.after < after)?.images ?? planned;
      // Whole batches are trained on, so a run may have seen a few images more than were asked for.
      const { batch } = recorded.recipe;
      if (Math.ceil(images / batch) * batch < after) {
        throw new UserError(
          `images: expected ${after} or more, which ${files.name} has been trained on, got ${images}; give more, or start again in another folder`,
        );
      }
      if (planned !== images) {
        config = { ...config, recipe: recorded.recipe, plans: [...config.plans, { after, images }] };
        await write();
      }
      return { planned, trained };
    };
    return { plan, release };
  } catch (error) {
    await release();
    throw error;
  }
}

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

export const appendStats = (files: RunFiles, line: StatsLine): Promise<void> =>
  files.append(RUN.stats, `${JSON.stringify(line)}\n`);

/** Drops what was logged after the checkpoint that a run continues from; a half-written last line goes with it. */
export async function rewindStats(files: RunFiles, images: number): Promise<void> {
  const text = await readText(files, RUN.stats);
  if (text === undefined) return;
  const kept = text.split('\n').filter((line) => {
    try {
      return (JSON.parse(line) as StatsLine).images <= images;
    } catch {
      return false;
    }
  });
  await writeText(files, RUN.stats, kept.map((line) => `${line}\n`).join(''));
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
export async function readStats(files: RunFiles): Promise<Stats[]> {
  const text = (await readText(files, RUN.stats)) ?? '';
  return text.split('\n').flatMap((line) => {
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
export async function listSamples(
  files: RunFiles,
  sheet: Sheet = 'seeds',
): Promise<{ images: number; file: string }[]> {
  return (await files.list(RUN.samples))
    .map((file) => ({ images: Number.parseInt(file, 10), file }))
    .filter(({ images, file }) => file === sheetFile(images, sheet));
}
