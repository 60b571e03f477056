// Engine `onnx`: the step is traced once into an ONNX graph (trace/) and run by the ONNX Runtime that is handed in.
import { NEXT, type Tensors, trace } from '../../trace/index.ts';
import type { StepGraph } from '../families/family.ts';
import { prefixed, sizeOf, under, type Values } from '../nn/tensors.ts';
import { type EngineOptions, inputOf, type TrainingEngine } from './engine.ts';
import type { InferenceSession, Runtime, Tensor } from './runtime.ts';

/** A step as an ONNX model, a pure function of its graph: inputs by name, outputs `next/…` and statistics. */
export async function traceStep(graph: StepGraph): Promise<Uint8Array> {
  const { changes, reads, inputs } = graph;
  const run = (given: Tensors): Tensors =>
    Object.fromEntries(Object.entries(graph.run(given)).map(([k, v]) => [k in changes ? NEXT + k : k, v]));
  const shapes = { ...changes, ...reads, ...inputs };
  return (await trace(run, shapes, { name: 'training-step', lowering: 'gemm' })).encode();
}

/** A function of rows [batch, …] and classes with the averaged parameters as inputs, for samples while training. */
async function traceAveraged(
  { spec, batch, weights }: EngineOptions['model'],
  row: readonly number[],
  apply: NonNullable<EngineOptions['model']['encode']>,
): Promise<Uint8Array> {
  const shapes = {
    ...prefixed('ema', weights),
    rows: [batch, ...row],
    ...(spec.classes > 0 ? { classes: [batch, spec.classes] } : {}),
  };
  const run = (inputs: Tensors): Tensors => {
    const { rows, classes } = inputs;
    if (!rows) throw new Error('averaged model: expected an input named rows');
    return { results: apply(under('ema', inputs), rows, classes) };
  };
  return (await trace(run, shapes, { name: 'averaged', lowering: 'gemm' })).encode();
}

type Apply = Parameters<typeof traceAveraged>[2];

/** Reading a number from a GPU waits until all before it is computed: 0.5 to 100 ms, so it is done once in so many steps, but for as many first ones. */
const READ_EVERY = 8;

