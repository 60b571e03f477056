// Which own pictures are held out. It depends on each picture's own file: adding pictures, or reading them at another size, does not
// move another one from training to test, and near copies (near-copies.ts) stay on one side.
import { createSha256, sha256OfText } from '../../contract/hash.ts';
import { findNearCopies, type NearCopies, type PremultipliedPictures } from './near-copies.ts';

/** Fewer pictures than this and none is held out: every one is needed for training. */
const HOLD_OUT_FROM = 100;
/** Classes smaller than this keep all their pictures for training. */
const HOLD_OUT_CLASS_FROM = 10;
/** A group of copies that is more of its class than this stays in training, which would otherwise lack the class. */
const MOST_OF_CLASS = 0.25;
/** A tenth is held out; of small sets more, up to a fifth, until there are enough to measure quality with. */
const [SHARE, MOST, ENOUGH] = [0.1, 0.2, 300];

export interface Split {
  readonly train: number[];
  readonly test: number[];
  readonly copies: NearCopies;
}

/** SHA-256 (hex) of each picture's pixels, where there are no files, or for a model from before 2026-12-01: its split was by these. */
export function pixelDigests({ count, size, pixels }: PremultipliedPictures): string[] {
  const bytes = size * size * 4;
  return Array.from({ length: count }, (_, i) =>
    createSha256()
      .update(pixels.subarray(i * bytes, (i + 1) * bytes))
      .hex(),
  );
}

/**
 * @param labels [count], class of each picture; all 0 where there are no classes
 * @param digests [count], SHA-256 (hex) of each picture's file
 */
export function splitPictures(pictures: PremultipliedPictures, labels: Uint8Array, digests: readonly string[]): Split {
  const { count } = pictures;
  const copies = findNearCopies(pictures);
  const perClass = new Map<number, number>();
  for (const label of labels) perClass.set(label, (perClass.get(label) ?? 0) + 1);

  const together = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const key = `${copies.group[i]} ${labels[i]}`;
    together.set(key, (together.get(key) ?? 0) + 1);
  }

  // A group is as its lowest digest is: the order of files does not matter.
  const lowest = new Map<number, string>();
  const kept = new Set<number>();
  for (let i = 0; i < count; i++) {
    const group = copies.group[i] ?? i;
    const digest = digests[i] ?? '';
    const before = lowest.get(group);
    if (before === undefined || digest < before) lowest.set(group, digest);
    const inClass = perClass.get(labels[i] ?? 0) ?? 0;
    const inGroup = together.get(`${group} ${labels[i]}`) ?? 0;
    if (inClass < HOLD_OUT_CLASS_FROM || inGroup > MOST_OF_CLASS * inClass) kept.add(group);
  }
  const share = count < HOLD_OUT_FROM ? 0 : Math.max(SHARE, Math.min(MOST, ENOUGH / count));
  const heldOut = new Set(
    [...lowest].flatMap(([group, digest]) => {
      // Hashed again: the lowest of many digests is low.
      const word = Number.parseInt(sha256OfText(digest).slice(0, 8), 16);
      return word < share * 2 ** 32 && !kept.has(group) ? [group] : [];
    }),
  );
  const [train, test]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i++) (heldOut.has(copies.group[i] ?? i) ? test : train).push(i);
  return { train, test, copies };
}
