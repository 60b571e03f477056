// A generator that is finished, of a run or of a bundle, as what an encoder is trained for: its weights by name, and the pictures
// it was trained on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkGoldens } from '../contract/bundle.ts';
import { UserError } from '../contract/errors.ts';
import { createGenerator } from '../contract/generator.ts';
import type { Manifest } from '../contract/manifest.ts';
import { readConstants } from '../trace/constants.ts';
import { trace } from '../trace/index.ts';
import { type PictureOptions, pictureOptionsSchema } from '../train/data/index.ts';
import { createNetworks } from '../train/nn/networks.ts';
import { shapesOf } from '../train/nn/optimiser.ts';
import { type NetworkSpec, networkSpecSchema } from '../train/nn/spec.ts';
import { sizeOf, under, type Values } from '../train/nn/tensors.ts';
import { loadNewestCheckpoint } from '../train/store/checkpoint.ts';
import { folderFiles } from '../train/store/folder.ts';
import { readGenerator, readManifest, startSession } from './open.ts';
import { generatorFunction, loadOwnGenerator } from './weights.ts';

export interface Finished {
  readonly network: NetworkSpec;
  readonly generator: Values;
  /** A run has kept it, a bundle has not. */
  readonly discriminator?: Values;
  readonly dataset: {
    readonly name: string;
    readonly source: string;
    readonly sha256: string;
    readonly options?: PictureOptions | undefined;
  };
  readonly isBundle: boolean;
}

/** @throws UserError for anything else, and for a model that has an encoder by nature */
export async function loadFinished(path: string, warn: (sentence: string) => void): Promise<Finished> {
  if (existsSync(join(path, 'model.json'))) return ofBundle(path);
  const run = folderFiles(path);
  const { config, model, weights } = await loadOwnGenerator(run, warn);
  if (model.encode) throw hasOne(path);
  const newest = await loadNewestCheckpoint(run, model.state, warn);
  const discriminator = under('discriminator', newest?.state ?? {});
  return {
    network: config.recipe.network,
    generator: weights,
    ...(Object.keys(discriminator).length > 0 ? { discriminator } : {}),
    dataset: config.dataset,
    isBundle: false,
  };
}

const hasOne = (path: string): UserError =>
  new UserError(`encoder: expected a model that was trained without an encoder, got ${path}, which has one of its own`);

async function ofBundle(dir: string): Promise<Finished> {
  const manifest = readManifest(dir);
  const { config, dataset } = manifest.training;
  if (manifest.encoder && config.encoder === undefined) throw hasOne(dir);
  const network = networkSpecSchema.safeParse(config.network);
  if (!network.success)
    throw new UserError(
      `bundle ${dir}: expected its networks in model.json under training.config, got none; take its run`,
    );
  return {
    network: network.data,
    generator: await readWeights(dir, manifest, network.data),
    dataset: {
      ...dataset,
      source: dataset.name,
      options: pictureOptionsSchema.optional().catch(undefined).parse(config.pictures),
    },
    isBundle: true,
  };
}

/** Above any other constant of a generator, and float32 still counts from here on by ones, to 2^24. */
const FIRST_PLACE = 2 ** 20;

/**
 * The weights in the bundle's file of its default variant. The generator is traced with parameters that count their own places;
 * wherever such a number comes to lie in the traced model, the file has that parameter's value.
 */
async function readWeights(dir: string, manifest: Manifest, network: NetworkSpec): Promise<Values> {
  const { generatorParameters, generate } = createNetworks(network);
  const model = { weights: shapesOf(generatorParameters), generate };
  let next = FIRST_PLACE;
  const places: Values = Object.fromEntries(
    generatorParameters.map(({ name, shape }) => [name, Float32Array.from({ length: sizeOf(shape) }, () => next++)]),
  );
  const other = (what: string): UserError =>
    new UserError(
      `bundle ${dir}: expected the generator that its model.json describes, got one ${what}; take its run, or export it again`,
    );
  if (next > 2 ** 24) throw other(`of ${next - FIRST_PLACE} parameters, which are too many to read back`);

  const inputs = {
    latent: ['batch', network.latent],
    ...(network.classes > 0 ? { class: ['batch', network.classes] } : {}),
  };
  const traced = async (weights: Values): Promise<Uint8Array> =>
    (await trace(generatorFunction({ model, weights }), inputs, { name: 'generator' })).encode();
  const stored = readConstants(await readGenerator(dir, manifest));
  const read = new Float32Array(next - FIRST_PLACE).fill(Number.NaN);
  for (const [name, { shape, data }] of Object.entries(readConstants(await traced(places)))) {
    const values = stored[name];
    if (values?.shape.join() !== shape.join()) throw other(`with other constants (${name})`);
    for (const [i, place] of data.entries())
      if (place >= FIRST_PLACE) read[place - FIRST_PLACE] = values.data[i] ?? Number.NaN;
  }
  const weights = Object.fromEntries(
    Object.entries(places).map(([name, of]) => [name, of.map((place) => read[place - FIRST_PLACE] ?? Number.NaN)]),
  );
  // It draws what the bundle's own file draws.
  const { session, Tensor } = await startSession(await traced(weights), 'cpu');
  await checkGoldens(manifest, manifest.defaultVariant, createGenerator(manifest, session, Tensor), 1);
  await session.release();
  return weights;
}
