// Favourites, kept in localStorage as what they are made from: some bytes each, drawn again when looked at.
import { readSetting, writeSetting } from '../../client/engine/device.ts';
import { decodeLatent, encodeLatent } from '../../contract/compact.ts';
import type { Point } from '../pictures/point.ts';

const SETTING = 'pocketgen.favourites';

type Kept = { model: string; truncation: number } & (
  | { seed: string; class?: number }
  | { z: string; classes: [number, number][] }
);

export interface Favourite {
  model: string;
  point: Point;
}

function toKept(model: string, point: Point): Kept {
  const { truncation } = point;
  if (point.kind === 'free')
    return { model, truncation, z: encodeLatent(point.z), classes: point.classes.map(([i, w]) => [i, w]) };
  return { model, truncation, seed: point.seed, ...(point.class === undefined ? {} : { class: point.class }) };
}

function toPoint(kept: Kept): Point {
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
  return read().map((kept) => ({ model: kept.model, point: toPoint(kept) }));
}

export function isSaved(model: string, point: Point): boolean {
  const wanted = JSON.stringify(toKept(model, point));
  return read().some((kept) => JSON.stringify(kept) === wanted);
}

/** False where the browser could not keep it. */
export function toggleSaved(model: string, point: Point): boolean {
  const wanted = toKept(model, point);
  const text = JSON.stringify(wanted);
  const others = read().filter((kept) => JSON.stringify(kept) !== text);
  const had = others.length < read().length;
  const written = writeSetting(SETTING, JSON.stringify(had ? others : [wanted, ...others]));
  // A favourite is a reason for the browser to keep this site's files. Firefox asks the person.
  if (!had) void navigator.storage?.persist?.().catch(() => false);
  return written;
}
