// The training record a bundle may carry in its free-form metrics: `history`, a list of {images, fid}, and `snapshots`,
// a list of {images, png} with a small PNG in base64 of the same pictures at that time. Anything else is left alone.
import { z } from 'zod';

const point = z.object({ images: z.number().min(0), fid: z.number() });
const snapshot = z.object({ images: z.number().min(0), png: z.base64().max(200_000) });

export type Snapshot = z.infer<typeof snapshot>;

export interface TrainingRecord {
  /** By pictures seen, ascending. */
  curve: z.infer<typeof point>[];
  snapshots: Snapshot[];
}

function listOf<T>(schema: z.ZodType<T>, value: unknown): T[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item) => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [parsed.data] : [];
  });
}

export function trainingRecord(metrics: Record<string, unknown> | undefined): TrainingRecord {
  const byImages = (a: { images: number }, b: { images: number }) => a.images - b.images;
  return {
    curve: listOf(point, metrics?.history).sort(byImages),
    snapshots: listOf(snapshot, metrics?.snapshots).sort(byImages),
  };
}
