// A step of our own recipes: by our engine as the page's trainer has it, and the same tfjs code op by op.
import * as tf from '@tensorflow/tfjs';
import { randomWords } from '../../contract/random.ts';
import { createBatches } from '../../train/data/batches.ts';
import { pictureSet } from '../../train/data/picture-set.ts';
import type { PictureSet } from '../../train/data/types.ts';
import { inputOf } from '../../train/engines/engine.ts';
import { createOnnxEngine } from '../../train/engines/onnx.ts';
import { createModel } from '../../train/families/models.ts';
import { START, stepAfter } from '../../train/loop.ts';
import { recipeFor } from '../../train/recipe.ts';
import type { Step, Work } from './contest.ts';
import { wasmRuntime } from './runtime.ts';

interface Kind {
  size: 28 | 32;
  channels: 1 | 3;
  classes: number;
  preset: string;
}

/** Noise: what is on a picture costs nothing. */
function noise({ size, channels, classes }: Kind): PictureSet {
  const count = 100;
  const words = randomWords(1, 3, 0, count * size * size * channels);
  return pictureSet({
    ...{ name: 'noise', width: size, height: size, channels, note: 'a bench' },
    classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
    pixels: Uint8Array.from(words, (word) => word & 255),
    labels: Uint8Array.from({ length: count }, (_, i) => (classes > 0 ? i % classes : 0)),
  });
}

export function familyWork(kind: Kind): Work {
  const pictures = noise(kind);
  const recipe = recipeFor(kind.preset, pictures);
  const model = createModel(recipe);
  const batchAt = createBatches(recipe, pictures);
  let progress = START;
  const next = () => {
    const { phase, scalars, after } = stepAfter(recipe, model, progress);
    const inputs = batchAt(progress.images, phase);
    progress = after;
    return { phase, inputs, scalars };
  };

  return {
    batch: recipe.batch,
    async traced(threads): Promise<Step> {
      const engine = await createOnnxEngine({ model, state: model.initialState() }, await wasmRuntime(threads));
      return async () => {
        const { phase, inputs, scalars } = next();
        await engine.step(phase, inputs, scalars);
      };
    },
    async eager(): Promise<Step> {
      const values = model.initialState();
      const state = Object.fromEntries(
        Object.entries(model.state).map(([name, shape]) => [name, tf.tensor(values[name] ?? [], [...shape])]),
      );
      return async () => {
        const { phase, inputs, scalars } = next();
        const result = tf.tidy(() => {
          const given = Object.entries(phase.inputs).map(([name, shape]) => [
            name,
            tf.tensor(inputOf(name, shape, inputs, scalars), [...shape]),
          ]);
          const used = Object.keys({ ...phase.reads, ...phase.changes }).map((name) => [name, state[name]]);
          return phase.run(Object.fromEntries([...used, ...given]));
        });
        for (const name of Object.keys(phase.changes)) {
          const tensor = result[name];
          if (tensor === undefined) throw new Error(`step: expected it to return ${name}`);
          state[name]?.dispose();
          state[name] = tensor;
        }
        for (const name of phase.statistics) {
          await result[name]?.data();
          result[name]?.dispose();
        }
      };
    },
  };
}
