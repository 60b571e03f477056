// The Web Worker: ONNX Runtime with one provider and one model. It proves itself on the goldens before it says it has
// started, measures itself, then turns latents into pictures.
import type * as OnnxRuntime from 'onnxruntime-web';
import { checkGoldens } from '../contract/bundle.ts';
import { createGenerator, type Generator } from '../contract/generator.ts';
import type { FailureCause, FromWorker, StartMessage, ToWorker } from './engine/protocol.ts';

/** The promise of the contract: a GPU may round differently by one level of 255. */
const MAX_LEVELS = 1;

const scope = self as unknown as DedicatedWorkerGlobalScope;
let generator: Generator | undefined;
/** Resolves when the GPU goes away; undefined on wasm. */
let lost: Promise<GPUDeviceLostInfo> | undefined;

function post(message: FromWorker, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function fail(error: unknown, id: number | undefined, cause?: FailureCause): void {
  const message = error instanceof Error ? error.message : String(error);
  post({ type: 'failed', id, cause: cause ?? causeOf(message), message });
}

function causeOf(message: string): FailureCause {
  if (/out of memory|memory access|allocat|bad_alloc|could not grow/i.test(message)) return 'memory';
  if (/device (is |was )?lost|DXGI|destroyed/i.test(message)) return 'lost';
  return 'error';
}

async function start(message: StartMessage): Promise<void> {
  const ort = (await import(/* @vite-ignore */ message.script)) as typeof OnnxRuntime;
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = message.threads;
  ort.env.wasm.wasmPaths = { mjs: message.loader };
  ort.env.wasm.wasmBinary = message.binary;
  const session = await ort.InferenceSession.create(message.model, {
    executionProviders: [message.provider === 'webgpu' ? 'webgpu' : 'wasm'],
    graphOptimizationLevel: 'all',
  });
  if (message.provider === 'webgpu') await watchDevice(ort);
  const created = createGenerator(message.manifest, session, ort.Tensor as never);
  let levels: number;
  try {
    levels = await checkGoldens(message.manifest, message.variant, created, MAX_LEVELS);
  } catch (error) {
    return fail(error, undefined, error instanceof Error && error.name === 'UserError' ? 'wrong' : undefined);
  }
  const milliseconds = message.measure ? await measure(created) : undefined;
  generator = created;
  post({ type: 'started', levels, milliseconds });
}

async function watchDevice(ort: typeof OnnxRuntime): Promise<void> {
  const device = (await ort.env.webgpu.device) as GPUDevice | undefined;
  lost = device?.lost;
  void lost?.then((info) => fail(new Error(info.message || `device lost: ${info.reason}`), undefined, 'lost'));
}

/** A batch that fails because the GPU went away fails a moment before the loss is told: wait for the better reason. */
async function failBatch(error: unknown, id: number): Promise<void> {
  const info = await Promise.race([lost, new Promise<undefined>((resolve) => setTimeout(resolve, 500))]);
  fail(error, id, info === undefined ? undefined : 'lost');
}

/** Median of some single pictures, at most a fifth of a second. */
async function measure(candidate: Generator): Promise<number> {
  const one = [{ seed: 1, class: undefined, truncation: 1 }];
  await candidate.generate(one);
  const times: number[] = [];
  const end = performance.now() + 200;
  while (times.length < 15 && (times.length < 3 || performance.now() < end)) {
    const before = performance.now();
    await candidate.generate(one);
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? 0;
}

async function decode(id: number, latents: Float32Array[], classWeights: Float32Array[]): Promise<void> {
  if (generator === undefined) return fail(new Error('the worker has not started'), id);
  const before = performance.now();
  const pictures = await generator.decode(latents, classWeights);
  const milliseconds = performance.now() - before;
  post(
    { type: 'pictures', id, pictures, milliseconds },
    pictures.map((picture) => picture.data.buffer as ArrayBuffer),
  );
}

scope.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'start':
      void start(data).catch((error: unknown) => fail(error, undefined));
      break;
    case 'decode':
      void decode(data.id, data.latents, data.classWeights).catch((error: unknown) => failBatch(error, data.id));
      break;
    default:
      data satisfies never;
  }
});
