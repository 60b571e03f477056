// onnxruntime-node, loaded when something is first computed: help, data sets and serving on wasm need no native library.
import { createRequire } from 'node:module';
import type * as common from 'onnxruntime-common';
import { UserError } from '../../contract/errors.ts';
import { createGraphBuilder } from '../../trace/graph.ts';
import { encodeModel } from '../../trace/model.ts';
import type { Device } from './engine.ts';
import type { Compute, InferenceSession, Runtime } from './runtime.ts';

export type { InferenceSession };
export type Tensor = common.Tensor;

// The class that onnxruntime-node itself loads, by require: the one of the ES module is another, and an output buffer of that
// one is taken for an option and ignored.
export const { Tensor } = createRequire(import.meta.url)('onnxruntime-common') as typeof common;

/** @throws UserError where the package is not installed or has no library for this machine */
async function load(): Promise<typeof import('onnxruntime-node')> {
  return import('onnxruntime-node').catch((error: Error) => {
    const reason = error.message.split('\n')[0]?.replace(/ imported from .*/, '');
    throw new UserError(
      `onnxruntime-node: expected its library for ${process.platform} ${process.arch}, got: ${reason}; ` +
        'install the packages anew on this machine, without --omit=optional',
    );
  });
}

/** What keeps onnxruntime-node from running here, in a sentence; undefined where it runs. */
export async function nativeRefusal(): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  }
}

export async function createSession(
  model: Uint8Array,
  options: common.InferenceSession.SessionOptions = {},
): Promise<InferenceSession> {
  const ort = await load();
  return ort.InferenceSession.create(model, options);
}

/** What evaluates on this machine. */
export const native: Compute = { Tensor, createSession: (model) => createSession(model) };

/** onnxruntime-node 1.30 ends the process when a tensor of a GPU is asked for its data; a copy that comes out on the CPU has it. */
function gpuReader(): NonNullable<Runtime['read']> {
  const sessions = new Map<number, Promise<InferenceSession>>();
  const copier = (rank: number): Promise<InferenceSession> => {
    const g = createGraphBuilder();
    const shape = Array.from({ length: rank }, () => 1);
    const from = g.input('from', 'float32', shape);
    const to = g.node('Identity', [from], {}, 'float32', shape);
    const graph = { inputs: [{ name: 'from', value: from }], outputs: [{ name: 'to', value: to }] };
    const dims = () => shape.map((_, i) => `d${i}`);
    return createSession(encodeModel(graph, { name: 'copy', dims }), { executionProviders: ['webgpu'] });
  };
  return async (tensor) => {
    const rank = tensor.dims.length;
    const session = sessions.get(rank) ?? copier(rank);
    sessions.set(rank, session);
    const { to } = await (await session).run({ from: tensor });
    tensor.dispose();
    return to?.data as Float32Array;
  };
}

/** The runtime for a device of this machine; onnxruntime-web's in the same process for wasm. */
export async function runtimeOn(device: Device): Promise<Runtime> {
  if (device === 'wasm') return wasmRuntime();
  return {
    device,
    Tensor,
    // On a GPU the state stays there; on the CPU nothing is allocated anew.
    fillsOutputs: device !== 'webgpu',
    keepsOutputs: device === 'webgpu',
    ...(device === 'webgpu' && { read: gpuReader() }),
    async createSession(model, stay = []) {
      try {
        return await createSession(model, {
          executionProviders: [device],
          ...(stay.length > 0 && {
            preferredOutputLocation: Object.fromEntries(stay.map((name) => [name, 'gpu-buffer'] as const)),
          }),
        });
      } catch (error) {
        if (device === 'cpu') throw error;
        const reason = String(error instanceof Error ? error.message : error).split('\n')[0];
        throw new UserError(`device ${device}: expected onnxruntime to start on it, got: ${reason}; use --device cpu`);
      }
    },
  };
}

async function wasmRuntime(): Promise<Runtime> {
  const ort = await import('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = 1;
  return {
    device: 'wasm',
    Tensor: ort.Tensor,
    fillsOutputs: false,
    keepsOutputs: false,
    createSession: (model) => ort.InferenceSession.create(model, { executionProviders: ['wasm'] }),
  };
}
