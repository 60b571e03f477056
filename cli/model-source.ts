// A trained model wherever it is: a bundle or a run folder, both drawing the same picture for the same seed and class.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../contract/errors.ts';
import { latentOf, oneHot, truncate } from '../contract/latent.ts';
import type { Variant } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import { levelsOf, toPictures } from '../contract/pixels.ts';
import { openBundle, startSession } from '../export/open.ts';
import { generatorFunction, loadGenerator } from '../export/weights.ts';
import { trace } from '../trace/index.ts';
import { type PictureOptions, type PictureSize, pictureOptionsSchema, pictureSizes } from '../train/data/index.ts';
import { type NetworkSpec, networkSpecSchema } from '../train/nn/spec.ts';

export interface ModelSource {
  /** As recorded by the model: `source` is what names it to loadDataset. */
  dataset: { name: string; source: string; sha256: string; options?: PictureOptions | undefined };
  size: PictureSize;
  channels: NetworkSpec['channels'];
  latentSize: number;
  /** Empty: unconditional. */
  classes: string[];
  variant: Variant | undefined;
  /** Of a bundle; 1 for a run. */
  defaultTruncation: number;
  imagesSeen: number;
  /** One picture a label, of seeds `firstSeed` on, as picture sets are: [labels, h, w, c], 0..255, RGBA premultiplied. Labels are ignored without classes. */
  generate(firstSeed: number, labels: Uint8Array, truncation: number): Promise<Uint8Array>;
  /** Latents [latentSize] and class weights [classes] of the caller's own (none without classes). */
  decode(latents: Float32Array[], classWeights: Float32Array[]): Promise<Picture[]>;
  close(): Promise<void>;
}

type Decode = ModelSource['decode'];

const batch = 200;

/** Native CPU in both cases: within one level of the goldens, and many times as fast as wasm. */
export async function openSource(
  path: string,
  { variant, warn }: { variant?: Variant; warn: (sentence: string) => void },
): Promise<ModelSource> {
  if (existsSync(join(path, 'model.json'))) {
    const { manifest, generator, close } = await openBundle(path, { provider: 'cpu', ...(variant && { variant }) });
    const { dataset, imagesSeen, config } = manifest.training;
    const options = pictureOptionsSchema.optional().catch(undefined).parse(config.pictures);
    return {
      dataset: { ...dataset, source: dataset.name, options },
      ...pictureShape(manifest.image.width, manifest.image.channels),
      latentSize: manifest.latent.size,
      classes: manifest.classes,
      variant: variant ?? manifest.defaultVariant,
      defaultTruncation: manifest.defaultTruncation,
      imagesSeen,
      generate: generateWith(manifest.latent.size, manifest.classes.length, generator.decode),
      decode: generator.decode,
      close,
    };
  }
  if (existsSync(join(path, 'config.json'))) {
    if (variant) throw new UserError('--dtype: expected a bundle, got a run folder; export it first');
    return openRunSource(path, warn);
  }
  throw new UserError(`${path}: expected a bundle (with model.json) or a run folder (with config.json), got neither`);
}

async function openRunSource(path: string, warn: (sentence: string) => void): Promise<ModelSource> {
  const trained = loadGenerator(path, warn);
  const { dataset, recipe } = trained.config;
  const { resolution, channels, latent, classes } = recipe.network;
  const inputs = { latent: ['batch', latent], ...(classes > 0 ? { class: ['batch', classes] } : {}) };
  const traced = await trace(generatorFunction(trained), inputs, { name: 'generator' });
  const { session, Tensor } = await startSession(traced.encode(), 'cpu');
  const decode: Decode = async (latents, weights) => {
    const tensor = (rows: Float32Array[], columns: number): InstanceType<typeof Tensor> =>
      new Tensor('float32', Float32Array.from(rows.flatMap((row) => [...row])), [rows.length, columns]);
    const feeds = { latent: tensor(latents, latent), ...(classes > 0 ? { class: tensor(weights, classes) } : {}) };
    const { image } = await session.run(feeds as unknown as Record<string, never>);
    const values = await image?.getData();
    if (!(values instanceof Float32Array)) throw new Error('generator: expected float32 pictures');
    return toPictures(values, latents.length, { width: resolution, height: resolution, channels });
  };
  return {
    dataset,
    ...pictureShape(resolution, channels),
    latentSize: latent,
    classes: classes > 0 ? dataset.classes : [],
    variant: undefined,
    defaultTruncation: 1,
    imagesSeen: trained.imagesSeen,
    generate: generateWith(latent, classes, decode),
    decode,
    close: () => session.release(),
  };
}

const shapeSchema = networkSpecSchema.pick({ resolution: true, channels: true });

function pictureShape(size: number, channels: number): Pick<ModelSource, 'size' | 'channels'> {
  const shape = shapeSchema.safeParse({ resolution: size, channels });
  if (shape.success) return { size: shape.data.resolution, channels: shape.data.channels };
  throw new UserError(
    `model: expected pictures of ${pictureSizes.join(', ')} pixels with 1, 3 or 4 channels, got ${size} with ${channels}`,
  );
}

function generateWith(latentSize: number, classes: number, decode: Decode): ModelSource['generate'] {
  return async (firstSeed, labels, truncation) => {
    const parts: Uint8Array[] = [];
    for (let start = 0; start < labels.length; start += batch) {
      const indices = Array.from({ length: Math.min(batch, labels.length - start) }, (_, i) => start + i);
      const latents = indices.map((i) => truncate(latentOf(firstSeed + i, latentSize), truncation));
      const weights = classes > 0 ? indices.map((i) => oneHot(labels[i] ?? 0, classes)) : [];
      for (const picture of await decode(latents, weights)) parts.push(levelsOf(picture));
    }
    return new Uint8Array(Buffer.concat(parts));
  };
}
