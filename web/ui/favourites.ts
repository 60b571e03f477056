// Favourites, kept in localStorage as what they are made from: some bytes each, drawn again when looked at. A completion, of a picture
// and a mask that nobody keeps, is kept as its own levels.
import { readSetting, writeSetting } from '../../client/engine/device.ts';
import { base64 } from '../../contract/base64.ts';
import { decodeLatent, encodeLatent } from '../../contract/compact.ts';
import type { Picture } from '../../contract/picture.ts';
import type { Point } from '../pictures/point.ts';

const SETTING = 'pocketgen.favourites';

type Kept = { model: string } & (
  | { truncation: number; seed: string; class?: number }
  | { truncation: number; z: string; classes: [number, number][] }
  | (Omit<Picture, 'data'> & { levels: string })
);

export interface Favourite {
  model: string;
  item: Point | Picture;
}

function toKept(model: string, item: Point | Picture): Kept {
  if ('data' in item) {
    const { width, height, channels, data } = item;
    return { model, width, height, channels, levels: base64(data) };
  }
  const { truncation } = item;
  if (item.kind === 'free')
    return { model, truncation, z: encodeLatent(item.z), classes: item.classes.map(([i, w]) => [i, w]) };
  return { model, truncation, seed: item.seed, ...(item.class === undefined ? {} : { class: item.class }) };
}

function toItem(kept: Kept): Point | Picture {
  if ('levels' in kept) {
    const { width, height, channels, levels } = kept;
    return { width, height, channels, data: Uint8Array.from(atob(levels), (c) => c.charCodeAt(0)) };
  }
  const { truncation } = kept;
  if ('z' in kept) return { kind: 'free', z: decodeLatent(kept.z), classes: kept.classes, truncation };
  return { kind: 'seed', seed: kept.seed, class: kept.class, truncation };
}

function read(): Kept[] {
  try {
    const list: unknown = JSON.parse(readSetting(SETTING) ?? '[]');
    return Array.isArray(list) ? (list as Kept[]).filter((kept) => typeof kept?.model === 'string') : [];
  } catch {
    return [];
  }
}

/** Newest first. */
export function listSaved(): Favourite[] {
  return read().map((kept) => ({ model: kept.model, item: toItem(kept) }));
}

export function isSaved(model: string, item: Point | Picture): boolean {
  const wanted = JSON.stringify(toKept(model, item));
  return read().some((kept) => JSON.stringify(kept) === wanted);
}

/** False where the browser could not keep it. */
export function toggleSaved(model: string, item: Point | Picture): boolean {
  const wanted = toKept(model, item);
  const text = JSON.stringify(wanted);
  const others = read().filter((kept) => JSON.stringify(kept) !== text);
  const had = others.length < read().length;
  const written = writeSetting(SETTING, JSON.stringify(had ? others : [wanted, ...others]));
  // A favourite is a reason for the browser to keep this site's files. Firefox asks the person.
  if (!had) void navigator.storage?.persist?.().catch(() => false);
  return written;
}
