// The store of published models: one layout for an R2 bucket, a folder and a server that takes models over HTTP.
//   index.json                             the only object that is ever replaced: which shards are the newest
//   shards/{sha256}.json                   models by the first digit of their name's SHA-256, sixteen at most
//   models/{name}@{version}/{sha256}.json  the bundle's model.json
//   blobs/{sha256}                         its other files
// All but the index are named by their content and never change, so who has read an index sees the models of one moment.
// docs/publish.md says why.
import * as z from 'zod/mini';
import { sha256Hex } from './bundle.ts';
import { UserError } from './errors.ts';
import { generatorFile } from './lookup.ts';
import {
  type Manifest,
  messages,
  nameSchema,
  parseManifest,
  sentenceOf,
  sha256Schema,
  truncationSchema,
  variantSchema,
} from './manifest.ts';
import { versionedName, versionSchema } from './version.ts';

export const INDEX_KEY = 'index.json';
const FORMAT_VERSION = 1;

const size = z.int().check(z.minimum(1));

const versionEntry = z.object({
  version: versionSchema,
  published: z.iso.datetime(),
  /** SHA-256 of the model.json, whose networks are blobs by the hashes it names. */
  manifest: sha256Schema,
  /** Files of the bundle that its manifest does not name, such as preview.png: SHA-256 by path. */
  extras: z.record(z.string(), sha256Schema),
});
export type PublishedVersion = z.infer<typeof versionEntry>;

/** What lists and addresses need of a model, as its current manifest has it: none is opened for them. */
const summarySchema = z.object({
  name: nameSchema,
  title: z.string(),
  description: z.string(),
  kind: z.string().check(z.minLength(1)),
  image: z.object({ width: size, height: size, channels: z.literal([1, 3, 4]) }),
  classes: z.array(z.string().check(z.minLength(1))),
  license: z.string(),
  defaultTruncation: truncationSchema,
  /** Of the file that is drawn with. */
  variant: variantSchema,
  bytes: size,
  network: sha256Schema,
});
export type PublishedSummary = z.infer<typeof summarySchema>;

const modelSchema = z
  .extend(summarySchema, {
    /** What the name alone stands for: one of `versions`. */
    current: versionSchema,
    /** Those that are kept, published last first. */
    versions: z.array(versionEntry).check(z.minLength(1)),
  })
  .check(
    z.refine(({ current, versions }) => versions.some(({ version }) => version === current), {
      path: ['current'],
      error: 'expected one of versions, got another',
    }),
  );
export type PublishedModel = z.infer<typeof modelSchema>;

const shardSchema = z.object({
  format: z.literal('pocketgen-shard'),
  formatVersion: z.literal(FORMAT_VERSION),
  /** By name, ascending. */
  models: z.array(modelSchema),
});

const indexSchema = z.object({
  format: z.literal('pocketgen-store'),
  formatVersion: z.literal(FORMAT_VERSION),
  updated: z.iso.datetime(),
  /** Digit → SHA-256 of its shard; a digit that no model has is absent. */
  shards: z.partialRecord(z.enum([...'0123456789abcdef']), sha256Schema),
});
export type StoreIndex = z.infer<typeof indexSchema>;
export type ShardDigit = keyof StoreIndex['shards'];

export const EMPTY_INDEX: StoreIndex = {
  format: 'pocketgen-store',
  formatVersion: FORMAT_VERSION,
  updated: new Date(0).toISOString(),
  shards: {},
};

export const shardKey = (sha256: string): string => `shards/${sha256}.json`;
export const manifestKey = (name: string, { version, manifest }: Pick<PublishedVersion, 'version' | 'manifest'>) =>
  `models/${versionedName(name, version)}/${manifest}.json`;
export const blobKey = (sha256: string): string => `blobs/${sha256}`;

const CONTENT_NAMED =
  /^(?:shards\/([0-9a-f]{64})\.json|models\/[a-z0-9][a-z0-9-]{0,62}@[0-9a-f]{12}\/([0-9a-f]{64})\.json|blobs\/([0-9a-f]{64}))$/;

/** The SHA-256 that a key says its object has; undefined for the index and for keys that are none of ours. */
export function contentOf(key: string): string | undefined {
  return CONTENT_NAMED.exec(key)?.slice(1).find(Boolean);
}

export async function shardOf(name: string): Promise<ShardDigit> {
  return (await sha256Hex(new TextEncoder().encode(name)))[0] as ShardDigit;
}

export function publishedSummary(manifest: Manifest): PublishedSummary {
  const { name, title, description, kind, image, classes, license, defaultTruncation } = manifest;
  const { variant, bytes, sha256: network } = generatorFile(manifest);
  return { name, title, description, kind, image, classes, license, defaultTruncation, variant, bytes, network };
}

function jsonOf(key: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new UserError(`${key}: expected JSON, got something else; is this a store that pocketgen publish made?`);
  }
}

function parse<T>(schema: z.ZodMiniType<T>, key: string, bytes: Uint8Array): T {
  const parsed = schema.safeParse(jsonOf(key, bytes), messages);
  if (parsed.success) return parsed.data;
  throw new UserError(`${key} ${sentenceOf(parsed.error)}; is this a store that this pocketgen can read?`);
}

/** These throw UserError: `KEY FIELD: expected X, got Y`. */
export const parseIndex = (bytes: Uint8Array): StoreIndex => parse(indexSchema, INDEX_KEY, bytes);
export const parseShard = (key: string, bytes: Uint8Array): PublishedModel[] => parse(shardSchema, key, bytes).models;
export const parsePublishedManifest = (key: string, bytes: Uint8Array): Manifest => parseManifest(jsonOf(key, bytes));

const encode = (json: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${JSON.stringify(json)}\n`);

export function encodeShard(models: readonly PublishedModel[]): Uint8Array<ArrayBuffer> {
  const sorted = [...models].sort((a, b) => (a.name < b.name ? -1 : 1));
  return encode({ format: 'pocketgen-shard', formatVersion: FORMAT_VERSION, models: sorted });
}

export const encodeIndex = (index: StoreIndex): Uint8Array<ArrayBuffer> => encode(index);
