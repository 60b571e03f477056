// model.json, the bundle's manifest: the only thing the edge and the web need to know about a model.
// The zod schema is what is checked, the interfaces say the same to people and to packages without zod (a test holds them
// together); parseManifest turns anything wrong into one sentence.
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { UserError } from './errors.ts';
import { LATENT_GENERATOR } from './latent.ts';
import { LIMITS } from './limits.ts';

/** For every `safeParse` of a schema here: zod/mini, which pages download, has no messages of its own. */
export const messages = { error: en().localeError };

export const FORMAT = 'pocketgen-bundle';
export const FORMAT_VERSION = 3;

const size = z.int().check(z.minimum(1));
const count = z.number().check(z.minimum(0));
const text = z.string().check(z.minLength(1));
export const sha256Schema = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits'));
const vectors = z.tuple([z.literal('batch'), size]);

/** Of a bundle: a part of addresses. */
export const nameSchema = z
  .string()
  .check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens'));

/** Factor on latents. */
export const truncationSchema = z.number().check(z.gt(0), z.maximum(1));

/** Storage of the weights; every variant computes in fp32 and has its own goldens. */
export const variantSchema = z.enum(['fp32', 'fp16', 'int8']);
export type Variant = 'fp32' | 'fp16' | 'int8';

const fileSchema = z.object({
  path: z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a plain file name')),
  role: z.enum(['generator', 'encoder', 'completer', 'trainer']),
  variant: variantSchema,
  bytes: size,
  sha256: sha256Schema,
});
export interface FileEntry {
  path: string;
  /** `trainer`: what another training can go on from, no network. */
  role: 'generator' | 'encoder' | 'completer' | 'trainer';
  variant: Variant;
  bytes: number;
  sha256: string;
}

const goldenSchema = z.object({
  variant: variantSchema,
  seed: z.int().check(z.minimum(0), z.maximum(4294967295)),
  class: z.optional(z.int().check(z.minimum(0))),
  truncation: truncationSchema,
  sha256: sha256Schema,
  pixels: z.base64(),
});
export interface Golden {
  variant: Variant;
  seed: number;
  /** Class index; absent for an unconditional model. */
  class?: number | undefined;
  truncation: number;
  /** Of the HWC pixel bytes that onnxruntime-web's wasm gives; RGBA is straight. */
  sha256: string;
  /** Those bytes, base64. */
  pixels: string;
}

export const historySchema = z.looseObject({
  images: count,
  fid: z.optional(z.number()),
  kid: z.optional(z.number()),
  kidLow: z.optional(z.number()),
  kidHigh: z.optional(z.number()),
  precision: z.optional(z.number()),
  recall: z.optional(z.number()),
  coverage: z.optional(z.number()),
  nearCopies: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  ganTest: z.optional(z.number()),
});
/** A measurement while training: what a set of pictures allows to be measured; further numbers may stand beside these. */
export interface HistoryPoint {
  images: number;
  fid?: number | undefined;
  /** Kernel distance, and the ends of its 95 % interval. */
  kid?: number | undefined;
  kidLow?: number | undefined;
  kidHigh?: number | undefined;
  precision?: number | undefined;
  recall?: number | undefined;
  coverage?: number | undefined;
  /** Share of the generated pictures that are near copies of a training picture. */
  nearCopies?: number | undefined;
  ganTest?: number | undefined;
  [further: string]: unknown;
}

const snapshotSchema = z.object({ images: count, png: z.base64().check(z.maxLength(100_000)) });
/** The same latents drawn at one moment of the training. */
export interface Snapshot {
  images: number;
  /** A small PNG, base64. */
  png: string;
}

const evaluationSchema = z.looseObject({ dtype: variantSchema });
/** What `pocketgen eval --json` printed of one variant; docs/quality.md explains the keys. */
export interface Evaluation {
  dtype: Variant;
  [key: string]: unknown;
}

