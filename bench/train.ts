// Speed of the training step: `npm run bench:train [-- --runs N --batch B]`. The same network on every engine, in turn:
// DCGAN, 64 and 128 channels, 28x28x1. Absolute numbers are this machine's today; the ratios are what to compare.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { randomNormals } from '../contract/random.ts';
import { createEagerEngine } from '../train/engines/eager.ts';
import type { TrainingEngine, Values } from '../train/engines/engine.ts';
import { createOnnxEngine } from '../train/engines/onnx.ts';
import { createNetworks, networkSpecSchema } from '../train/networks/spec.ts';
import { inputShapes, SCALARS, type StepOptions, stateShapes } from '../train/step.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '9' }, batch: { type: 'string', default: '64' } },
});
const runs = Number(values.runs);
const batch = Number(values.batch);

function options(penalty: boolean, kernel: number, of: number): StepOptions {
  const spec = networkSpecSchema.parse({
    family: 'strided',
    resolution: 28,
    channels: 1,
    latent: 64,
    classes: 0,
    strided: { dense: [], generator: [128, 64], discriminator: [64, 128], kernel },
  });
  const loss = penalty ? 'relativistic' : 'bce';
  return { networks: createNetworks(spec), batch: of, loss, penalty, beta1: 0, augment: false };
}

const noise = (shapes: Readonly<Record<string, readonly number[]>>): Values =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const scale = name.startsWith('adam') ? 0 : 0.05;
      return [name, randomNormals(1, 100, i, count).map((x) => (scale === 0 ? 1 : x * scale))];
    }),
  );

const scalars = { learningRate: 1e-4, beta2: 0.99, correction1: 1, correction2: 1, gamma: 0.1, emaDecay: 0.99 };

/** Milliseconds of one step. */
async function stepMs(engine: TrainingEngine, inputs: Values): Promise<number> {
  const start = performance.now();
  await engine.step(inputs, scalars);
  return performance.now() - start;
}

const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? Number.NaN;

interface Timed {
  name: string;
  imagesPerSecond: number;
}

/** Steps of all engines in turn, so that a slow moment of the machine falls on each of them. */
async function timeInTurn(engines: [string, StepOptions, TrainingEngine][], rounds: number): Promise<Timed[]> {
  const times = engines.map(() => [] as number[]);
  for (let round = -1; round < rounds; round++) {
    for (const [i, [, step, engine]] of engines.entries()) {
      const inputs = Object.fromEntries(
        Object.entries(noise(inputShapes(step))).filter(([name]) => !(SCALARS as readonly string[]).includes(name)),
      );
      const ms = await stepMs(engine, inputs);
      if (round >= 0) times[i]?.push(ms); // the first round warms up
    }
  }
  return engines.map(([name, step], i) => ({ name, imagesPerSecond: (1000 * step.batch) / median(times[i] ?? []) }));
}

const onnx = (step: StepOptions) => createOnnxEngine({ step, state: noise(stateShapes(step)), device: 'cpu' });
const row = ({ name, imagesPerSecond }: Timed): void =>
  console.log(`${name.padEnd(44)} ${imagesPerSecond.toFixed(imagesPerSecond < 10 ? 2 : 0).padStart(8)} images/s`);

for (const kernel of [4, 5]) {
  const [plain, modern] = [options(false, kernel, batch), options(true, kernel, batch)];
  const timed = await timeInTurn(
    [
      [`onnx, cpu, ${kernel}x${kernel}, plain`, plain, await onnx(plain)],
      [`onnx, cpu, ${kernel}x${kernel}, R1 + R2 on every step`, modern, await onnx(modern)],
    ],
    runs,
  );
  for (const line of timed) row(line);
  const [a, b] = timed;
  if (a && b) console.log(`  R1 + R2 cost ${(a.imagesPerSecond / b.imagesPerSecond).toFixed(2)}x the plain step`);
  if (kernel !== 4 || !a) continue;

  // Stock tfjs with fewer pictures a step: its time grows with them, and one step of 64 takes about a minute on `cpu`.
  const stock: Timed[] = [];
  for (const [backend, pictures] of [
    ['cpu', 4],
    ['wasm', 16],
  ] as const) {
    const step = options(false, kernel, pictures);
    const name = `tfjs, ${backend}, 4x4, plain, batch ${pictures}`;
    try {
      const engine = await createEagerEngine({ step, state: noise(stateShapes(step)), device: 'cpu' }, backend);
      const [result] = await timeInTurn([[name, step, engine]], 2);
      if (result) stock.push(result);
    } catch (error) {
      console.log(`${name.padEnd(44)} does not run: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
    await tf.setBackend('cpu');
  }
  for (const line of stock) row(line);
  const best = Math.max(...stock.map((s) => s.imagesPerSecond));
  console.log(`  onnx is ${(a.imagesPerSecond / best).toFixed(0)}x the best stock tfjs backend that runs`);
}
