// A trained model wherever it is: a bundle or a run folder, both drawing the same picture for the same seed and class.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { toGrid } from '../contract/compact.ts';
import { type Completer, createCompleter } from '../contract/completer.ts';
import { createEncoder, type Encoder } from '../contract/encoder.ts';
import { UserError } from '../contract/errors.ts';
import { LATENT_GENERATOR, latentOf, oneHot, truncate } from '../contract/latent.ts';
import type { Manifest, Variant } from '../contract/manifest.ts';
import type { Picture } from '../contract/picture.ts';
import { levelsOf, pictureOf, toPictures } from '../contract/pixels.ts';
import { traceCompleter } from '../export/completer.ts';
import { traceEncoder } from '../export/encoder.ts';
import { openBundle, readNetwork, startSession } from '../export/open.ts';
import { generatorFunction, loadGenerator, type RunGenerator } from '../export/weights.ts';
import { trace } from '../trace/index.ts';
import { type PictureOptions, type PictureSize, pictureOptionsSchema, pictureSizes } from '../train/data/index.ts';
import type { Complete } from '../train/eval/completion.ts';
import { type NetworkSpec, networkSpecSchema } from '../train/nn/spec.ts';
import { folderFiles } from '../train/store/folder.ts';
import { type Known, openKnown } from './known.ts';

export interface ModelSource extends Known {
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
  /** Pictures as sets have them, drawn again as their labels; absent for a model without an encoder. */
  reconstruct?(pixels: Uint8Array, labels: Uint8Array): Promise<Uint8Array>;
  /** Pictures as sets have them with the places that `hidden` names drawn by seeds `firstSeed` on; absent for a model that only draws. */
  complete?: Complete;
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
    const used = variant ?? manifest.defaultVariant;
    const encoder = manifest.files.find((file) => file.role === 'encoder' && file.variant === used);
    const encoding = encoder && (await startSession(await readNetwork(path, encoder), 'cpu'));
    const completer = manifest.files.find((file) => file.role === 'completer' && file.variant === used);
    const completing = completer && (await startSession(await readNetwork(path, completer), 'cpu'));
    const options = pictureOptionsSchema.optional().catch(undefined).parse(config.pictures);
    return {
      dataset: { ...dataset, source: dataset.name, options },
      ...pictureShape(manifest.image.width, manifest.image.channels),
      latentSize: manifest.latent.size,
      classes: manifest.classes,
      variant: used,
      defaultTruncation: manifest.defaultTruncation,
      imagesSeen,
      generate: generateWith(manifest.latent.size, manifest.classes.length, generator.decode),
      decode: generator.decode,
      ...(completing && {
        complete: completeWith(manifest, createCompleter(manifest, completing.session, completing.Tensor)),
      }),
      ...(encoding && {
        reconstruct: reconstructWith(
          manifest,
          createEncoder(manifest, encoding.session, encoding.Tensor),
          generator.decode,
        ),
      }),
      async close() {
        await encoding?.session.release();
        await completing?.session.release();
        await close();
      },
    };
  }
  if (existsSync(join(path, 'config.json'))) {
    if (variant) throw new UserError('--dtype: expected a bundle, got a run folder; export it first');
    return openRunSource(path, warn);
  }
  throw new UserError(`${path}: expected a bundle (with model.json) or a run folder (with config.json), got neither`);
}

async function openRunSource(path: string, warn: (sentence: string) => void): Promise<ModelSource> {
  const trained = await loadGenerator(folderFiles(path), warn);
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
  const back = await openWayBack(trained, path, decode);
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
    ...back.ways,
    async close() {
      await back.close();
      await session.release();
    },
  };
}

type Ways = Pick<ModelSource, 'reconstruct' | 'complete' | keyof Known>;

/** The run's encoder, if it has one. */
async function openWayBack(
  trained: RunGenerator,
  name: string,
  decode: Decode,
): Promise<{ ways: Ways; close(): Promise<void> }> {
  const encoder = await traceEncoder(trained, ['fp32']);
  const [file] = encoder?.models ?? [];
  if (!encoder || !file) return { ways: {}, close: async () => {} };
  const { config, model } = trained;
  const { resolution, channels, latent, classes } = model.spec;
  const completer = await traceCompleter(trained, ['fp32']);
  const described = {
    name,
    encoder: encoder.entry,
    completer: completer?.entry,
    image: { width: resolution, height: resolution, channels },
    latent: { size: latent, distribution: 'normal', generator: LATENT_GENERATOR },
    classes: classes > 0 ? config.dataset.classes : [],
  } as const;
  const { session, Tensor } = await startSession(file.bytes, 'cpu');
  const { known, close } = await openKnown(trained);
  const [completing] = completer?.models ?? [];
  const completion = completing && (await startSession(completing.bytes, 'cpu'));
  return {
    ways: {
      reconstruct: reconstructWith(described, createEncoder(described, session, Tensor), decode),
      ...(completion && {
        complete: completeWith(described, createCompleter(described, completion.session, completion.Tensor)),
      }),
      ...known,
    },
    async close() {
      await session.release();
      await completion?.session.release();
      await close();
    },
  };
}

function reconstructWith(
  { image, classes }: Pick<Manifest, 'image' | 'classes'>,
  encoder: Encoder,
  decode: Decode,
): NonNullable<ModelSource['reconstruct']> {
  const size = image.width * image.height * image.channels;
  return async (pixels, labels) => {
    const again = new Uint8Array(pixels.length);
    for (let from = 0; from < labels.length; from += batch) {
      const some = labels.subarray(from, from + batch);
      const pictures = Array.from(some, (_, i) =>
        pictureOf(pixels.slice((from + i) * size, (from + i + 1) * size), image),
      );
      const weights = classes.length > 0 ? Array.from(some, (label) => oneHot(label, classes.length)) : [];
      // As everybody gets them: what is written down of a latent lies on the grid.
      const latents = (await encoder.encode(pictures, weights)).map(toGrid);
      const drawn = await decode(latents, weights);
      for (const [i, picture] of drawn.entries()) again.set(levelsOf(picture), (from + i) * size);
    }
    return again;
  };
}

function completeWith(
  { image, classes, latent }: Pick<Manifest, 'image' | 'classes' | 'latent'>,
  completer: Completer,
): Complete {
  const size = image.width * image.height * image.channels;
  const untold = new Float32Array(classes.length);
  return async (pixels, hidden, firstSeed, labels) => {
    const made = new Uint8Array(pixels.length);
    for (let from = 0; from < pixels.length / size; from += batch) {
      const count = Math.min(batch, pixels.length / size - from);
      const completions = Array.from({ length: count }, (_, i) => ({
        picture: pictureOf(pixels.slice((from + i) * size, (from + i + 1) * size), image),
        hidden,
        latent: latentOf(firstSeed + from + i, latent.size),
        classWeights: labels ? oneHot(labels[from + i] ?? 0, classes.length) : untold,
      }));
      for (const [i, picture] of (await completer.complete(completions)).entries())
        made.set(levelsOf(picture), (from + i) * size);
    }
    return made;
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