export const metricsSchema = z.object({
  history: z.array(historySchema),
  snapshots: z.array(snapshotSchema),
  evaluations: z.array(evaluationSchema),
});
export interface BundleMetrics {
  /** By images seen, ascending; so are the snapshots. */
  history: HistoryPoint[];
  snapshots: Snapshot[];
  /** At most one a variant. */
  evaluations: Evaluation[];
}

const imageShape = z.tuple([z.literal('batch'), size, size, size]);
const namedVectors = z.object({ name: text, shape: vectors });

const encoderSchema = z.object({
  inputs: z.object({
    image: z.object({ name: text, shape: imageShape }),
    classWeights: z.optional(namedVectors),
  }),
  output: namedVectors,
  goldens: z.array(
    z.object({
      variant: variantSchema,
      golden: z.int().check(z.minimum(0)),
      sha256: sha256Schema,
      latent: z.base64(),
    }),
  ),
});

const completerSchema = z.object({
  inputs: z.object({
    image: z.object({ name: text, shape: imageShape }),
    mask: z.object({ name: text, shape: imageShape }),
    latent: namedVectors,
    classWeights: z.optional(namedVectors),
  }),
  output: z.object({ name: text, shape: imageShape }),
  goldens: z.array(
    z.object({
      variant: variantSchema,
      golden: z.int().check(z.minimum(0)),
      seed: z.int().check(z.minimum(0), z.maximum(4294967295)),
      sha256: sha256Schema,
      pixels: z.base64(),
    }),
  ),
});

const shape = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  name: nameSchema,
  title: z.string(),
  description: z.string(),
  kind: text,
  image: z.object({ width: size, height: size, channels: z.literal([1, 3, 4]) }),
  latent: z.object({ size, distribution: z.literal('normal'), generator: z.literal(LATENT_GENERATOR) }),
  classes: z.array(text).check(z.maxLength(LIMITS.classes)),
  opset: size,
  inputs: z.object({
    latent: namedVectors,
    classWeights: z.optional(namedVectors),
  }),
  output: z.object({
    name: text,
    shape: imageShape,
    range: z.tuple([z.literal(-1), z.literal(1)]),
  }),
  encoder: z.optional(encoderSchema),
  completer: z.optional(completerSchema),
  files: z.array(fileSchema).check(z.minLength(1)),
  defaultVariant: variantSchema,
  defaultTruncation: truncationSchema,
  goldens: z.array(goldenSchema),
  metrics: z.optional(metricsSchema),
  training: z.object({
    preset: z.string(),
    config: z.record(z.string(), z.unknown()),
    dataset: z.object({ name: z.string(), sha256: z.string() }),
    imagesSeen: z.int().check(z.minimum(0)),
    engine: z.string(),
    seed: z.int().check(z.minimum(0)),
  }),
  license: z.string(),
});

/** An input or output of the network, its batch first. */
interface Port<Shape> {
  name: string;
  shape: Shape;
}

/** The latent that an encoder makes of one of the manifest's goldens. */
export interface EncoderGolden {
  variant: Variant;
  /** Index of the golden whose picture goes in, with its class. */
  golden: number;
  /** Of the latent's numbers as onnxruntime-web's wasm gives them, little-endian float32. */
  sha256: string;
  /** Those bytes, base64. */
  latent: string;
}

/** The way back, for models that have one: a picture and its class → the latent that draws it again. */
export interface EncoderEntry {
  inputs: {
    /** In [-1, 1], RGBA premultiplied, as the generator gives it: [batch, channels, height, width]. */
    image: Port<['batch', number, number, number]>;
    classWeights?: Port<['batch', number]> | undefined;
  };
  output: Port<['batch', number]>;
  goldens: EncoderGolden[];
}

