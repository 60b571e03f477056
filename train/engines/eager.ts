// Engines `tfjs` and `tensorflow`: the step run eagerly, op by op. `tfjs` on the plain JavaScript backend is the
// reference that the others are tested against; `tensorflow` is tfjs-node, on a GPU where CUDA is installed.

import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../../contract/errors.ts';
import { type Shapes, sizeOf, type Tensors, under, type Values } from '../nn/tensors.ts';
import { type EngineOptions, inputOf, type TrainingEngine } from './engine.ts';
import { useBackend } from './tfjs.ts';

/** Loads tfjs-node's native backend into the tfjs we use, the GPU build first. Throws UserError when there is none. */
export function loadTensorflow(): { name: string; gpu: boolean } {
  const require = createRequire(import.meta.url);
  const failures: string[] = [];
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    try {
      require(name);
      const backend = tf.engine().findBackend('tensorflow') as { isUsingGpuDevice?: boolean } | null;
      return { name, gpu: backend?.isUsingGpuDevice === true };
    } catch (error) {
      failures.push(`${name}: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`);
    }
  }
  throw new UserError(
    `engine tensorflow: expected @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node to be installed and to load, got ` +
      `${failures.join('; ')}; install one of them or use --engine onnx`,
  );
}

/** @param backend tfjs backend that is registered already, or `tensorflow`, which is loaded here */
export async function createEagerEngine(options: EngineOptions, backend: string): Promise<TrainingEngine> {
  const device = backend === 'tensorflow' ? loadTensorflow().name : backend;
  await useBackend(backend);
  const { model } = options;
  const load = (values: Values, dims: Shapes): Tensors =>
    Object.fromEntries(
      Object.entries(dims).map(([name, shape]) => {
        const data = values[name];
        if (!data) throw new Error(`engine: expected values for ${name}`);
        return [name, tf.tensor(data, [...shape], 'float32')];
      }),
    );
  const state = load(options.state, model.state);

  /** In batches: all activations of a check's thousands of pictures would take gigabytes. */
  const averaged = async (
    apply: NonNullable<typeof model.encode>,
    rows: Float32Array,
    classes: Float32Array | undefined,
    row: readonly number[],
    width: number,
  ): Promise<Float32Array> => {
    const { spec } = model;
    const count = rows.length / sizeOf(row);
    const out = new Float32Array(count * width);
    for (let from = 0; from < count; from += model.batch) {
      const to = Math.min(count, from + model.batch);
      const part = (all: Float32Array, shape: readonly number[]): tf.Tensor =>
        tf.tensor(all.subarray(from * sizeOf(shape), to * sizeOf(shape)), [to - from, ...shape]);
      const results = tf.tidy(() =>
        apply(
          under('ema', state),
          part(rows, row),
          classes && spec.classes > 0 ? part(classes, [spec.classes]) : undefined,
        ),
      );
      out.set((await results.data()) as Float32Array, from * width);
      results.dispose();
    }
    return out;
  };
  const { latent: numbers, resolution, channels } = model.spec;
  const picture = [resolution, resolution, channels];

  return {
    name: backend === 'tensorflow' ? 'tensorflow' : 'tfjs',
    device,
    async step(graph, inputs, scalars) {
      const result = tf.tidy(() => {
        const given = Object.entries(graph.inputs).map(([name, shape]) => [
          name,
          tf.tensor(inputOf(name, shape, inputs, scalars), [...shape], 'float32'),
        ]);
        const used = Object.keys({ ...graph.reads, ...graph.changes }).map((name) => [name, state[name]]);
        return graph.run(Object.fromEntries([...used, ...given]));
      });
      const statistics: Record<string, number> = {};
      for (const name of Object.keys(graph.changes)) {
        const tensor = result[name];
        if (!tensor) throw new Error(`engine: the step returned no ${name}`);
        state[name]?.dispose();
        state[name] = tensor;
      }
      for (const name of graph.statistics) {
        statistics[name] = (await result[name]?.data())?.[0] ?? Number.NaN;
        result[name]?.dispose();
      }
      // Both backends compute synchronously: without this no signal or timer would be heard until the run ends.
      await setImmediate();
      return statistics;
    },
    generate: (latent, classes) => averaged(model.generate, latent, classes, [numbers], sizeOf(picture)),
    async encode(pictures, classes) {
      if (!model.encode) throw new Error('engine: expected a model with an encoder');
      return averaged(model.encode, pictures, classes, picture, numbers);
    },
    async state() {
      const entries = Object.entries(state).map(async ([name, t]) => [name, (await t.data()) as Float32Array] as const);
      return Object.fromEntries((await Promise.all(entries)).map(([name, data]) => [name, data.slice()]));
    },
    async dispose() {
      tf.dispose(state);
    },
  };
}
