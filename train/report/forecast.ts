// What a training will take on this machine, told before the work: images a second, timed on the real step, and the
// images after which sets of its size have shown first shapes and good pictures.
import { createBatches } from '../data/batches.ts';
import type { PictureSet } from '../data/types.ts';
import type { StartEngine } from '../engines/engine.ts';
import { createModel } from '../families/models.ts';
import { START, stepAfter } from '../loop.ts';
import { type PictureSize, pictureSizes } from '../nn/spec.ts';
import type { Recipe } from '../recipe.ts';

/**
 * Images until shapes can be told apart, and until pictures are good, by side in pixels. Larger ones take as 128 does. Measured at 32
 * on 3,133 tiles: KID 0.051 after 60,000 images, 0.030 after 150,000, 0.017 after 320,000, where real pictures score up to 0.026
 * (docs/LOG.md). The other sizes are estimates from that.
 */
const MILESTONES = {
  16: { first: 40_000, good: 400_000 },
  28: { first: 50_000, good: 500_000 },
  32: { first: 50_000, good: 500_000 },
  48: { first: 60_000, good: 750_000 },
  64: { first: 75_000, good: 1_000_000 },
  96: { first: 100_000, good: 1_500_000 },
  128: { first: 150_000, good: 2_000_000 },
} as const satisfies Record<PictureSize, object>;

export interface Milestone {
  readonly images: number;
  readonly seconds: number;
}

export interface Forecast {
  readonly imagesPerSecond: number;
  readonly first: Milestone;
  readonly good: Milestone;
  /** Both in a sentence, with what was counted and timed. */
  readonly sentence: string;
}

export interface ForecastInput {
  /** As measureSpeed() gives it. */
  readonly imagesPerSecond: number;
  /** Number of pictures to train on. */
  readonly count: number;
  readonly resolution: number;
  readonly channels: number;
}

const CHANNELS: Readonly<Record<number, string>> = { 1: 'grey', 3: 'colour', 4: 'transparent' };
const number = (value: number): string => Math.round(value).toLocaleString('en-GB');

/** `20 minutes`, `3 hours`: to the precision that a forecast has. */
export function duration(seconds: number): string {
  const minutes = seconds / 60;
  if (minutes < 1.5) return 'a minute';
  if (minutes < 10) return `${Math.round(minutes)} minutes`;
  if (minutes < 90) return `${Math.round(minutes / 5) * 5} minutes`;
  const hours = minutes / 60;
  return `${hours < 10 ? Math.round(hours * 2) / 2 : Math.round(hours)} hours`;
}

export function forecast({ imagesPerSecond, count, resolution, channels }: ForecastInput): Forecast {
  const { first, good } = MILESTONES[pictureSizes.find((size) => resolution <= size) ?? 128];
  const after = (images: number): Milestone => ({ images, seconds: images / imagesPerSecond });
  const sentence =
    `${number(count)} pictures, ${resolution}x${resolution} ${CHANNELS[channels]}: ${number(imagesPerSecond)} images/s here; ` +
    `first shapes after about ${duration(first / imagesPerSecond)} (${number(first)} images), ` +
    `good after about ${duration(good / imagesPerSecond)} (${number(good)} images)`;
  return { imagesPerSecond, first: after(first), good: after(good), sentence };
}

/** Steps that are not counted: the first ones allocate. */
const WARM_UP = 2;
const MEASURED_STEPS = 40;
const MEASURED_SECONDS = 4;

/** Images a second of the recipe's own steps on these pictures, batches included. What they learn is thrown away. */
export async function measureSpeed(recipe: Recipe, pictures: PictureSet, start: StartEngine): Promise<number> {
  const model = createModel(recipe);
  const engine = await start({ model, state: model.initialState() });
  const batchAt = createBatches(recipe, pictures);
  /** Milliseconds of the first step of the phase that begins there, again and again. */
  const stepMs = async (from: number): Promise<number> => {
    const { phase, scalars } = stepAfter(recipe, model, { ...START, images: from });
    const once = () => engine.step(phase, batchAt(from, phase), scalars);
    for (let i = 0; i < WARM_UP; i++) await once();
    const start = performance.now();
    const passed = (): number => performance.now() - start;
    let steps = 0;
    const limit = (1000 * MEASURED_SECONDS) / model.phases.length;
    for (; steps < MEASURED_STEPS && passed() < limit; steps++) await once();
    return passed() / steps;
  };
  try {
    let mean = 0;
    for (const [i, { from }] of model.phases.entries()) {
      const share = ((model.phases[i + 1]?.from ?? recipe.images) - from) / recipe.images;
      if (share > 0) mean += share * (await stepMs(from));
    }
    return (1000 * recipe.batch) / mean;
  } finally {
    await engine.dispose();
  }
}