/** A picture of one of the manifest's goldens whose lower half is drawn anew. */
export interface CompleterGolden {
  variant: Variant;
  /** Index of the golden whose picture, class and truncation go in. */
  golden: number;
  /** Of the latent that the lower half is drawn by. */
  seed: number;
  /** Of the HWC pixel bytes on wasm, as of the other goldens. */
  sha256: string;
  /** Those bytes, base64. */
  pixels: string;
}

/** For models that complete pictures: one, what is to stay of it, a latent and the class → the picture with the rest drawn. */
export interface CompleterEntry {
  inputs: {
    /** As an encoder takes it. Numbers of places that are not seen count for nothing. */
    image: Port<['batch', number, number, number]>;
    /** 1 where the picture is seen and stays, 0 where it is drawn: [batch, 1, height, width]. */
    mask: Port<['batch', number, number, number]>;
    latent: Port<['batch', number]>;
    classWeights?: Port<['batch', number]> | undefined;
  };
  output: Port<['batch', number, number, number]>;
  goldens: CompleterGolden[];
}

/** Everything that model.json says. */
export interface Manifest {
  format: typeof FORMAT;
  formatVersion: typeof FORMAT_VERSION;
  /** Lower-case letters, digits and hyphens: a part of addresses. */
  name: string;
  title: string;
  description: string;
  /** Family of the network, such as `gan` or `vae`. */
  kind: string;
  /** Channels: 1 grey, 3 RGB, 4 RGBA, which the network gives premultiplied (−1 in all four where nothing is seen). */
  image: { width: number; height: number; channels: 1 | 3 | 4 };
  latent: { size: number; distribution: 'normal'; generator: typeof LATENT_GENERATOR };
  /** Labels in the order of the class input; empty for an unconditional model. */
  classes: string[];
  opset: number;
  inputs: { latent: Port<['batch', number]>; classWeights?: Port<['batch', number]> | undefined };
  /** [batch, channels, height, width]. */
  output: { name: string; shape: ['batch', number, number, number]; range: [-1, 1] };
  encoder?: EncoderEntry | undefined;
  completer?: CompleterEntry | undefined;
  files: FileEntry[];
  defaultVariant: Variant;
  /** What is drawn with unless asked otherwise: a little below 1 trades rare pictures for fewer failed ones. */
  defaultTruncation: number;
  goldens: Golden[];
  /** Quality, while training and since. */
  metrics?: BundleMetrics | undefined;
  training: {
    preset: string;
    config: Record<string, unknown>;
    dataset: { name: string; sha256: string };
    imagesSeen: number;
    engine: string;
    seed: number;
  };
  license: string;
}

