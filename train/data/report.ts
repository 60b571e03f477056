// What loading own pictures has to say, as sentences.
import type { DatasetSplits } from './types.ts';

/** The note, then what the person should know or may want to change. */
export function reportLines({ train }: DatasetSplits): string[] {
  return [train.note];
}
