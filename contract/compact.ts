// A point of latent space as short text, for addresses and files: numbers on a grid of 1/4096 in base64url, class weights
// as `index*weight,…`. The page's links and the edge's addresses are written and read here. See docs/latents.md.
import { UserError } from './errors.ts';
import type { Manifest } from './manifest.ts';

const GRID = 4096;

/** A number's place on the grid: int16, so [-8, 8), which is far beyond what a normal number reaches; what is outside goes to its end. */
const step = (x: number): number => Math.max(-32768, Math.min(32767, Math.round(x * GRID)));

/** To the grid that text can carry: encoded and decoded again, these are the same numbers. */
export function toGrid(z: Float32Array): Float32Array {
  // + 0: the grid has no −0.
  return z.map((x) => step(x) / GRID + 0);
}

/** 16-bit two's complement, little-endian, of z × 4096, in base64url: two bytes a number. */
export function encodeLatent(z: Float32Array): string {
  const view = new DataView(new ArrayBuffer(z.length * 2));
  z.forEach((x, i) => {
    view.setInt16(i * 2, step(x), true);
  });
  let text = '';
  for (const byte of new Uint8Array(view.buffer)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Throws UserError for text that is no such latent, or, where a size is asked for, one of another. */
export function decodeLatent(text: string, size?: number): Float32Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1)
    throw new UserError('z: expected base64url, got something else; the link is damaged');
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  if (bytes.length % 2 !== 0)
    throw new UserError(`z: expected two bytes a number, got ${bytes.length} bytes; the link is damaged`);
  const length = bytes.length / 2;
  if (size !== undefined && length !== size)
    throw new UserError(`z: expected ${size} numbers, got ${length}; the link is of another model`);
  const view = new DataView(Uint8Array.from(bytes, (c) => c.charCodeAt(0)).buffer);
  return Float32Array.from({ length }, (_, i) => view.getInt16(i * 2, true) / GRID);
}

/** Class weights by index, the others 0. */
export type ClassMix = readonly (readonly [index: number, weight: number])[];

/** Weights on a grid of 1/1000, zeros left out: what an address or a file is given. */
export function gridMix(mix: ClassMix): ClassMix {
  return mix
    .map(([index, weight]) => [index, Math.round(weight * 1000) / 1000] as const)
    .filter(([, weight]) => weight !== 0);
}

/** The same of weights by index. */
export const toMix = (weights: Float32Array): ClassMix => gridMix([...weights.entries()]);

/** [classes] of a mix. */
export function mixWeights(mix: ClassMix, { classes }: Pick<Manifest, 'classes'>): Float32Array {
  const weights = new Float32Array(classes.length);
  for (const [index, weight] of mix) if (index < weights.length) weights[index] = weight;
  return weights;
}

/** Brought to the grid. */
export const encodeMix = (mix: ClassMix): string =>
  gridMix(mix)
    .map(([index, weight]) => `${index}*${weight}`)
    .join(',');

/** The weights as they are written, finer ones too. Throws UserError naming the part that is none. */
export function decodeMix(text: string, { classes }: Pick<Manifest, 'classes'>): ClassMix {
  if (text === '') return [];
  const mix = text.split(',').map((part) => {
    const [, index, weight] = /^([0-9]{1,5})\*([0-9]*\.?[0-9]+)$/.exec(part) ?? [];
    if (index === undefined || Number(index) >= classes.length)
      throw new UserError(
        `classes: expected an index below ${classes.length}, * and a weight, got ${part.slice(0, 60)}`,
      );
    if (!(Number(weight) <= 1)) throw new UserError(`classes: expected a weight from 0 to 1, got ${part.slice(0, 60)}`);
    return [Number(index), Number(weight)] as const;
  });
  if (new Set(mix.map(([index]) => index)).size < mix.length)
    throw new UserError(`classes: expected each class once, got ${text.slice(0, 60)}`);
  return mix;
}
