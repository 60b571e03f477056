// `pocketgen sample`: pictures of a bundle in a PNG.
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { onBackground, parseBackground } from '../../contract/background.ts';
import { UserError } from '../../contract/errors.ts';
import { parseSeed, truncate } from '../../contract/latent.ts';
import { readLatentFile } from '../../contract/latent-file.ts';
import { LIMITS } from '../../contract/limits.ts';
import { classIndex } from '../../contract/lookup.ts';
import type { Picture } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { bundleVersion } from '../../contract/version.ts';
import { type OpenBundle, openBundle, PROVIDERS, type Provider } from '../../export/open.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { seedList, variantOf } from '../bundle-options.ts';
import { truncation, wholeFrom } from '../numbers.ts';
import { outPng } from '../out-file.ts';
import { checkSheet, sheetOf } from '../sheet.ts';

interface SampleFlags {
  seed?: string;
  seeds?: string;
  latent?: string;
  class?: string;
  truncation?: number;
  columns: number;
  scale: number;
  dtype?: string;
  provider: Provider;
  background?: string;
  out: string;
}

/** The file's JSON. */
async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UserError(`${path}: expected a latent file of pocketgen encode, got none that can be read`);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${path}: expected JSON, got something else; make it with pocketgen encode`);
  }
}

/** The picture of a latent file, whose class and truncation go unless others are asked for. */
async function drawLatent({ manifest, generator }: OpenBundle, file: unknown, flags: SampleFlags): Promise<Picture[]> {
  const asked = {
    ...(flags.class === undefined ? {} : { class: flags.class }),
    ...(flags.truncation === undefined ? {} : { truncation: flags.truncation }),
  };
  const json = typeof file === 'object' ? { ...file, ...asked } : file;
  const { latent, weights, truncation } = readLatentFile(json, manifest, await bundleVersion(manifest));
  return generator.decode([truncate(latent, truncation)], weights.length > 0 ? [weights] : []);
}

async function drawSeeds({ manifest, generator }: OpenBundle, seeds: number[], flags: SampleFlags): Promise<Picture[]> {
  const truncation = flags.truncation ?? manifest.defaultTruncation;
  const index = flags.class === undefined ? undefined : classIndex(manifest, flags.class);
  const pictures: Picture[] = [];
  for (let at = 0; at < seeds.length; at += LIMITS.batch) {
    const batch = seeds.slice(at, at + LIMITS.batch).map((seed) => ({ seed, class: index, truncation }));
    pictures.push(...(await generator.generate(batch)));
  }
  return pictures;
}

async function runSample(dir: string, flags: SampleFlags): Promise<void> {
  if (flags.latent !== undefined && (flags.seed ?? flags.seeds) !== undefined)
    throw new UserError('--latent: expected a latent or seeds, got both; leave one out');
  const file = flags.latent === undefined ? undefined : await readJson(flags.latent);
  const seeds = flags.seeds === undefined ? [parseSeed(flags.seed ?? '1')] : seedList(flags.seeds);
  const variant = flags.dtype === undefined ? undefined : variantOf(flags.dtype);
  const background = flags.background === undefined ? undefined : parseBackground(flags.background);
  const out = outPng(flags.out);
  const bundle = await openBundle(dir, { provider: flags.provider, ...(variant ? { variant } : {}) });
  try {
    const { name, image } = bundle.manifest;
    if (background !== undefined && image.channels !== 4)
      throw new UserError(`--background: expected none, as ${name} draws no transparent pictures; leave it out`);
    checkSheet(file === undefined ? seeds.length : 1, flags, image);
    const pictures = await (file === undefined ? drawSeeds(bundle, seeds, flags) : drawLatent(bundle, file, flags));
    writeAtomically(out, encodePng(onBackground(sheetOf(pictures, flags), background)));
    console.error(`${flags.out}: ${pictures.length} picture${pictures.length === 1 ? '' : 's'}`);
  } finally {
    await bundle.close();
  }
}

export function registerSample(command: Command): void {
  command
    .argument('<bundle>', 'bundle folder')
    .option('--seed <seed>', 'a number or any text (default: 1)')
    .addOption(new Option('--seeds <list>', 'several: 1-64, or a list with commas').conflicts('seed'))
    .option('--latent <file>', 'the latent of a file that pocketgen encode wrote, instead of seeds')
    .option('--class <name>', 'label or index (default: the class the seed chooses)')
    .option(
      '--truncation <t>',
      'latent scale above 0, at most 1: lower is more typical, less varied (default: the bundle’s own)',
      truncation,
    )
    .option('--columns <n>', 'columns of the grid', wholeFrom(1, 256), 8)
    .option('--scale <k>', 'each pixel becomes k x k', wholeFrom(1, LIMITS.scale), 1)
    .option('--background <colour>', 'ground of transparent pictures: ff8800, white, checkerboard (default: none)')
    .option('--dtype <name>', 'fp32, fp16 or int8 (default: the bundle’s own)')
    .addOption(new Option('--provider <name>', 'what runs it').choices(PROVIDERS).default('wasm'))
    .requiredOption('--out <file>', 'PNG to write')
    .action(runSample);
}
