// `pocketgen complete`: a part of a picture is kept, the rest is drawn by one or several seeds.
import { type Command, Option } from 'commander';
import { mixWeights } from '../../contract/compact.ts';
import { UserError } from '../../contract/errors.ts';
import { latentOf, parseSeed, truncate } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { classIndex, completerFile } from '../../contract/lookup.ts';
import type { Picture } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { openCompleter, PROVIDERS, type Provider, readManifest } from '../../export/open.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { seedList, variantOf } from '../bundle-options.ts';
import { truncation, wholeFrom } from '../numbers.ts';
import { outPng } from '../out-file.ts';
import { readMasked } from '../picture-file.ts';
import { checkSheet, sheetOf } from '../sheet.ts';

interface CompleteFlags {
  mask: string;
  seed?: string;
  seeds?: string;
  class?: string;
  truncation?: number;
  background?: string;
  columns: number;
  scale: number;
  dtype?: string;
  provider: Provider;
  out: string;
}

async function runComplete(dir: string, path: string, flags: CompleteFlags): Promise<void> {
  const manifest = readManifest(dir);
  const variant = flags.dtype === undefined ? undefined : variantOf(flags.dtype);
  completerFile(manifest, variant);
  const seeds = flags.seeds === undefined ? [parseSeed(flags.seed ?? '1')] : seedList(flags.seeds);
  const truncation = flags.truncation ?? manifest.defaultTruncation;
  const classWeights = mixWeights(flags.class === undefined ? [] : [[classIndex(manifest, flags.class), 1]], manifest);
  checkSheet(seeds.length, flags, manifest.image);
  const out = outPng(flags.out);
  const { picture, hidden } = await readMasked(path, flags.mask, manifest, flags.background);
  if (!hidden.includes(1))
    throw new UserError(`${flags.mask}: expected light places, which are drawn anew, got none; nothing would change`);
  const { completer, close } = await openCompleter(dir, manifest, {
    provider: flags.provider,
    ...(variant ? { variant } : {}),
  });
  try {
    const pictures: Picture[] = [];
    for (let at = 0; at < seeds.length; at += LIMITS.batch) {
      const some = seeds.slice(at, at + LIMITS.batch).map((seed) => {
        const latent = truncate(latentOf(seed, manifest.latent.size), truncation);
        return { picture, hidden, latent, classWeights };
      });
      pictures.push(...(await completer.complete(some)));
    }
    writeAtomically(out, encodePng(sheetOf(pictures, flags)));
    console.error(`${flags.out}: ${pictures.length} picture${pictures.length === 1 ? '' : 's'}`);
  } finally {
    await close();
  }
}

export function registerComplete(command: Command): void {
  command
    .argument('<bundle>', 'bundle folder, of a model that completes pictures')
    .argument('<picture>', 'picture of any size: PNG, JPEG, WebP, GIF, AVIF, TIFF, SVG or BMP')
    .requiredOption('--mask <file>', 'picture of the same size: what is light in it is drawn anew, the rest stays')
    .option('--seed <seed>', 'a number or any text (default: 1)')
    .addOption(new Option('--seeds <list>', 'several: 1-8, or a list with commas').conflicts('seed'))
    .option('--class <name>', 'what the picture is of, label or index (default: as the rest of it suggests)')
    .option('--truncation <t>', 'latent scale above 0, at most 1 (default: the bundle’s own)', truncation)
    .option('--background <colour>', 'ground of transparent places: ff8800, white (default: as trained, else white)')
    .option('--columns <n>', 'columns of the grid', wholeFrom(1, 256), 8)
    .option('--scale <k>', 'each pixel becomes k x k', wholeFrom(1, LIMITS.scale), 1)
    .option('--dtype <name>', 'fp32, fp16 or int8 (default: the bundle’s own)')
    .addOption(new Option('--provider <name>', 'what runs it').choices(PROVIDERS).default('wasm'))
    .requiredOption('-o, --out <file>', 'PNG to write')
    .action(runComplete);
}
