// Numbers of the command line, as options take them: checked while the command is read, before any work.
import { InvalidArgumentError } from 'commander';
import { truncationSchema } from '../contract/manifest.ts';

type Parser = (text: string) => number;

const numberIn = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

function checked(text: string, isRight: (value: number) => boolean, expected: string): number {
  const value = numberIn(text);
  if (isRight(value)) return value;
  throw new InvalidArgumentError(`expected ${expected}, got ${text.trim() || 'nothing'}`);
}

export const wholeFrom = (least: number, most?: number): Parser => {
  const range = most === undefined ? `from ${least}` : `from ${least} to ${most}`;
  return (text) =>
    checked(
      text,
      (value) => Number.isSafeInteger(value) && value >= least && value <= (most ?? value),
      `a whole number ${range}`,
    );
};

export const numberFrom =
  (least: number, most: number): Parser =>
  (text) =>
    checked(text, (value) => value >= least && value <= most, `a number from ${least} to ${most}`);

export const positive: Parser = (text) =>
  checked(text, (value) => value > 0 && value < Number.POSITIVE_INFINITY, 'a number above 0');

/** As everywhere: the API, manifests and latent files take the same. */
export const truncation: Parser = (text) =>
  checked(text, (value) => truncationSchema.safeParse(value).success, 'a number above 0, at most 1');

export const port: Parser = wholeFrom(0, 65_535);