export async function createOnnxEngine(options: EngineOptions, runtime: Runtime): Promise<TrainingEngine> {
  const { model } = options;
  const tensor = (data: Float32Array, dims: readonly number[]): Tensor => new runtime.Tensor('float32', data, dims);
  const { batch, spec } = model;
  const picture = [spec.resolution, spec.resolution, spec.channels];
  const numbersOf = async (t: Tensor): Promise<Float32Array> =>
    t.location === 'cpu' || !runtime.read ? ((await t.getData(true)) as Float32Array) : runtime.read(t);
  /** Of the graph of the phase under way. */
  let current: { graph: StepGraph; session: InferenceSession } | undefined;
  let steps = 0;
  /** What was read of the statistics last. */
  let told: Record<string, number> = {};
  /** Of the averaged parameters' functions that have been asked for. */
  const averaged = new Map<Apply, InferenceSession>();
  const sessionOf = async (graph: StepGraph): Promise<InferenceSession> => {
    if (current?.graph !== graph) {
      await current?.session.release();
      current = undefined;
      const outputs = [...Object.keys(graph.changes).map((name) => NEXT + name), ...graph.statistics];
      const stay = runtime.keepsOutputs ? outputs : [];
      current = { graph, session: await runtime.createSession(await traceStep(graph), stay) };
      [steps, told] = [0, {}];
    }
    return current.session;
  };

  const allocate = (): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(model.state).map(([name, dims]) => [name, tensor(new Float32Array(sizeOf(dims)), dims)]),
    );
  // Two sets of buffers that take turns as the step's input and output: no allocation, so memory stays flat.
  const now = allocate();
  const next = runtime.fillsOutputs ? allocate() : {};
  for (const [name, t] of Object.entries(now)) {
    const values = options.state[name];
    if (values?.length !== t.size)
      throw new Error(`engine: expected ${t.size} values for ${name}, got ${values?.length}`);
    (t.data as Float32Array).set(values);
  }
  const buffer = (set: Readonly<Record<string, Tensor>>, name: string): Tensor => {
    const found = set[name];
    if (!found) throw new Error(`engine: expected ${name} in the model's state`);
    return found;
  };

  /** Rows and classes, a batch at a time; `width` numbers come out for each. */
  const overRows = async (
    apply: Apply,
    rows: Float32Array,
    classes: Float32Array | undefined,
    row: readonly number[],
    width: number,
  ): Promise<Float32Array> => {
    const session = averaged.get(apply) ?? (await runtime.createSession(await traceAveraged(model, row, apply)));
    averaged.set(apply, session);
    const count = rows.length / sizeOf(row);
    const out = new Float32Array(count * width);
    const weights = Object.fromEntries(Object.entries(now).filter(([name]) => name.startsWith('ema/')));
    for (let from = 0; from < count; from += batch) {
      // The graph has one batch size; the last batch is filled up with zeros that are thrown away.
      const part = (all: Float32Array, shape: readonly number[]): Tensor => {
        const size = sizeOf(shape);
        const data = new Float32Array(batch * size);
        data.set(all.subarray(from * size, Math.min(count, from + batch) * size));
        return tensor(data, [batch, ...shape]);
      };
      const feeds = {
        ...weights,
        rows: part(rows, row),
        ...(classes && spec.classes > 0 ? { classes: part(classes, [spec.classes]) } : {}),
      };
      const { results } = await session.run(feeds);
      const data = results?.data as Float32Array;
      out.set(data.subarray(0, Math.min(batch, count - from) * width), from * width);
    }
    return out;
  };

  return {
    name: 'onnx',
    device: runtime.device,
    async step(graph, inputs, scalars) {
      const session = await sessionOf(graph);
      const feeds: Record<string, Tensor> = {};
      for (const name of Object.keys({ ...graph.changes, ...graph.reads })) feeds[name] = buffer(now, name);
      for (const [name, dims] of Object.entries(graph.inputs))
        feeds[name] = tensor(inputOf(name, dims, inputs, scalars), dims);
      const fetches: Record<string, Tensor | null> = Object.fromEntries(graph.statistics.map((name) => [name, null]));
      const changed = Object.keys(graph.changes);
      for (const name of changed) fetches[NEXT + name] = runtime.fillsOutputs ? buffer(next, name) : null;
      const results = await session.run(feeds, fetches);
      for (const name of changed) {
        if (runtime.fillsOutputs) [now[name], next[name]] = [buffer(next, name), buffer(now, name)];
        else {
          buffer(now, name).dispose();
          now[name] = buffer(results, NEXT + name);
        }
      }
      const reads = !runtime.keepsOutputs || steps < READ_EVERY || steps % READ_EVERY === 0;
      steps += 1;
      for (const name of graph.statistics) {
        const found = results[name];
        if (reads && found) told[name] = Number((await numbersOf(found))[0]);
        found?.dispose();
      }
      return { ...told };
    },
    generate: (latent, classes) => overRows(model.generate, latent, classes, [spec.latent], sizeOf(picture)),
    async encode(pictures, classes) {
      if (!model.encode) throw new Error('engine: expected a model with an encoder');
      return overRows(model.encode, pictures, classes, picture, spec.latent);
    },
    async state() {
      const copy: Values = {};
      for (const [name, t] of Object.entries(now)) {
        const values = (await numbersOf(t)).slice();
        copy[name] = values;
        if (runtime.keepsOutputs) now[name] = tensor(values.slice(), t.dims);
      }
      return copy;
    },
    async dispose() {
      await current?.session.release();
      for (const session of averaged.values()) await session.release();
    },
  };
}
