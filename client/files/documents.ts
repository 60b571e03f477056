// Small JSON files that may change under their address (a manifest, a list of models). Of each there are two readings: what
// the device has, at once, and what the network says, which is checked before it replaces anything.
import { UserError } from '../../contract/errors.ts';
import { patiently } from './patience.ts';
import { refuseHtml, type Store } from './store.ts';

/** A list or a manifest is small: who has not answered by then is not going to. */
const ANSWER_LIMIT = 8000;

export interface Checked<T> {
  text: string;
  value: T;
}

export interface DocumentOptions {
  /** As it is called in errors; the address's last part if left out. */
  name?: string;
  signal?: AbortSignal | undefined;
  /** What to do where it is not to be had. */
  hint?: string;
}

function checked<T>(name: string, text: string, parse: (json: unknown) => T): Checked<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new UserError(`${name}: expected JSON, got something else or a part of it; the server may be being updated`);
  }
  return { text, value: parse(json) };
}

/** From the network. Throws UserError naming what is wrong with the answer. */
export function freshDocument<T>(
  store: Store,
  url: string,
  parse: (json: unknown) => T,
  { name = url, signal, hint }: DocumentOptions = {},
): Promise<Checked<T>> {
  return patiently(ANSWER_LIMIT, signal, async (limited) => {
    const response = await store.fetch(url, { cache: 'no-cache', signal: limited });
    if (!response.ok) throw new UserError(`${name}: expected the file, got status ${response.status} from the server`);
    refuseHtml(response, name, hint);
    return checked(name, await response.text(), parse);
  });
}

/** From the device; undefined too where this version cannot read what another kept. */
export async function keptDocument<T>(
  store: Store,
  url: string,
  parse: (json: unknown) => T,
): Promise<Checked<T> | undefined> {
  const copy = await (await store.open())?.match(url);
  try {
    return copy && checked(url, await copy.text(), parse);
  } catch {
    return undefined;
  }
}

export async function keepDocument(store: Store, url: string, text: string): Promise<void> {
  await store.put(url, new Response(text, { headers: { 'Content-Type': 'application/json' } }));
}
