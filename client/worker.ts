// The Web Worker: a session of ONNX Runtime at the other end of the messages of protocol.ts.
import type {
  CompleteMessage,
  DecodeMessage,
  EncodeMessage,
  FailureCause,
  FromWorker,
  StartMessage,
  ToWorker,
} from './engine/protocol.ts';
import { type Session, sessionError, startSession } from './engine/session.ts';

const scope = self as unknown as DedicatedWorkerGlobalScope;
let session: Session | undefined;
/** Resolves when the GPU goes away; undefined on wasm. */
let lost: Promise<GPUDeviceLostInfo> | undefined;

function post(message: FromWorker, transfer: Transferable[] = []): void {
  scope.postMessage(message, transfer);
}

function fail(error: unknown, id: number | undefined, cause?: FailureCause): void {
  const { why, message } = sessionError(error);
  post({ type: 'failed', id, cause: cause ?? why, message });
}

async function start(message: StartMessage): Promise<void> {
  session = await startSession(message, watchDevice);
  post(session.started);
}

function watchDevice(device: Promise<GPUDeviceLostInfo>): void {
  lost = device;
  void lost.then((info) => fail(new Error(info.message || `device lost: ${info.reason}`), undefined, 'lost'));
}

/** A batch that fails because the GPU went away fails a moment before the loss is told: wait for the better reason. */
async function failBatch(error: unknown, id: number): Promise<void> {
  const info = await Promise.race([lost, new Promise<undefined>((resolve) => setTimeout(resolve, 500))]);
  fail(error, id, info === undefined ? undefined : 'lost');
}

async function decode({ id, latents, classWeights }: DecodeMessage): Promise<void> {
  if (session === undefined) return fail(new Error('the worker has not started'), id);
  const before = performance.now();
  const pictures = await session.decode(latents, classWeights);
  const milliseconds = performance.now() - before;
  post(
    { type: 'pictures', id, pictures, milliseconds },
    pictures.map((picture) => picture.data.buffer as ArrayBuffer),
  );
}

async function encode({ id, pictures, classWeights }: EncodeMessage): Promise<void> {
  if (session === undefined) return fail(new Error('the worker has not started'), id);
  post({ type: 'latents', id, latents: await session.encode(pictures, classWeights) });
}

async function complete({ id, completions }: CompleteMessage): Promise<void> {
  if (session === undefined) return fail(new Error('the worker has not started'), id);
  const before = performance.now();
  const pictures = await session.complete(completions);
  post({ type: 'pictures', id, pictures, milliseconds: performance.now() - before });
}

scope.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'start':
      void start(data).catch((error: unknown) => fail(error, undefined));
      break;
    case 'decode':
      void decode(data).catch((error: unknown) => failBatch(error, data.id));
      break;
    case 'encode':
      void encode(data).catch((error: unknown) => failBatch(error, data.id));
      break;
    case 'complete':
      void complete(data).catch((error: unknown) => failBatch(error, data.id));
      break;
    default:
      data satisfies never;
  }
});
