// Values of options that more than one command about bundles takes.
import { UserError } from '../contract/errors.ts';
import { type Variant, variantSchema } from '../contract/manifest.ts';
import { parseSeeds } from '../contract/seed-list.ts';

/** @throws UserError naming `dtype` */
export function variantOf(name: string): Variant {
  const parsed = variantSchema.safeParse(name.trim());
  if (!parsed.success) throw new UserError(`dtype: expected ${variantSchema.options.join(', ')}, got ${name}`);
  return parsed.data;
}

/** Of one sheet. */
const MOST_SEEDS = 4096;

/** The API's list, in which a shell's user may put spaces behind the commas. */
export const seedList = (text: string): number[] =>
  parseSeeds(
    text
      .trim()
      .split(/\s*,\s*/)
      .join(),
    MOST_SEEDS,
  );
