// Builds a PictureSet from its parts: counts, checks and hashes it.
import { UserError } from '../../contract/errors.ts';
import { createSha256 } from '../../contract/hash.ts';
import type { PictureSet } from './types.ts';

export type PictureSetParts = Omit<PictureSet, 'count' | 'sha256'>;

export function pictureSet(parts: PictureSetParts): PictureSet {
  const { name, classes, width, height, channels, pixels, labels } = parts;
  const count = labels.length;
  if (pixels.length !== count * width * height * channels) {
    throw new UserError(
      `${name}: expected ${count} pictures of ${width}x${height}x${channels} for ${count} labels, ` +
        `got ${pixels.length / (width * height * channels)} pictures`,
    );
  }
  const classCount = Math.max(1, classes.length);
  const wrong = labels.findIndex((label) => label >= classCount);
  if (wrong >= 0) {
    throw new UserError(`${name}: expected labels 0 to ${classCount - 1}, got ${labels[wrong]} for picture ${wrong}`);
  }
  const hash = createSha256();
  // In parts: one update() takes at most 2 GiB.
  for (let at = 0; at < pixels.length; at += hashedAtOnce) hash.update(pixels.subarray(at, at + hashedAtOnce));
  return { ...parts, count, sha256: hash.update(labels).hex() };
}

const hashedAtOnce = 2 ** 28;

/** Pictures `start` to `end` (exclusive) as a set of their own; shares memory with `set`. */
export function sliceSet(set: PictureSet, start: number, end: number, note = set.note): PictureSet {
  const size = set.width * set.height * set.channels;
  const { sha256: _, count: __, ...parts } = set;
  return pictureSet({
    ...parts,
    note,
    pixels: set.pixels.subarray(start * size, end * size),
    labels: set.labels.subarray(start, end),
  });
}

/** The pictures at `indices`, copied, in that order. */
export function pickPictures(set: PictureSet, indices: ArrayLike<number>, note = set.note): PictureSet {
  const size = set.width * set.height * set.channels;
  const pixels = new Uint8Array(indices.length * size);
  const labels = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] ?? 0;
    pixels.set(set.pixels.subarray(from * size, (from + 1) * size), i * size);
    labels[i] = set.labels[from] ?? 0;
  }
  const { sha256: _, count: __, ...parts } = set;
  return pictureSet({ ...parts, note, pixels, labels });
}

/** How many pictures each class has; one number for a set without classes. */
export function classCounts(set: PictureSet): number[] {
  const counts = new Array<number>(Math.max(1, set.classes.length)).fill(0);
  for (const label of set.labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/** `count` pictures spread over the whole set, so that a set sorted by class keeps its mix; all where there are no more. */
export function spreadPictures(set: PictureSet, count: number): PictureSet {
  if (count >= set.count) return set;
  return pickPictures(
    set,
    Array.from({ length: count }, (_, i) => Math.floor((i * set.count) / count)),
  );
}
