// What a model is called where nobody says: its folder in runs/ and in models/.
import { basename, extname, resolve } from 'node:path';
import { slugify } from 'transliteration';
import type { PictureSet } from '../train/data/index.ts';
import { FAMILIES, type TrainedName } from '../train/families/family.ts';
import { PRESETS } from '../train/recipe.ts';

/** A name's most, so that a number fits behind it. */
const LONGEST = 58;

/** The name of a folder or zip in any script, as an address can have it: `我的照片` → `wo-de-zhao-pian`; `fallback` where nothing is left. */
export function nameFrom(source: string, fallback: string): string {
  const path = resolve(source);
  const words = slugify(basename(path, extname(path).toLowerCase() === '.zip' ? extname(path) : ''));
  return (
    words
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, LONGEST)
      .replace(/^-+|-+$/g, '') || fallback
  );
}

/** Of pictures whose folder has no name that an address could have. */
export const nameOfPictures = ({ sha256 }: Pick<PictureSet, 'sha256'>): string => `pictures-${sha256.slice(0, 6)}`;

const ofPresets: ReadonlySet<string> = new Set(
  Object.keys(PRESETS).flatMap((preset) => [preset, ...FAMILIES.map((family) => `${preset}-${family}`)]),
);

/**
 * What a training is called that has no other name: by its preset, or by `own`, the pictures' name, where that is for any pictures. Another
 * family than the preset's is said, and pictures called like a preset are kept apart from it.
 */
export function modelName(
  { preset, family }: { preset: string; family?: TrainedName | undefined },
  own: string,
): string {
  const name = preset !== 'auto' ? preset : ofPresets.has(own.toLowerCase()) ? `${own}-pictures` : own;
  return family === undefined || family === PRESETS[preset]?.family ? name : `${name}-${family}`;
}
