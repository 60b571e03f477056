// The device ladder, as pure decisions: which providers to try on this device, which to keep, and why, in codes that
// texts.ts turns into words.
import type { RuntimeBuild } from '../files/runtime.ts';
import type { Provider } from './protocol.ts';

/** What was found out about the device before anything is downloaded. */
export interface Device {
  /** `gpu` in navigator and an adapter was given. */
  adapter: boolean;
  /** WebAssembly JavaScript Promise Integration: the WebGPU runtime below 25 MiB needs it. */
  jspi: boolean;
  /** SharedArrayBuffer, which wasm threads need. */
  isolated: boolean;
  /** iPhone, iPad: WebGPU sessions have died there after some hundred runs; single-thread wasm is the safe default. */
  apple: boolean;
  cores: number;
}

/** Why a provider is not the one in use. */
export type Reason =
  | 'no-adapter'
  | 'no-jspi'
  | 'not-isolated'
  | 'one-core'
  /** Without a worker there is one runtime in the thread, and that is plain wasm. */
  | 'no-worker'
  | 'apple'
  | 'crashed'
  | 'wrong'
  | 'lost'
  | 'memory'
  | 'silent'
  | 'error'
  /** The browser has no WebAssembly. */
  | 'no-wasm'
  /** A script of the page did not load. */
  | 'unloaded'
  /** Failed after it had started. */
  | 'stopped'
  | 'slower'
  | 'not-asked';

export interface Verdict {
  provider: Provider;
  /** Median milliseconds of one picture, if it was measured. */
  milliseconds?: number;
  levels?: number;
  reason?: Reason;
  /** The runtime's own words, for the details. */
  detail?: string;
}

/** What a person asked for; `auto` lets the ladder decide. */
export type Choice = Provider | 'auto';

/** What is remembered between visits. */
export interface Memory {
  provider: Provider;
  verdicts: Verdict[];
}

export interface Plan {
  build: RuntimeBuild;
  /** In the order to try. wasm comes first so that pictures appear while the others are measured. */
  candidates: Provider[];
  /** Those not tried, each with its reason. */
  refused: Verdict[];
  /** The candidate's verdict of an earlier visit: it need not be measured again. */
  known?: Verdict;
}

export const PROVIDERS = ['webgpu', 'wasm-threads', 'wasm'] as const satisfies readonly Provider[];

function refusal(provider: Provider, device: Device, { crashed, choice, inThread }: Circumstances): Reason | undefined {
  const asked = choice === provider;
  switch (provider) {
    case 'webgpu':
      if (!device.adapter) return 'no-adapter';
      if (!device.jspi) return 'no-jspi';
      if (crashed.has(provider) && !asked) return 'crashed';
      if (inThread && !asked) return 'no-worker';
      if (device.apple && !asked) return 'apple';
      break;
    case 'wasm-threads':
      if (inThread) return 'no-worker';
      if (!device.isolated) return 'not-isolated';
      if (device.cores < 2) return 'one-core';
      if (crashed.has(provider) && !asked) return 'crashed';
      break;
    case 'wasm':
      return undefined; // the floor everything falls back to
    default:
      return provider satisfies never;
  }
  return choice !== 'auto' && !asked ? 'not-asked' : undefined;
}

export interface Circumstances {
  /** From an earlier visit of the same device, model and runtime. */
  memory: Memory | undefined;
  /** What the page died of while it was being tried. */
  crashed: ReadonlySet<Provider>;
  choice: Choice;
  /** The larger build is on the device already: it runs wasm too, also without a network. */
  jspiKept: boolean;
  /** The runtime shares the thread with everything else: what is started first stays. */
  inThread: boolean;
}

export function planLadder(device: Device, circumstances: Circumstances): Plan {
  const { memory, choice, jspiKept } = circumstances;
  const refused: Verdict[] = [];
  const open = new Set<Provider>();
  for (const provider of PROVIDERS) {
    const reason = refusal(provider, device, circumstances);
    if (reason === undefined) open.add(provider);
    else refused.push({ provider, reason });
  }
  const build: RuntimeBuild = open.has('webgpu') || (jspiKept && device.jspi) ? 'jspi' : 'wasm';
  if (choice === 'auto' && memory !== undefined && open.has(memory.provider)) {
    // Remembered: start that one; the verdicts of last time still say why.
    const { provider, verdicts } = memory;
    const others = verdicts.filter((v) => v.provider !== provider && !refused.some(sameAs(v)));
    const known = verdicts.find((v) => v.provider === provider && v.reason === undefined);
    return {
      build,
      candidates: [provider],
      refused: [...refused, ...others],
      ...(known === undefined ? {} : { known }),
    };
  }
  const order: Provider[] = choice === 'auto' || choice === 'wasm' ? ['wasm', 'wasm-threads', 'webgpu'] : [choice];
  return { build, candidates: order.filter((provider) => open.has(provider)), refused };
}

const sameAs = (a: Verdict) => (b: Verdict) => a.provider === b.provider;

/** Of the provider that draws. */
export function inUse({ verdicts }: { readonly verdicts: readonly Verdict[] }): Verdict | undefined {
  return verdicts.find(({ reason }) => reason === undefined);
}

/** The fastest of those that started; a new one must beat the one in use by a tenth to replace it. */
export function isFaster(candidate: Verdict, current: Verdict | undefined): boolean {
  if (current?.milliseconds === undefined) return true;
  return candidate.milliseconds !== undefined && candidate.milliseconds < current.milliseconds * 0.9;
}
