// The page's side: starts the peer that is asked for. Built by build.ts.
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plainWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { useBackend } from '../../train/engines/tfjs.ts';
import { startWasm } from '../wasm-kernels.ts';
import { type Contest, PEERS, type Peer, type Step, type Work, type WorkName } from './contest.ts';
import { familyWork } from './families.ts';
import { stick } from './stick.ts';

const works: Record<WorkName, () => Work> = {
  quick: () => familyWork({ size: 28, channels: 1, classes: 10, preset: 'quick' }),
  colour: () => familyWork({ size: 32, channels: 3, classes: 0, preset: 'auto' }),
  stick: () => stick,
};

/** Only where somebody has put it beside the packages that are installed: it has 19 MB. */
const webgpu = import.meta.glob('../../node_modules/@tensorflow/tfjs-backend-webgpu/dist/index.js');

async function backend(name: string): Promise<void> {
  if (name === 'webgpu') {
    const [load] = Object.values(webgpu);
    if (load === undefined) throw new Error('not installed: npm install --no-save @tensorflow/tfjs-backend-webgpu');
    await load();
  }
  if (name === 'wasm') {
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // one thread, as ours
    setWasmPaths({
      'tfjs-backend-wasm.wasm': plainWasm,
      'tfjs-backend-wasm-simd.wasm': simdWasm,
      'tfjs-backend-wasm-threaded-simd.wasm': threadedWasm,
    });
    await startWasm();
  }
  await useBackend(name);
}

async function startPeer(peer: Peer, work: Work): Promise<Step> {
  switch (peer) {
    case 'ours':
      return work.traced(1);
    case 'ours threads':
      return work.traced(navigator.hardwareConcurrency);
    case 'tfjs cpu':
    case 'tfjs wasm':
    case 'tfjs webgl':
    case 'tfjs webgpu':
      await backend(peer.slice(5));
      return work.eager();
    case 'jax-js wasm':
      if (work.jax === undefined) throw new Error('not written for it');
      return work.jax();
    default:
      return peer satisfies never;
  }
}

let step: Step | undefined;
const contest: Contest = {
  async start(peer, name) {
    const work = works[name]();
    const before = performance.now();
    step = await startPeer(peer, work);
    const prepared = performance.now();
    await step();
    return { batch: work.batch, preparing: prepared - before, first: performance.now() - prepared };
  },
  async run(steps) {
    if (step === undefined) throw new Error(`contest: expected one of ${PEERS.join(', ')} to be started first`);
    const before = performance.now();
    for (let i = 0; i < steps; i++) await step();
    return performance.now() - before;
  },
};
Object.assign(globalThis, { contest });
