// Engine `onnx`: the step is traced once into an ONNX graph (trace/) and run by onnxruntime-node.

import { UserError } from '../../contract/errors.ts';
import { NEXT, type Tensors, trace } from '../../trace/index.ts';
import type { StepGraph } from '../families/family.ts';
import { prefixed, sizeOf, under, type Values } from '../nn/tensors.ts';
import { type Device, type EngineOptions, inputOf, type TrainingEngine } from './engine.ts';
import { createSession, type InferenceSession, Tensor } from './onnxruntime.ts';

/** A step as an ONNX model, a pure function of its graph: inputs by name, outputs `next/…` and statistics. */
export async function traceStep(graph: StepGraph): Promise<Uint8Array> {
  const { changes, reads, inputs } = graph;
  const run = (given: Tensors): Tensors =>
    Object.fromEntries(Object.entries(graph.run(given)).map(([k, v]) => [k in changes ? NEXT + k : k, v]));
  const shapes = { ...changes, ...reads, ...inputs };
  return (await trace(run, shapes, { name: 'training-step', lowering: 'gemm' })).encode();
}

/** The generator with the averaged parameters as inputs, for samples while training. */
async function traceGenerator({ spec, batch, weights, generate }: EngineOptions['model']): Promise<Uint8Array> {
  const shapes = {
    ...prefixed('ema', weights),
    latent: [batch, spec.latent],
    ...(spec.classes > 0 ? { classes: [batch, spec.classes] } : {}),
  };
  const run = (inputs: Tensors): Tensors => {
    const { latent, classes } = inputs;
    if (!latent) throw new Error('generator: expected an input named latent');
    return { pictures: generate(under('ema', inputs), latent, classes) };
  };
  return (await trace(run, shapes, { name: 'generator', lowering: 'gemm' })).encode();
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
  const { model, device } = options;
  const { batch } = model;
  /** Of the graph of the phase under way. */
  let current: { graph: StepGraph; session: InferenceSession } | undefined;
  let sampler: InferenceSession | undefined;
  const sessionOf = async (graph: StepGraph): Promise<InferenceSession> => {
    if (current?.graph !== graph) {
      await current?.session.release();
      current = undefined;
      current = { graph, session: await startOn(device, await traceStep(graph)) };
    }
    return current.session;
  };

  const allocate = (): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(model.state).map(([name, dims]) => [name, tensor(new Float32Array(sizeOf(dims)), dims)]),
    );
  // Two sets of buffers that take turns as the step's input and output: no allocation, so memory stays flat.
  const [now, next] = [allocate(), allocate()];
  for (const [name, t] of Object.entries(now)) {
    const values = options.state[name];
    if (values?.length !== t.size)
      throw new Error(`engine: expected ${t.size} values for ${name}, got ${values?.length}`);
    (t.data as Float32Array).set(values);
  }
  const buffer = (set: Record<string, Tensor>, name: string): Tensor => {
    const found = set[name];
    if (!found) throw new Error(`engine: expected ${name} in the model's state`);
    return found;
  };

  return {
    name: 'onnx',
    device,
    async step(graph, inputs, scalars) {
      const session = await sessionOf(graph);
      const feeds: Record<string, Tensor> = {};
      for (const name of Object.keys({ ...graph.changes, ...graph.reads })) feeds[name] = buffer(now, name);
      for (const [name, dims] of Object.entries(graph.inputs))
        feeds[name] = tensor(inputOf(name, dims, inputs, scalars), dims);
      const fetches: Record<string, Tensor | null> = Object.fromEntries(graph.statistics.map((name) => [name, null]));
      for (const name of Object.keys(graph.changes)) fetches[NEXT + name] = buffer(next, name);
      const results = await session.run(feeds, fetches);
      for (const name of Object.keys(graph.changes)) [now[name], next[name]] = [buffer(next, name), buffer(now, name)];
      return Object.fromEntries(graph.statistics.map((name) => [name, Number(results[name]?.data[0])]));
    },
    async generate(latent, classes) {
      sampler ??= await startOn(device, await traceGenerator(model));
      const { spec } = model;
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
      await current?.session.release();
      await sampler?.release();
    },
  };
}
