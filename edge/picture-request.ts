// What several routes make of their parameters: a checked seed, a class index, and the limit on pixels produced.
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
