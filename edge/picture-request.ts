// What several routes make of their parameters: a checked seed, a class index, a background, a size, the limit on pixels.
import { type Background, backgroundName, parseBackground } from '../contract/background.ts';
import { type ClassMix, decodeMix } from '../contract/compact.ts';
import { UserError } from '../contract/errors.ts';
import { classOf, parseSeed } from '../contract/latent.ts';
import { LIMITS } from '../contract/limits.ts';
import { classIndex } from '../contract/lookup.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Size } from '../contract/picture.ts';
import type { ModelEntry } from './models.ts';
import { badField, type FieldError, fieldOf } from './problem.ts';

export function seedOf(text: string, where: FieldError['in'] = 'path', name = 'seed'): number {
  return fieldOf(where, name, () => parseSeed(text));
}

/** The class a request names, by label or index; undefined if it names none. */
export function namedClass(model: ModelEntry, name: string | undefined, field = 'class'): number | undefined {
  return name === undefined ? undefined : fieldOf('query', field, () => classIndex(model, name));
}

/** The class of a picture: the named one, else the one its seed chooses; undefined for an unconditional model. */
export function classFor(model: ModelEntry, seed: number, named: number | undefined): number | undefined {
  const count = model.classes.length;
  return named ?? (count > 0 ? classOf(seed, count) : undefined);
}

/** What a latent is drawn as: `class` or `classes`, one of which a model with classes needs. No seed chooses here. */
export function mixFor(
  manifest: Pick<Manifest, 'name' | 'classes'>,
  { class: named, classes: mixed }: { class?: string | undefined; classes?: string | undefined },
): ClassMix {
  const { name, classes } = manifest;
  if (named !== undefined && mixed !== undefined)
    throw badField('query', 'classes', 'expected class or classes, got both');
  if (named !== undefined) return [[fieldOf('query', 'class', () => classIndex(manifest, named)), 1]];
  if (mixed !== undefined && classes.length === 0)
    throw badField('query', 'classes', `expected none, as ${name} has no classes, got ${mixed.slice(0, 60)}`);
  if (mixed !== undefined) return fieldOf('query', 'classes', () => decodeMix(mixed, manifest));
  if (classes.length > 0) throw badField('query', 'class', `expected one of ${classes.join(', ')}, got nothing`);
  return [];
}

/** What the pictures are to be laid on; undefined for nothing, and for opaque pictures, under which nothing is seen. */
export function backgroundFor({ image }: ModelEntry, text: string | undefined): Background | undefined {
  if (text === undefined) return undefined;
  const background = fieldOf('query', 'background', () => parseBackground(text));
  return image.channels === 4 ? background : undefined;
}

/** The background's part of an answer's key: however it was written, and nothing where there is none. */
export function keyOf(background: Background | undefined): string[] {
  return background === undefined ? [] : [backgroundName(background)];
}

/** `1024x768`; its pattern is `SIZE`. */
export const SIZE = '[1-9][0-9]{0,3}x[1-9][0-9]{0,3}';

/** Throws UserError. */
export function parseSize(text: string): Size {
  if (!new RegExp(`^${SIZE}$`).test(text))
    throw new UserError(`size: expected WIDTHxHEIGHT, each from 1 to 9999, got ${text.slice(0, 60)}`);
  const [width = 0, height = 0] = text.split('x').map(Number);
  return { width, height };
}

/**
 * How large a picture is drawn: enlarged `scale` times, else by the largest whole number the canvas has room for, else as it
 * is; in the middle of the canvas, or of as much as the picture takes where that is more.
 */
export function layoutFor({ image }: ModelEntry, scale: number | undefined, canvas: Size | undefined) {
  const { width, height } = image;
  const room = canvas === undefined ? 1 : Math.floor(Math.min(canvas.width / width, canvas.height / height));
  const factor = scale ?? Math.max(1, room);
  return {
    scale: factor,
    width: Math.max(width * factor, canvas?.width ?? 0),
    height: Math.max(height * factor, canvas?.height ?? 0),
  };
}

/** 400 if a canvas is smaller than the picture on it: nothing is cut off, and no other size is given than was asked for. */
export function checkCanvas(canvas: Size, { image }: ModelEntry, scale: number): void {
  const [width, height] = [image.width * scale, image.height * scale];
  if (width <= canvas.width && height <= canvas.height) return;
  const whose = scale === 1 ? "the picture's size" : `the picture's size at scale ${scale}`;
  throw badField(
    'query',
    'canvas',
    `expected at least ${width}x${height}, ${whose}, got ${canvas.width}x${canvas.height}`,
  );
}

/** 400 naming `field` if so many pictures of a size are more pixels than one answer may have. */
export function checkPixels(count: number, { width, height }: Size, field: string, where: 'query' | 'body' = 'query') {
  const pixels = width * height * count;
  if (pixels > LIMITS.pixels)
    throw badField(
      where,
      field,
      `expected at most ${LIMITS.pixels} pixels in all, got ${count} × ${width}x${height} = ${pixels}`,
    );
}
