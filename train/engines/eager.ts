// Engines `tfjs` and `tensorflow`: the step run eagerly, op by op. `tfjs` on the plain JavaScript backend is the
// reference that the others are tested against; `tensorflow` is tfjs-node, on a GPU where CUDA is installed.
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { UserError } from '../../contract/errors.ts';
import {
  createStep,
  inputShapes,
  SCALARS,
  STATISTICS,
  type Statistics,
  stateShapes,
  under,
} from '../families/gan/step.ts';
import type { EngineOptions, TrainingEngine, Values } from './engine.ts';
import { useBackend } from './tfjs.ts';

type Tensors = Record<string, tf.Tensor>;

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
  const step = createStep(options.step);
  const { networks } = options.step;
  const shapes = inputShapes(options.step);
  const load = (values: Values, dims: Record<string, readonly number[]>): Tensors =>
    Object.fromEntries(
      Object.entries(dims).map(([name, shape]) => {
        const data = values[name];
        if (!data) throw new Error(`engine: expected values for ${name}`);
        return [name, tf.tensor(data, [...shape], 'float32')];
      }),
    );
  let state = load(options.state, stateShapes(options.step));

  return {
    name: backend === 'tensorflow' ? 'tensorflow' : 'tfjs',
    device,
    async step(inputs, scalars) {
      const values = { ...inputs };
      for (const name of SCALARS) values[name] = Float32Array.of(scalars[name]);
      const result = tf.tidy(() => step({ ...state, ...load(values, shapes) }));
      const next: Tensors = {};
      const statistics: Partial<Statistics> = {};
      for (const name of Object.keys(state)) {
        const tensor = result[name];
        if (!tensor) throw new Error(`engine: the step returned no ${name}`);
        next[name] = tensor;
      }
      for (const name of STATISTICS) {
        statistics[name] = (await result[name]?.data())?.[0] ?? Number.NaN;
        result[name]?.dispose();
      }
      tf.dispose(state);
      state = next;
      // Both backends compute synchronously: without this no signal or timer would be heard until the run ends.
      await setImmediate();
      return statistics as Statistics;
    },
    async generate(latent, classes) {
      const { spec } = networks;
      const count = latent.length / spec.latent;
      const pictures = tf.tidy(() =>
        networks.generate(
          under('ema', state),
          tf.tensor2d(latent, [count, spec.latent]),
          classes && spec.classes > 0 ? tf.tensor2d(classes, [count, spec.classes]) : undefined,
        ),
      );
      const values = (await pictures.data()) as Float32Array;
      pictures.dispose();
      return values;
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
