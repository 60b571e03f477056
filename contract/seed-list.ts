// Several seeds in one text, as the API and the command line take them.
import { UserError } from './errors.ts';
import { parseSeed } from './latent.ts';

/** `1-64,ada,7` as numbers; a range may run backwards. Throws UserError for more than `most`, before it makes them. */
export function parseSeeds(text: string, most: number): number[] {
  const seeds: number[] = [];
  const checkCount = (count: number) => {
    if (count > most) throw new UserError(`seeds: expected at most ${most}, got ${count}`);
  };
  for (const item of text.split(',')) {
    const [first = 0, last = 0] = (/^([0-9]{1,10})-([0-9]{1,10})$/.exec(item)?.slice(1) ?? [NaN]).map(Number);
    // What is no range of seeds is a text like any other, as a number too large for a seed is.
    if (Math.max(first, last) <= 4294967295) {
      const count = Math.abs(last - first) + 1;
      checkCount(seeds.length + count);
      for (let i = 0; i < count; i++) seeds.push(first + i * Math.sign(last - first));
    } else {
      seeds.push(parseSeed(item));
    }
    checkCount(seeds.length);
  }
  return seeds;
}
