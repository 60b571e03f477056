// What a model is called where nobody says: its folder in runs/ and in models/.
import { basename, extname, resolve } from 'node:path';
import { slugify } from 'transliteration';
import type { PictureSet } from '../train/data/index.ts';

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
