// What a bench asks of the page that peers.ts builds: one peer trains one of the works, and says how long it took.
export const WORKS = ['quick', 'colour', 'stick'] as const;
export type WorkName = (typeof WORKS)[number];

/** `ours` and `tfjs wasm` on one thread, jax-js on as many as it likes. tfjs's wasm backend has the kernel that it lacks for training (wasm-kernels.ts). */
export const PEERS = [
  'ours',
  'ours threads',
  'tfjs cpu',
  'tfjs wasm',
  'tfjs webgl',
  'tfjs webgpu',
  'jax-js wasm',
] as const;
export type Peer = (typeof PEERS)[number];

/** One training step, waited for. */
export type Step = () => Promise<void>;

/** A step to be made by each of the peers; without `jax` it cannot be expressed there. */
export interface Work {
  readonly batch: number;
  traced(threads: number): Promise<Step>;
  /** tfjs, op by op, on the backend that is set. */
  eager(): Promise<Step>;
  jax?(): Promise<Step>;
}

export interface Started {
  readonly batch: number;
  /** Milliseconds: making what there is to make before, and the first step. */
  readonly preparing: number;
  readonly first: number;
}

/** `globalThis.contest` in the page. */
export interface Contest {
  start(peer: Peer, work: WorkName): Promise<Started>;
  /** Milliseconds of so many further steps. */
  run(steps: number): Promise<number>;
}
