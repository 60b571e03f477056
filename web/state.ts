// The page's state in the address, behind `#` so that a typed name never reaches a server. A link opens the same
// picture, the same wall and the same view.
import { decodeLatent, decodeMix, encodeLatent, encodeMix } from '../contract/compact.ts';
import { UserError } from '../contract/errors.ts';
import { parseSeed } from '../contract/latent.ts';
import { classIndex } from '../contract/lookup.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Point } from './pictures/point.ts';

export const VIEWS = ['wall', 'explore', 'walk', 'mix', 'draw', 'complete', 'saved', 'how', 'make'] as const;
export type View = (typeof VIEWS)[number];

/** The views a model has: without an encoder nothing can be put in, without a completer nothing completed. */
export const viewsOf = ({ encoder, completer }: Manifest): readonly View[] =>
  VIEWS.filter((view) => (view !== 'draw' || encoder) && (view !== 'complete' || completer));

export interface State {
  model: string;
  view: View;
  /** The class picked for the wall and for seeds; undefined: any, each seed chooses its own. */
  class: number | undefined;
  truncation: number;
  /** The large picture; a seed's class and truncation are those above. */
  centre: Point;
  /** The other end of a walk, the other parent of a mix; undefined: none chosen yet. */
  other: Point | undefined;
  /** Seed of the wall's first picture; the wall counts up from it. */
  wall: number;
  /** Which plane the explorer moves on. */
  plane: number;
}

/** Before any model is loaded. */
export const FIRST: State = {
  model: '',
  view: 'wall',
  class: undefined,
  truncation: 1,
  centre: { kind: 'seed', seed: '1', class: undefined, truncation: 1 },
  other: undefined,
  wall: 1,
  plane: 1,
};

/** What a model shows when the address asks for nothing. */
export const firstOf = (name: string, { defaultTruncation: truncation }: Manifest): State => ({
  ...FIRST,
  model: name,
  truncation,
  centre: { ...FIRST.centre, truncation },
});

/** With a point as the large picture; a seed brings its class along. */
export function opened(state: State, point: Point): State {
  const { class: picked } = point.kind === 'seed' ? point : state;
  return { ...state, centre: point, truncation: point.truncation, class: picked };
}

/** Text of a state, as after `#`. */
export function writeState(state: State, manifest: Manifest): string {
  const params = new URLSearchParams({ model: state.model });
  writePoint(params, '', state.centre, manifest);
  if (state.class !== undefined) params.set('class', manifest.classes[state.class] ?? String(state.class));
  if (state.view !== 'wall') params.set('view', state.view);
  if (state.wall !== 1) params.set('wall', String(state.wall));
  if (state.plane !== 1) params.set('plane', String(state.plane));
  if (state.other !== undefined) writePoint(params, 'to-', state.other, manifest);
  return params.toString();
}

function writePoint(params: URLSearchParams, prefix: string, point: Point, manifest: Manifest): void {
  if (point.kind === 'seed') {
    params.set(`${prefix}seed`, point.seed);
    if (point.class !== undefined) params.set(`${prefix}class`, manifest.classes[point.class] ?? String(point.class));
  } else {
    params.set(`${prefix}z`, encodeLatent(point.z));
    if (point.classes.length > 0) params.set(`${prefix}classes`, encodeMix(point.classes));
  }
  if (point.truncation !== manifest.defaultTruncation) params.set(`${prefix}truncation`, String(point.truncation));
}

export function modelInState(fragment: string): string | undefined {
  return new URLSearchParams(fragment).get('model') ?? undefined;
}

/** Throws UserError naming the part that cannot be read; `fallback` fills what is not there. */
export function readState(fragment: string, manifest: Manifest, fallback: State): State {
  const params = new URLSearchParams(fragment);
  const view = viewsOf(manifest).find((name) => name === params.get('view')) ?? fallback.view;
  const label = params.get('class');
  return {
    model: fallback.model,
    view,
    class: label === null ? undefined : classIndex(manifest, label),
    truncation: readTruncation(params, 'truncation', manifest),
    centre: readPoint(params, '', manifest) ?? fallback.centre,
    other: readPoint(params, 'to-', manifest) ?? fallback.other,
    wall: readWhole(params, 'wall', fallback.wall),
    plane: readWhole(params, 'plane', fallback.plane),
  };
}

function readWhole(params: URLSearchParams, name: string, fallback: number): number {
  const text = params.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 4294967295)
    throw new UserError(`${name}: expected a whole number below 2^32, got ${text}`);
  return Number(text);
}

function readPoint(params: URLSearchParams, prefix: string, manifest: Manifest): Point | undefined {
  const truncation = readTruncation(params, `${prefix}truncation`, manifest);
  const z = params.get(`${prefix}z`);
  if (z !== null) {
    const classes = decodeMix(params.get(`${prefix}classes`) ?? '', manifest);
    return { kind: 'free', z: decodeLatent(z, manifest.latent.size), classes, truncation };
  }
  const seed = params.get(`${prefix}seed`);
  if (seed === null) return undefined;
  parseSeed(seed); // throws what is wrong with it
  const label = params.get(`${prefix}class`);
  return { kind: 'seed', seed, class: label === null ? undefined : classIndex(manifest, label), truncation };
}

function readTruncation(params: URLSearchParams, name: string, { defaultTruncation }: Manifest): number {
  const text = params.get(name) ?? String(defaultTruncation);
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new UserError(`truncation: expected a number above 0, at most 1, got ${text}`);
  return value;
}
