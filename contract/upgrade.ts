// Manifests of earlier formats brought to the current one. What each version brought stands here once, so that a bundle made
// long ago is one command away from being read; parseManifest itself reads the current format and no other.
import { UserError } from './errors.ts';
import { FORMAT_VERSION, type Manifest, manifestHead, metricsSchema, parseManifest } from './manifest.ts';

type Json = Readonly<Record<string, unknown>>;

/** From the version that is its key to the next one. */
const STEPS: Readonly<Record<number, (json: Json) => Json>> = {
  // Version 2 names the truncation drawn with, which was 1; metrics, free before, have a form, and others are left out.
  1: ({ metrics, ...json }) => ({
    ...json,
    formatVersion: 2,
    defaultTruncation: 1,
    ...(metricsSchema.safeParse(metrics).success ? { metrics } : {}),
  }),
  // Version 3 says what RGBA is (premultiplied in the network); nothing else changed its meaning. Goldens tell the difference.
  2: (json) => ({ ...json, formatVersion: 3 }),
};

/** The manifest in the current format, and the version it was of. Throws UserError where no step leads there. */
export function upgradeManifest(json: unknown): { manifest: Manifest; from: number } {
  const from = manifestHead(json);
  let now = json as Json;
  for (let version = from; version !== FORMAT_VERSION; version++) {
    const step = STEPS[version];
    if (step === undefined)
      throw new UserError(
        `model.json: expected format version ${Object.keys(STEPS).join(', ')} or ${FORMAT_VERSION}, got ${from}; ` +
          (from > FORMAT_VERSION ? 'use a newer pocketgen' : 'export the bundle again'),
      );
    now = step(now);
  }
  return { manifest: parseManifest(now), from };
}
