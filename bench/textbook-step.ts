// What the step would cost as a textbook writes it, penalties by double backward: `node bench/textbook-step.ts` with Node
// 22. Same network, graph and run-time as the real step; only gradients, without Adam and average (a few per cent).

import { cpus, loadavg } from 'node:os';
import * as ort from 'onnxruntime-node';
import { gradientTensors, textbook } from '../tests/helpers/textbook.ts';
import { type Setup, scalarsAt, scalarValues, setup } from '../tests/helpers/training.ts';
import { type Tensors, trace } from '../trace/index.ts';
import { traceStep } from '../train/engines/onnx.ts';
import { inputShapes, stateShapes } from '../train/families/gan/step.ts';
import { under } from '../train/nn/tensors.ts';
import { dcgan, STEPS } from './networks.ts';

const BATCH = 64;
const ROUNDS = 12;

async function textbookModel({ options }: Setup): Promise<Uint8Array> {
  const gradients = (inputs: Tensors): Tensors => {
    const [g, d] = [under('generator', inputs), under('discriminator', inputs)];
    const book = textbook(options, g, d, inputs);
    const named = (prefix: string, tensors: Tensors): Tensors =>
      Object.fromEntries(Object.entries(tensors).map(([name, t]) => [`gradient/${prefix}/${name}`, t]));
    return {
      ...named('generator', gradientTensors(book.generator, g)),
      ...named('discriminator', gradientTensors(book.discriminator, d)),
    };
  };
  const shapes = { ...stateShapes(options), ...inputShapes(options) };
  return (await trace(gradients, shapes, { name: 'textbook-step', lowering: 'gemm' })).encode();
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;

const contests: { name: string; session: ort.InferenceSession; feeds: Record<string, ort.Tensor>; times: number[] }[] =
  [];
for (const kernel of [4, 5]) {
  for (const step of ['plain', 'modern'] as const) {
    const given = setup(dcgan(kernel), { ...STEPS[step], batch: BATCH });
    const values = { ...given.state, ...given.inputs(0), ...scalarValues(scalarsAt(0, 0)) };
    const feeds = Object.fromEntries(
      Object.entries({ ...stateShapes(given.options), ...inputShapes(given.options) }).map(([name, dims]) => [
        name,
        new ort.Tensor('float32', values[name] ?? new Float32Array(), dims),
      ]),
    );
    for (const [kind, model] of [
      ['this step', await traceStep(given.phase)],
      ['textbook', await textbookModel(given)],
    ] as const) {
      const session = await ort.InferenceSession.create(model);
      contests.push({ name: `DCGAN ${kernel}x${kernel}, ${step}, ${kind}`, session, feeds, times: [] });
    }
  }
}
for (let round = 0; round <= ROUNDS; round++) {
  for (const { session, feeds, times } of contests) {
    const before = performance.now();
    await session.run(feeds);
    // Round 0 warms up.
    if (round > 0) times.push(performance.now() - before);
  }
}
console.log(
  `images per second, batch ${BATCH}, median of ${ROUNDS} runs, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`,
);
for (const { name, times } of contests) {
  const ms = median(times);
  console.log(`${name.padEnd(34)} ${((1000 * BATCH) / ms).toFixed(0).padStart(5)}   ${ms.toFixed(0).padStart(5)} ms`);
}
