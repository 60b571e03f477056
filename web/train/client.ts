// The page's side of the trainer's worker.
import { inspectDevice, readChoice } from '../../client/engine/device.ts';
import type { RuntimeBuild } from '../../client/files/runtime.ts';
import { UserError } from '../../contract/errors.ts';
import type { HistoryPoint } from '../../contract/manifest.ts';
import { runtimeFiles } from '../files/runtime.ts';
import { store } from '../files/store.ts';
import { type CallName, type Calls, type FromTrainer, type RuntimeParts, TrainedElsewhere } from './protocol.ts';

const ERRORS = { plain: UserError, elsewhere: TrainedElsewhere, fault: Error } as const;

export interface TrainerNews {
  onProgress(progress: Extract<FromTrainer, { type: 'progress' }>['progress']): void;
  onSamples(samples: Extract<FromTrainer, { type: 'samples' }>): void;
  onJudging(share: number): void;
  onHistory(history: HistoryPoint[]): void;
  onSaid(sentence: string): void;
}

export interface TrainerClient {
  call<K extends CallName>(name: K, ...args: Parameters<Calls[K]>): Promise<ReturnType<Calls[K]>>;
  /** Downloads ONNX Runtime where the device has none yet, and starts it; once. */
  ready(): Promise<void>;
  /** The same for WebGPU, where the device has it and the person has chosen nothing else; asked before each training. */
  offerGpu(): Promise<void>;
}

export function startTrainer(news: TrainerNews): TrainerClient {
  const worker = new Worker(new URL('./trainer.ts', import.meta.url), { type: 'module', name: 'trainer' });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let next = 1;
  let runtime: Promise<void> | undefined;

  worker.addEventListener('message', ({ data }: MessageEvent<FromTrainer>) => {
    switch (data.type) {
      case 'answer':
      case 'failed': {
        const call = waiting.get(data.id);
        waiting.delete(data.id);
        if (data.type === 'answer') call?.resolve(data.value as never);
        else call?.reject(new ERRORS[data.kind](data.message));
        break;
      }
      case 'progress':
        news.onProgress(data.progress);
        break;
      case 'samples':
        news.onSamples(data);
        break;
      case 'judging':
        news.onJudging(data.share);
        break;
      case 'history':
        news.onHistory(data.history);
        break;
      case 'said':
        news.onSaid(data.sentence);
        break;
      default:
        data satisfies never;
    }
  });
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error(event.message || 'the trainer could not be loaded'));
    waiting.clear();
  });

  const call: TrainerClient['call'] = (name, ...args) =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      worker.postMessage({ id, name, args });
    });

  async function partsOf(build: RuntimeBuild): Promise<RuntimeParts> {
    const { script, loader, binary } = runtimeFiles(build);
    return { script: script.url, loader: loader.url, binary: await store.read(binary), threads: 1 };
  }

  async function start(): Promise<void> {
    await call('start', await partsOf('wasm'));
  }

  /** By what the person has chosen for drawing; left open, a GPU is tried that is none in software. */
  async function offerGpu(): Promise<void> {
    const choice = readChoice();
    const { adapter, jspi, apple } = await inspectDevice();
    const asked = choice === 'webgpu';
    const possible = adapter && jspi && (asked || (choice === 'auto' && !apple && (await isHardware())));
    await call('offerGpu', possible ? { runtime: await partsOf('jspi'), asked } : undefined);
  }

  return {
    call,
    offerGpu,
    ready() {
      runtime ??= start().catch((error: unknown) => {
        runtime = undefined; // asked for again
        throw error;
      });
      return runtime;
    },
  };
}

async function isHardware(): Promise<boolean> {
  const adapter = await navigator.gpu.requestAdapter();
  return adapter !== null && !adapter.info.isFallbackAdapter;
}