/** Fields that must agree with each other. */
export const manifestSchema = shape.check(({ value: m, issues }) => {
  const expect = (path: string, expected: unknown, got: unknown) => {
    const [want, have] = [JSON.stringify(expected), JSON.stringify(got) ?? 'none'];
    if (want !== have)
      issues.push({ code: 'custom', path: path.split('.'), message: `expected ${want}, got ${have}`, input: got });
  };
  const { width, height, channels } = m.image;
  expect('inputs.latent.shape', ['batch', m.latent.size], m.inputs.latent.shape);
  if (m.classes.length > 0)
    expect('inputs.classWeights.shape', ['batch', m.classes.length], m.inputs.classWeights?.shape);
  else if (m.inputs.classWeights)
    expect('inputs.classWeights', 'none, as classes is empty', m.inputs.classWeights.name);
  expect('output.shape', ['batch', channels, height, width], m.output.shape);
  if (m.encoder) {
    expect('encoder.inputs.image.shape', m.output.shape, m.encoder.inputs.image.shape);
    const [classes = null, seen = null] = [m.inputs.classWeights?.shape, m.encoder.inputs.classWeights?.shape];
    expect('encoder.inputs.classWeights.shape', classes, seen);
    expect('encoder.output.shape', m.inputs.latent.shape, m.encoder.output.shape);
  }
  const encoders = m.files.filter((f) => f.role === 'encoder').map((f) => f.variant);
  if (!m.encoder && encoders.length > 0) expect('files', 'no encoder, as the manifest describes none', encoders);
  m.encoder?.goldens.forEach(({ variant, golden }, i) => {
    if (!encoders.includes(variant))
      expect(`encoder.goldens.${i}.variant`, `one of ${encoders.join(', ') || 'no encoder file'}`, variant);
    if (golden >= m.goldens.length) expect(`encoder.goldens.${i}.golden`, `an index below ${m.goldens.length}`, golden);
  });
  if (m.completer) {
    const { image, mask, latent, classWeights } = m.completer.inputs;
    expect('completer.inputs.image.shape', m.output.shape, image.shape);
    expect('completer.inputs.mask.shape', ['batch', 1, height, width], mask.shape);
    expect('completer.inputs.latent.shape', m.inputs.latent.shape, latent.shape);
    expect('completer.inputs.classWeights.shape', m.inputs.classWeights?.shape ?? null, classWeights?.shape ?? null);
    expect('completer.output.shape', m.output.shape, m.completer.output.shape);
  }
  const completers = m.files.filter((f) => f.role === 'completer').map((f) => f.variant);
  if (!m.completer && completers.length > 0)
    expect('files', 'no completer, as the manifest describes none', completers);
  m.completer?.goldens.forEach(({ variant, golden }, i) => {
    if (!completers.includes(variant))
      expect(`completer.goldens.${i}.variant`, `one of ${completers.join(', ') || 'no completer file'}`, variant);
    if (golden >= m.goldens.length)
      expect(`completer.goldens.${i}.golden`, `an index below ${m.goldens.length}`, golden);
  });
  expect('classes', [...new Set(m.classes)], m.classes);
  for (const key of ['path', 'sha256'] as const) {
    const all = m.files.map((f) => f[key]);
    expect('files', [...new Set(all)], all);
  }
  const variants = m.files.filter((f) => f.role === 'generator').map((f) => f.variant);
  if (!variants.includes(m.defaultVariant))
    expect('defaultVariant', `one of ${variants.join(', ') || 'no generator file'}`, m.defaultVariant);
  m.goldens.forEach((golden, i) => {
    if (!variants.includes(golden.variant))
      expect(`goldens.${i}.variant`, `one of ${variants.join(', ')}`, golden.variant);
    if (golden.class !== undefined && golden.class >= m.classes.length)
      expect(`goldens.${i}.class`, `an index below ${m.classes.length}`, golden.class);
  });
});

/** The format version of a manifest, whatever else it holds. Throws UserError where it is none of ours. */
export function manifestHead(json: unknown): number {
  const head = z.object({ format: z.literal(FORMAT), formatVersion: z.number() }).safeParse(json, messages);
  if (head.success) return head.data.formatVersion;
  throw new UserError(`model.json: expected the manifest of a ${FORMAT}, got something else`);
}

/** Throws UserError: `model.json FIELD: expected X, got Y`. */
export function parseManifest(json: unknown): Manifest {
  const version = manifestHead(json);
  if (version !== FORMAT_VERSION)
    throw new UserError(
      `model.json: expected format version ${FORMAT_VERSION}, got ${version}; ${version > FORMAT_VERSION ? 'use a newer pocketgen' : 'bring its folder up to date with pocketgen upgrade FOLDER'}`,
    );
  const parsed = manifestSchema.safeParse(json, messages);
  if (parsed.success) return parsed.data;
  throw new UserError(`model.json ${sentenceOf(parsed.error)}; export the bundle again`);
}

/** The first thing that is wrong: `FIELD: expected X, got Y`. */
export function sentenceOf({ issues: [issue] }: z.core.$ZodError): string {
  const message = (issue?.message ?? 'not valid').replace('Invalid input: ', '').replace('received', 'got');
  return `${issue?.path.join('.')}: ${message}`;
}
