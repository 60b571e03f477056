// Engine `onnx`: the step is traced once into an ONNX graph (trace/) and run by onnxruntime-node.
import { UserError } from '../../contract/errors.ts';
import { encodeModel } from '../../trace/model.ts';
import { type Tensors, trace } from '../../trace/trace.ts';
import {
  createStep,
  inputShapes,
  SCALARS,
  STATISTICS,
  type Statistics,
  type StepOptions,
  stateShapes,
  under,
} from '../families/gan/step.ts';
import type { Device, EngineOptions, TrainingEngine, Values } from './engine.ts';
import { createSession, type InferenceSession, Tensor } from './onnxruntime.ts';

/** Prefix of the outputs that carry the state after the step; ONNX wants names of inputs and outputs to differ. */
const NEXT = 'next/';

/** The training step as an ONNX model, a pure function of the options: inputs by name, outputs `next/…` and statistics. */
export async function traceStep(options: StepOptions): Promise<Uint8Array> {
  const shapes = { ...stateShapes(options), ...inputShapes(options) };
  const step = createStep(options);
  const renamed = (inputs: Tensors): Tensors =>
    Object.fromEntries(Object.entries(step(inputs)).map(([k, v]) => [k in shapes ? NEXT + k : k, v]));
  return encodeModel(await trace(renamed, shapes, 'gemm'), { name: 'training-step' });
}

/** The averaged generator with its parameters as inputs, for samples while training. */
async function traceGenerator({ networks, batch }: StepOptions): Promise<Uint8Array> {
  const { spec } = networks;
  const shapes = {
    ...Object.fromEntries(networks.generatorParameters.map(({ name, shape }) => [`ema/${name}`, shape])),
    latent: [batch, spec.latent],
    ...(spec.classes > 0 ? { classes: [batch, spec.classes] } : {}),
  };
  const run = (inputs: Tensors): Tensors => {
    const { latent, classes } = inputs;
    if (!latent) throw new Error('generator: expected an input named latent');
    return { pictures: networks.generate(under('ema', inputs), latent, classes) };
  };
  return encodeModel(await trace(run, shapes, 'gemm'), { name: 'generator' });
}

async function startOn(device: Device, model: Uint8Array): Promise<InferenceSession> {
  try {
    return await createSession(model, { executionProviders: [device] });
  } catch (error) {
    if (device === 'cpu') throw error;
    const reason = String(error instanceof Error ? error.message : error).split('\n')[0];
    throw new UserError(`device ${device}: expected onnxruntime to start on it, got: ${reason}; use --device cpu`);
  }
}

const tensor = (data: Float32Array, dims: readonly number[]): Tensor => new Tensor('float32', data, dims);

export async function createOnnxEngine(options: EngineOptions): Promise<TrainingEngine> {
  const { batch, networks } = options.step;
  const stateShape = stateShapes(options.step);
  const inputShape = inputShapes(options.step);
  const session = await startOn(options.device, await traceStep(options.step));
  let sampler: InferenceSession | undefined;

  const allocate = (): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(stateShape).map(([name, dims]) => [
        name,
        tensor(new Float32Array(dims.reduce((a, b) => a * b, 1)), dims),
      ]),
    );
  // Two sets of buffers that take turns as the step's input and output: no allocation, so memory stays flat.
  let [now, next] = [allocate(), allocate()];
  for (const [name, t] of Object.entries(now)) {
    const values = options.state[name];
    if (values?.length !== t.size)
      throw new Error(`engine: expected ${t.size} values for ${name}, got ${values?.length}`);
    (t.data as Float32Array).set(values);
  }

  return {
    name: 'onnx',
    device: options.device,
    async step(inputs, scalars) {
      const feeds: Record<string, Tensor> = { ...now };
      for (const [name, dims] of Object.entries(inputShape)) {
        const data = (SCALARS as readonly string[]).includes(name)
          ? Float32Array.of(scalars[name as keyof typeof scalars])
          : inputs[name];
        if (!data) throw new Error(`training step: expected an input named ${name}`);
        feeds[name] = tensor(data, dims);
      }
      const fetches: Record<string, Tensor | null> = Object.fromEntries(STATISTICS.map((name) => [name, null]));
      for (const [name, t] of Object.entries(next)) fetches[NEXT + name] = t;
      const results = await session.run(feeds, fetches);
      [now, next] = [next, now];
      return Object.fromEntries(STATISTICS.map((name) => [name, Number(results[name]?.data[0])])) as Statistics;
    },
    async generate(latent, classes) {
      sampler ??= await startOn(options.device, await traceGenerator(options.step));
      const { spec } = networks;
      const count = latent.length / spec.latent;
      const size = spec.resolution ** 2 * spec.channels;
      const out = new Float32Array(count * size);
      const weights = Object.fromEntries(Object.entries(now).filter(([name]) => name.startsWith('ema/')));
      for (let from = 0; from < count; from += batch) {
        // The graph has one batch size; the last batch is filled up with zeros that are thrown away.
        const part = (all: Float32Array, width: number): Tensor => {
          const data = new Float32Array(batch * width);
          data.set(all.subarray(from * width, Math.min(count, from + batch) * width));
          return tensor(data, [batch, width]);
        };
        const feeds = {
          ...weights,
          latent: part(latent, spec.latent),
          ...(classes && spec.classes > 0 ? { classes: part(classes, spec.classes) } : {}),
        };
        const { pictures } = await sampler.run(feeds);
        const data = pictures?.data as Float32Array;
        out.set(data.subarray(0, Math.min(batch, count - from) * size), from * size);
      }
      return out;
    },
    async state() {
      const copy: Values = {};
      for (const [name, t] of Object.entries(now)) copy[name] = (t.data as Float32Array).slice();
      return copy;
    },
    async dispose() {
      await session.release();
      await sampler?.release();
    },
  };
}
