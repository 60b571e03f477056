// Values of options that more than one command about bundles takes.
import { UserError } from '../contract/errors.ts';
import { parseSeed } from '../contract/latent.ts';
import { type Variant, variantSchema } from '../contract/manifest.ts';

/** @throws UserError naming `dtype` */
export function variantOf(name: string): Variant {
  const parsed = variantSchema.safeParse(name.trim());
  if (!parsed.success) throw new UserError(`dtype: expected ${variantSchema.options.join(', ')}, got ${name}`);
  return parsed.data;
}

/** `1-64`, `7`, `ada@example.com`, or several of them separated by commas. */
export function seedList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const range = /^(\d+)-(\d+)$/.exec(part.trim());
    if (!range) return [parseSeed(part.trim())];
    const [from, to] = [parseSeed(Number(range[1])), parseSeed(Number(range[2]))];
    if (to < from || to - from >= 4096) {
      throw new UserError(`seeds: expected a range of 1 to 4096 seeds such as 1-64, got ${part}`);
    }
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
