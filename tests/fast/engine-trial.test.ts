// A device on trial: it takes the same first steps as the one that is trusted, and goes on where it is right and faster.
import { beforeAll, expect, test } from 'vitest';
import { createBatches } from '../../train/data/batches.ts';
import { createOnnxEngine } from '../../train/engines/onnx.ts';
import { runtimeOn } from '../../train/engines/onnxruntime.ts';
import type { Runtime } from '../../train/engines/runtime.ts';
import { createTrialEngine } from '../../train/engines/trial.ts';
import { createModel } from '../../train/families/models.ts';
import { START, stepAfter } from '../../train/loop.ts';
import type { Recipe } from '../../train/recipe.ts';
import { stateHash } from '../../train/store/checkpoint.ts';
import { smallPictures, smallRecipe } from '../small.ts';

let cpu: Runtime;
let wasm: Runtime;
let recipe: Recipe;
let batchAt: ReturnType<typeof createBatches>;

beforeAll(async () => {
  const pictures = await smallPictures(32);
  recipe = smallRecipe(pictures);
  [cpu, wasm] = [await runtimeOn('cpu'), await runtimeOn('wasm')];
  batchAt = createBatches(recipe, pictures);
});

/** After six steps. */
async function after(start: (given: Parameters<typeof createOnnxEngine>[0]) => ReturnType<typeof createOnnxEngine>) {
  const model = createModel(recipe);
  const engine = await start({ model, state: model.initialState() });
  let progress = START;
  for (let i = 0; i < 6; i++) {
    const { phase, scalars, after } = stepAfter(recipe, model, progress);
    await engine.step(phase, batchAt(progress.images, phase), scalars);
    progress = after;
  }
  const found = { device: engine.device, hash: stateHash(await engine.state()) };
  await engine.dispose();
  return found;
}
const onTrial = async (trusted: Runtime, candidate: Runtime, asked = false) => {
  const told: string[] = [];
  const say = (sentence: string): void => void told.push(sentence);
  return { ...(await after((given) => createTrialEngine(given, { trusted, candidate, asked, say }))), told };
};

/** As a device that goes wrong at its third step: what it says of one loss there is `value`. */
const broken = (value: () => number): Runtime => ({
  ...cpu,
  device: 'broken',
  async createSession(model) {
    const session = await cpu.createSession(model);
    const run = session.run.bind(session);
    let steps = 0;
    session.run = async (...given: unknown[]) => {
      const results = await (run as (...given: unknown[]) => ReturnType<typeof run>)(...given);
      const [name = ''] = Object.keys(results).filter((key) => !key.startsWith('next/'));
      return ++steps < 3 ? results : { ...results, [name]: new cpu.Tensor('float32', Float32Array.of(value()), []) };
    };
    return session;
  },
});

/** As a device that takes its time. */
const slow = (): Runtime => ({
  ...cpu,
  device: 'slow',
  async createSession(model) {
    const session = await cpu.createSession(model);
    const run = session.run.bind(session);
    session.run = async (...given: unknown[]) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return (run as (...given: unknown[]) => ReturnType<typeof run>)(...given);
    };
    return session;
  },
});

test('the numbers are those of the device that went on, as if it had been alone', async () => {
  const alone = await after((given) => createOnnxEngine(given, cpu));
  const { told, ...asked } = await onTrial(wasm, cpu, true);
  expect(asked).toEqual(alone);
  expect(told).toEqual([expect.stringMatching(/^cpu takes \d+ ms a step, wasm \d+; it trains on cpu$/)]);
});

test('one that is not faster, goes wrong or fails is left, and the trusted one has lost nothing', async () => {
  const alone = await after((given) => createOnnxEngine(given, wasm));
  for (const [candidate, reason] of [
    [broken(() => 0.5), /^broken computed \w+ = 0.5 where [\d.]+ was expected; it trains on wasm$/],
    [
      broken(() => {
        throw new Error('the GPU went away');
      }),
      /^broken failed \(the GPU went away\); it trains on wasm$/,
    ],
  ] as const) {
    const { told, ...found } = await onTrial(wasm, candidate, true);
    expect(found).toEqual(alone);
    expect(told).toEqual([expect.stringMatching(reason)]);
  }
  const { device } = await onTrial(cpu, slow());
  expect(device).toBe('cpu');
});
