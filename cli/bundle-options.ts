// Values of options that more than one command about bundles takes.
import { UserError } from '../contract/errors.ts';
import { type Variant, variantSchema } from '../contract/manifest.ts';

/** @throws UserError naming `dtype` */
export function variantOf(name: string): Variant {
  const parsed = variantSchema.safeParse(name.trim());
  if (!parsed.success) throw new UserError(`dtype: expected ${variantSchema.options.join(', ')}, got ${name}`);
  return parsed.data;
}

/** @throws UserError naming the option, for a number out of range or, where `whole`, with a fraction */
export function within(name: string, text: string, low: number, high: number, whole: boolean): number {
  const value = Number(text);
  if (!(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
    throw new UserError(
      `${name}: expected ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}, got ${text}`,
    );
  }
  return value;
}

export const truncationOf = (text: string): number => within('truncation', text, 0.01, 1, false);
