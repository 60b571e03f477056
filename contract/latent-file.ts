// A latent as JSON, as `pocketgen encode` and the edge's /v1/encode write it: of which model, its numbers, its short form and
// what it is to be drawn as. It is a point of the client too: `model.draw(file)`.
import * as z from 'zod/mini';
import { type ClassMix, decodeLatent, encodeLatent, encodeMix, gridMix, mixWeights, toGrid } from './compact.ts';
import { UserError } from './errors.ts';
import { classIndex } from './lookup.ts';
import { type Manifest, messages, nameSchema, sentenceOf, truncationSchema } from './manifest.ts';
import { versionedName, versionSchema } from './version.ts';

const schema = z.object({
  model: z.optional(nameSchema),
  version: z.optional(versionSchema),
  latent: z.array(z.number()),
  z: z.optional(z.string()),
  /** A label or an index, or weights by label. */
  class: z.optional(z.union([z.string(), z.int(), z.record(z.string(), z.number().check(z.minimum(0), z.maximum(1)))])),
  truncation: z.optional(truncationSchema),
});

export interface LatentFile {
  model: string;
  version: string;
  /** [latent size], on the grid of 1/4096. */
  latent: number[];
  /** The same numbers, short. */
  z: string;
  /** Absent for a model without classes. */
  class?: string | Record<string, number>;
  truncation: 1;
}

/** `latent` and `mix` may be off their grids; the file's are on them. */
export function latentFile(
  { name, classes }: Pick<Manifest, 'name' | 'classes'>,
  version: string,
  latent: Float32Array,
  mix: ClassMix,
): LatentFile {
  const label = (index: number) => classes[index] ?? String(index);
  const written = gridMix(mix);
  const [first] = written;
  const sole = written.length === 1 && first?.[1] === 1;
  const named = sole && first ? label(first[0]) : Object.fromEntries(written.map(([i, weight]) => [label(i), weight]));
  return {
    ...{ model: name, version, latent: [...toGrid(latent)], z: encodeLatent(latent) },
    ...(classes.length > 0 ? { class: named } : {}),
    truncation: 1,
  };
}

/** The parameters of an address that draws it: `z=…&class=Coat`, or `classes=…` for a mixture. */
export function latentQuery({ z: short, class: named }: LatentFile, { classes }: Pick<Manifest, 'classes'>): string {
  const query = new URLSearchParams({ z: short });
  if (typeof named === 'string') query.set('class', named);
  else if (named !== undefined)
    query.set('classes', encodeMix(Object.entries(named).map(([k, w]) => [classes.indexOf(k), w])));
  return query.toString();
}

export interface ReadLatent {
  latent: Float32Array;
  /** [classes]; empty for a model without. */
  weights: Float32Array;
  truncation: number;
}

/** Throws UserError for a file that is none, or one of another model. `version` is the model's. */
export function readLatentFile(json: unknown, manifest: Manifest, version: string): ReadLatent {
  const parsed = schema.safeParse(json, messages);
  if (!parsed.success) throw new UserError(`latent file: ${sentenceOf(parsed.error)}; make one with pocketgen encode`);
  const {
    model = manifest.name,
    version: made = version,
    latent,
    z: short,
    class: named,
    truncation = 1,
  } = parsed.data;
  if (model !== manifest.name || made !== version)
    throw new UserError(
      `latent file: expected a latent of ${versionedName(manifest.name, version)}, got one of ${versionedName(model, made)}; encode the picture again`,
    );
  if (latent.length !== manifest.latent.size)
    throw new UserError(`latent file: expected ${manifest.latent.size} numbers, got ${latent.length}`);
  const numbers = Float32Array.from(latent);
  const large = numbers.findIndex((x) => !Number.isFinite(x));
  if (large !== -1)
    throw new UserError(`latent file: expected numbers that float32 can hold, got ${latent[large]} at ${large}`);
  if (short !== undefined && decodeLatent(short, latent.length).some((x, i) => x !== numbers[i]))
    throw new UserError('latent file: expected the same numbers in z and latent, got others; take one of them out');
  return { latent: numbers, weights: weightsOf(named, manifest), truncation };
}

function weightsOf(named: z.infer<typeof schema>['class'], manifest: Manifest): Float32Array {
  const { classes } = manifest;
  if (named === undefined && classes.length === 0) return new Float32Array();
  if (named === undefined) throw new UserError(`class: expected one of ${classes.join(', ')}, got none`);
  if (typeof named !== 'object') return mixWeights([[classIndex(manifest, String(named)), 1]], manifest);
  return mixWeights(
    Object.entries(named).map(([label, weight]) => [classIndex(manifest, label), weight]),
    manifest,
  );
}
