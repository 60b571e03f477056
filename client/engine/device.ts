// What this device offers, and what was remembered about it.
import { generatorFile } from '../../contract/lookup.ts';
import type { Manifest, Variant } from '../../contract/manifest.ts';
import { RUNTIME_VERSION } from '../files/runtime.ts';
import type { Choice, Device, Memory } from './ladder.ts';
import { PROVIDERS } from './ladder.ts';

const MEMORY = 'pocketgen.device';
const CHOICE = 'pocketgen.provider';

export async function inspectDevice(): Promise<Device> {
  // Node 20 has none.
  const { navigator } = globalThis as { navigator?: Navigator };
  const { userAgent = '', platform = '', maxTouchPoints = 0, hardwareConcurrency } = navigator ?? {};
  return {
    adapter: await hasAdapter(navigator?.gpu),
    jspi: 'WebAssembly' in globalThis && 'Suspending' in WebAssembly,
    isolated: globalThis.crossOriginIsolated === true,
    // iPadOS calls itself a Mac; a Mac has no touch points.
    apple: /iPhone|iPad|iPod/.test(userAgent) || (/Mac/.test(platform) && maxTouchPoints > 1),
    cores: hardwareConcurrency || 1,
  };
}

const ADAPTER_LIMIT = 3000;

async function hasAdapter(gpu: GPU | undefined): Promise<boolean> {
  if (gpu === undefined) return false;
  try {
    // A driver that hangs never answers.
    const never = new Promise<null>((resolve) => setTimeout(resolve, ADAPTER_LIMIT, null));
    return (await Promise.race([gpu.requestAdapter(), never])) !== null;
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

/** False where it cannot be remembered; everything works all the same. */
export function writeSetting(key: string, value: string | undefined): boolean {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

/** A verdict holds for one network, one version of the runtime and one state of the device: each changes what is fastest. */
export interface MemoryKey {
  /** Of the model: what is remembered of an earlier network makes room. */
  model: string;
  sha256: string;
  runtime: string;
  device: Device;
}

export function memoryKey(of: { manifest: Manifest; variant: Variant }, device: Device): MemoryKey {
  const { sha256 } = generatorFile(of.manifest, of.variant);
  return { model: of.manifest.name, sha256, runtime: RUNTIME_VERSION, device };
}

function fingerprint({ sha256, runtime, device }: MemoryKey): string {
  return JSON.stringify([sha256, runtime, navigator.userAgent, device]);
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

export function readChoice(): Choice {
  const choice = readSetting(CHOICE);
  return PROVIDERS.find((provider) => provider === choice) ?? 'auto';
}

export function writeChoice(choice: Choice): void {
  writeSetting(CHOICE, choice === 'auto' ? undefined : choice);
}
