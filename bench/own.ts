// What own pictures cost: images per second of preset auto's step at 32 and 64 pixels, and how much of a step is reading pictures
// and augmenting them. `npm run bench:train -- --own`.
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { randomPictures, scalarsAt } from '../tests/helpers/training.ts';
import { createBatches } from '../train/data/batches.ts';
import { createEngine } from '../train/engines/index.ts';
import { createModel } from '../train/families/models.ts';
import { type Recipe, recipeFor } from '../train/recipe.ts';

const CASES = [
  { resolution: 32, channels: 4, classes: 6 },
  { resolution: 64, channels: 3, classes: 9 },
] as const;

/** In a row, as a training takes them. */
const STEPS = 5;

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;

/** Milliseconds of a step with and without augmentation and of making its inputs, in turns; medians. */
export async function benchOwn(rounds: number): Promise<void> {
  console.log(`Preset auto, ${cpus().length} × ${cpus()[0]?.model}, median of ${rounds} rounds of ${STEPS} steps`);
  for (const network of CASES) {
    const pictures = randomPictures(network, 512, 1);
    const augmented = recipeFor('auto', pictures);
    const scheduled = augmented.augment.probability.to;
    const recipes: Record<'plain' | 'augmented', Recipe> = {
      plain: { ...augmented, augment: { kinds: [], probability: { from: 0, to: 0 } } },
      augmented: { ...augmented, augment: { ...augmented.augment, probability: { from: scheduled, to: scheduled } } },
    };
    const runs = await Promise.all(
      Object.entries(recipes).map(async ([name, recipe]) => {
        const model = createModel(recipe);
        const engine = await createEngine('onnx', { model, state: model.initialState(), device: 'cpu' });
        return {
          name,
          engine,
          phase: model.phases[0],
          batches: createBatches(recipe, pictures),
          reading: [] as number[],
          step: [] as number[],
        };
      }),
    );
    for (let round = 0; round <= rounds; round++) {
      for (const run of round % 2 === 0 ? runs : [...runs].reverse()) {
        await setTimeout(50); // the other engine's threads wait for work on both cores for a while
        for (let step = 0; step <= STEPS; step++) {
          const before = performance.now();
          const inputs = run.batches((round * STEPS + step) * augmented.batch, run.phase);
          const read = performance.now();
          await run.engine.step(run.phase, inputs, { ...scalarsAt(100, 0), learningRate: 1e-5 });
          if (round === 0 || step === 0) continue; // warms up: at first the code, then the caches
          run.reading.push(read - before);
          run.step.push(performance.now() - read);
        }
      }
    }
    const { resolution, channels } = network;
    const [plain, all] = ['plain', 'augmented'].map((name) => {
      const { reading = [], step = [] } = runs.find((run) => run.name === name) ?? {};
      return { reading: median(reading), step: median(step) };
    });
    if (!plain || !all) throw new Error('bench: expected two runs');
    const total = all.reading + all.step;
    console.log(
      `${resolution} px, ${channels} channels, batch ${augmented.batch}: ${((1000 * augmented.batch) / total).toFixed(0)} images/s; ` +
        `a step ${all.step.toFixed(1)} ms (${plain.step.toFixed(1)} without augmentation), its inputs ${all.reading.toFixed(1)} ms; ` +
        `reading and augmentation ${((100 * (total - plain.step)) / total).toFixed(1)} % of it`,
    );
    for (const { engine } of runs) await engine.dispose();
  }
}
