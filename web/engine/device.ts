// What this device offers, what was remembered about it, and the marker that tells a crash of WebGPU from a reload.
import type { Choice, Device, Memory } from './ladder.ts';
import { PROVIDERS } from './ladder.ts';

const MEMORY = 'pocketgen.device';
const TRYING = 'pocketgen.trying-webgpu';
const CRASHED = 'pocketgen.webgpu-crashed';
const CHOICE = 'pocketgen.provider';

export async function inspectDevice(): Promise<Device> {
  // iPadOS calls itself a Mac; a Mac has no touch points.
  const apple =
    /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Mac/.test(navigator.platform) && navigator.maxTouchPoints > 1);
  const jspi = 'Suspending' in WebAssembly;
  return {
    adapter: await hasAdapter(),
    jspi,
    isolated: globalThis.crossOriginIsolated === true,
    apple,
    cores: navigator.hardwareConcurrency || 1,
  };
}

async function hasAdapter(): Promise<boolean> {
  if (!('gpu' in navigator) || navigator.gpu === undefined) return false;
  try {
    return (await navigator.gpu.requestAdapter()) !== null;
  } catch {
    return false;
  }
}

/** localStorage throws where cookies are blocked; then nothing is remembered. */
export function readSetting(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

export function writeSetting(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Nothing is remembered, everything works.
  }
}

/** A verdict holds for one model, one version of the runtime and one state of the device: each changes what is fastest. */
export interface MemoryKey {
  model: string;
  runtime: string;
  device: Device;
}

function fingerprint({ model, runtime, device }: MemoryKey): string {
  return JSON.stringify([model, runtime, navigator.userAgent, device]);
}

type Kept = Memory & { fingerprint: string };

/** By model: going to and fro between models measures each once. */
function kept(): Record<string, Kept> {
  try {
    const all: unknown = JSON.parse(readSetting(MEMORY) ?? '{}');
    return typeof all === 'object' && all !== null ? (all as Record<string, Kept>) : {};
  } catch {
    return {};
  }
}

export function recall(key: MemoryKey): Memory | undefined {
  const memory = kept()[key.model];
  if (memory?.fingerprint !== fingerprint(key)) return undefined;
  return PROVIDERS.includes(memory.provider) && Array.isArray(memory.verdicts) ? memory : undefined;
}

export function remember(key: MemoryKey, memory: Memory): void {
  writeSetting(MEMORY, JSON.stringify({ ...kept(), [key.model]: { fingerprint: fingerprint(key), ...memory } }));
}

/** Everything is measured again at the next start. */
export function forget(): void {
  writeSetting(MEMORY, undefined);
}

/** Written before WebGPU is tried and removed after: still there at the next start means the page died in between. */
export function markTrying(trying: boolean): void {
  writeSetting(TRYING, trying ? '1' : undefined);
}

/** Whether WebGPU has brought the page down on this device; stays until a person asks for WebGPU again. */
export function hasCrashed(): boolean {
  if (readSetting(TRYING) !== undefined) {
    writeSetting(CRASHED, '1');
    markTrying(false);
  }
  return readSetting(CRASHED) !== undefined;
}

export function forgiveCrash(): void {
  writeSetting(CRASHED, undefined);
}

export function readChoice(): Choice {
  const choice = readSetting(CHOICE);
  return PROVIDERS.find((provider) => provider === choice) ?? 'auto';
}

export function writeChoice(choice: Choice): void {
  writeSetting(CHOICE, choice === 'auto' ? undefined : choice);
}
