// What several routes make of their parameters: a checked seed, a class index, a background, the limit on pixels produced.
import { type Background, backgroundName, parseBackground } from '../contract/background.ts';
import { classOf, parseSeed } from '../contract/latent.ts';
import { LIMITS } from '../contract/limits.ts';
import { classIndex } from '../contract/manifest.ts';
import type { ServedModel } from './models.ts';
import { badField, type FieldError, fieldOf } from './problem.ts';

export function seedOf(text: string, where: FieldError['in'] = 'path', name = 'seed'): number {
  return fieldOf(where, name, () => parseSeed(text));
}

/** The class a request names, by label or index; undefined if it names none. */
export function namedClass(model: ServedModel, name: string | undefined, field = 'class'): number | undefined {
  return name === undefined ? undefined : fieldOf('query', field, () => classIndex(model.manifest, name));
}

/** The class of a picture: the named one, else the one its seed chooses; undefined for an unconditional model. */
export function classFor(model: ServedModel, seed: number, named: number | undefined): number | undefined {
  const count = model.manifest.classes.length;
  return named ?? (count > 0 ? classOf(seed, count) : undefined);
}

/** What the pictures are to be laid on, undefined for nothing. A model without alpha has none: 400. */
export function backgroundFor({ manifest }: ServedModel, text: string | undefined): Background | undefined {
  if (text === undefined) return undefined;
  const background = fieldOf('query', 'background', () => parseBackground(text));
  if (manifest.image.channels !== 4)
    throw badField(
      'query',
      'background',
      `expected none, as ${manifest.name} draws no transparent pictures, got ${text}`,
    );
  return background;
}

/** The background's part of an answer's key: however it was written, and nothing where there is none. */
export function keyOf(background: Background | undefined): string[] {
  return background === undefined ? [] : [backgroundName(background)];
}

/** 400 if `pictures` pictures at `scale` are more pixels than one answer may have. */
export function checkPixels(model: ServedModel, pictures: number, scale: number, where: 'query' | 'body' = 'query') {
  const { width, height } = model.manifest.image;
  const pixels = width * height * scale * scale * pictures;
  if (pixels > LIMITS.pixels)
    throw badField(
      where,
      where === 'query' ? 'scale' : 'size',
      `expected at most ${LIMITS.pixels} pixels in all (${pictures} × ${width}x${height} × scale²), got ${pixels}`,
    );
}
