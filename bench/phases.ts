// Images per second of every phase of the families on the same networks and pictures: `npm run bench:train -- --phases`.
import { cpus, loadavg } from 'node:os';
import { randomPictures } from '../tests/helpers/training.ts';
import { createBatches } from '../train/data/batches.ts';
import { createEngine } from '../train/engines/index.ts';
import { createModel } from '../train/families/models.ts';
import { START, stepAfter } from '../train/loop.ts';
import { recipeFor } from '../train/recipe.ts';

const PRESETS = ['fashion-gan', 'fashion-vae'] as const;

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;

/** Medians of `rounds` steps a phase; phases take turns. */
export async function benchPhases(rounds: number): Promise<void> {
  const pictures = randomPictures({ resolution: 28, channels: 1, classes: 10 }, 256, 1);
  const runs = await Promise.all(
    PRESETS.flatMap((preset) => {
      const recipe = recipeFor(preset, pictures);
      const model = createModel(recipe);
      const batchAt = createBatches(recipe, pictures);
      return model.phases.map(async ({ from }) => {
        const { phase, scalars } = stepAfter(recipe, model, { ...START, images: from });
        const engine = await createEngine('onnx', { model, state: model.initialState(), device: 'cpu' });
        const inputs = Object.entries(batchAt(from, phase)).map(([name, data]) => [name, data.slice()]);
        const step = () => engine.step(phase, Object.fromEntries(inputs), { ...scalars, learningRate: 1e-6 });
        return { name: `${preset}, ${phase.name}`, batch: recipe.batch, step, engine, times: [] as number[] };
      });
    }),
  );
  for (let round = 0; round <= rounds; round++) {
    for (const { step, times } of round % 2 === 0 ? runs : [...runs].reverse()) {
      const before = performance.now();
      await step();
      // Round 0 traces and warms up.
      if (round > 0) times.push(performance.now() - before);
    }
  }
  const [{ model = 'unknown' } = {}] = cpus();
  console.log(`median of ${rounds} steps, ${cpus().length} × ${model}, load ${loadavg()[0]?.toFixed(1)}`);
  for (const { name, batch, times, engine } of runs) {
    console.log(`${name.padEnd(50)} ${((1000 * batch) / median(times)).toFixed(0).padStart(6)} images/s`);
    await engine.dispose();
  }
}
