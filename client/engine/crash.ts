// Markers that tell a crash from a reload: written before a provider is tried, taken away after. One whose page is gone without
// having left is of a page that died, and what it was trying is not tried again by itself.
import { readSetting, writeSetting } from './device.ts';
import { PROVIDERS } from './ladder.ts';
import type { Provider } from './protocol.ts';
import { RunnerError } from './runner.ts';

const TRYING = 'pocketgen.trying';
const CRASHED = 'pocketgen.crashed';

/** Of this page, among those that are open: each holds a lock of its name for as long as it lives. */
const page = `pocketgen-${Math.random().toString(36).slice(2)}`;
/** How many models are just trying it. */
const trying = new Map<Provider, number>();
let watching = false;

/** By page: what it tries. */
type Markers = Record<string, Provider[]>;

function markers(): Markers {
  try {
    const value: unknown = JSON.parse(readSetting(TRYING) ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Markers) : {};
  } catch {
    return {};
  }
}

function write(providers: readonly Provider[]): void {
  const { [page]: _, ...others } = markers();
  const next = providers.length === 0 ? others : { ...others, [page]: [...providers] };
  writeSetting(TRYING, Object.keys(next).length === 0 ? undefined : JSON.stringify(next));
}

const hidden = () => 'document' in globalThis && document.hidden;

/** A page that is left, or put away where the system may end it, has not crashed. */
function watch(): void {
  if (watching || !('document' in globalThis)) return;
  watching = true;
  void navigator.locks?.request(page, () => new Promise(() => undefined)).catch(() => undefined);
  addEventListener('pagehide', () => write([]));
  addEventListener('pageshow', () => write([...trying.keys()]));
  document.addEventListener('visibilitychange', () => write(hidden() ? [] : [...trying.keys()]));
}

export function markTrying(provider: Provider, on: boolean): void {
  watch();
  const count = (trying.get(provider) ?? 0) + (on ? 1 : -1);
  if (count > 0) trying.set(provider, count);
  else trying.delete(provider);
  write(hidden() ? [] : [...trying.keys()]);
}

/** What has brought a page down on this device; stays until a person asks for it again. */
export async function crashes(): Promise<ReadonlySet<Provider>> {
  const alive = new Set((await navigator.locks?.query().catch(() => undefined))?.held?.map(({ name }) => name));
  const dead = Object.entries(markers()).filter(([name]) => name !== page && !alive.has(name));
  const known = (readSetting(CRASHED) ?? '').split(' ');
  const all = new Set(PROVIDERS.filter((one) => known.includes(one) || dead.some(([, tried]) => tried.includes(one))));
  if (dead.length > 0) {
    writeSetting(CRASHED, [...all].join(' '));
    const rest = Object.entries(markers()).filter(([name]) => !dead.some(([gone]) => gone === name));
    writeSetting(TRYING, rest.length === 0 ? undefined : JSON.stringify(Object.fromEntries(rest)));
  }
  return all;
}

export async function forgiveCrash(provider: Provider): Promise<void> {
  const rest = [...(await crashes())].filter((one) => one !== provider);
  writeSetting(CRASHED, rest.length === 0 ? undefined : rest.join(' '));
}

/** Plain wasm is what everything falls back to: where that is missing, or ended the page, there is nothing to climb to. */
export async function reasonNotToStart(crashed: ReadonlySet<Provider>): Promise<RunnerError | undefined> {
  if (!('WebAssembly' in globalThis)) return new RunnerError('no-wasm', 'WebAssembly: expected it, got nothing');
  if (!crashed.has('wasm')) return undefined;
  await forgiveCrash('wasm'); // trying again is up to the person
  return new RunnerError('crashed', 'the page ended while plain wasm was started');
}
