// ONNX Runtime with one provider and one network of a model. It proves itself on the goldens before it counts as started, measures itself,
// then turns latents into pictures, pictures into latents, or completes pictures. Runs in a worker (worker.ts) or in the thread that asks (in-thread.ts).
import type * as OnnxRuntime from 'onnxruntime-web';
import { checkGoldens } from '../../contract/bundle.ts';
import { type Completer, checkCompleterGoldens, createCompleter } from '../../contract/completer.ts';
import { checkEncoderGoldens, createEncoder, type Encoder } from '../../contract/encoder.ts';
import { createGenerator, type Generator, inTurn } from '../../contract/generator.ts';
import type { FailureCause, Started, StartMessage } from './protocol.ts';

/** The promise of the contract: a GPU may round differently by one level of 255. */
const MAX_LEVELS = 1;

export interface Session {
  readonly started: Started;
  /** Of a generator. */
  readonly decode: Generator['decode'];
  /** Of an encoder. */
  readonly encode: Encoder['encode'];
  /** Of a completer. */
  readonly complete: Completer['complete'];
  release(): Promise<void>;
}

/** Why a session is of no use, as runner.ts tells it on. */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly why: FailureCause;
  constructor(why: FailureCause, message: string) {
    super(message);
    this.why = why;
  }
}

/** What was thrown, with the cause that its words tell. */
export function sessionError(error: unknown): SessionError {
  if (error instanceof SessionError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SessionError(causeOf(message), message);
}

function causeOf(message: string): FailureCause {
  if (/out of memory|memory access|allocat|bad_alloc|could not grow/i.test(message)) return 'memory';
  if (/device (is |was )?lost|DXGI|destroyed/i.test(message)) return 'lost';
  return 'error';
}

/** `watch` is given what resolves when the GPU goes away, before anything runs on it. Throws SessionError, and what ONNX Runtime throws. */
export async function startSession(
  message: Omit<StartMessage, 'type'>,
  watch: (lost: Promise<GPUDeviceLostInfo>) => void,
): Promise<Session> {
  // By its address: no bundler needs to find it, and a page downloads the one build that it uses.
  const ort = (await import(/* @vite-ignore */ /* webpackIgnore: true */ message.script)) as typeof OnnxRuntime;
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = message.threads;
  ort.env.wasm.wasmPaths = { mjs: message.loader };
  ort.env.wasm.wasmBinary = message.binary;
  const session = await ort.InferenceSession.create(message.model, {
    executionProviders: [message.provider === 'webgpu' ? 'webgpu' : 'wasm'],
    graphOptimizationLevel: 'all',
  });
  const device = message.provider === 'webgpu' ? ((await ort.env.webgpu.device) as GPUDevice | undefined) : undefined;
  if (device !== undefined) watch(device.lost);
  const { manifest, variant } = message;
  const Tensor = ort.Tensor as never;
  const generator = message.network === 'generator' ? createGenerator(manifest, session, Tensor) : undefined;
  const encoder = message.network === 'encoder' ? createEncoder(manifest, session, Tensor) : undefined;
  const completer = message.network === 'completer' ? createCompleter(manifest, session, Tensor) : undefined;
  let levels = 0;
  try {
    if (generator !== undefined) levels = await checkGoldens(manifest, variant, generator, MAX_LEVELS);
    // Those are always on wasm: the same bytes as everywhere.
    if (encoder !== undefined) levels = await checkEncoderGoldens(manifest, variant, encoder, 0);
    if (completer !== undefined) levels = await checkCompleterGoldens(manifest, variant, completer, 0);
  } catch (error) {
    if (error instanceof Error && error.name === 'UserError') throw new SessionError('wrong', error.message);
    throw error;
  }
  const milliseconds = message.measure && generator !== undefined ? await measure(generator) : undefined;
  const other = () =>
    Promise.reject(new SessionError('error', `a session of the ${message.network} was asked for more`));
  return {
    started: { type: 'started', levels, milliseconds },
    decode: generator?.decode ?? other,
    encode: encoder?.encode ?? other,
    complete: completer?.complete ?? other,
    release: () => inTurn(() => session.release()),
  };
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
