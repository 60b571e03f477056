// `pocketgen complete`: a part of a picture is kept, the rest is drawn by one or several seeds.
import { type Command, Option } from 'commander';
import { mixWeights } from '../../contract/compact.ts';
import { UserError } from '../../contract/errors.ts';
import { latentOf, parseSeed, truncate } from '../../contract/latent.ts';
import { LIMITS } from '../../contract/limits.ts';
import { classIndex, completerFile } from '../../contract/lookup.ts';
import { contactSheet, type Picture, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { openCompleter, PROVIDERS, type Provider, readManifest } from '../../export/open.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { seedList, truncationOf, variantOf, within } from '../bundle-options.ts';
import { outPng } from '../out-file.ts';
import { readMasked } from '../picture-file.ts';

interface CompleteFlags {
  mask: string;
  seed?: string;
  seeds?: string;
  class?: string;
  truncation?: string;
  background?: string;
  columns: string;
  scale: string;
  dtype?: string;
  provider: Provider;
  out: string;
}

async function runComplete(dir: string, path: string, flags: CompleteFlags): Promise<void> {
  const manifest = readManifest(dir);
  const variant = flags.dtype === undefined ? undefined : variantOf(flags.dtype);
  completerFile(manifest, variant);
  const seeds = flags.seeds === undefined ? [parseSeed(flags.seed ?? '1')] : seedList(flags.seeds);
  const truncation = flags.truncation === undefined ? manifest.defaultTruncation : truncationOf(flags.truncation);
  const columns = within('columns', flags.columns, 1, 256, true);
  const scale = within('scale', flags.scale, 1, 32, true);
  const classWeights = mixWeights(flags.class === undefined ? [] : [[classIndex(manifest, flags.class), 1]], manifest);
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
    const [first] = pictures;
    const sheet = pictures.length === 1 && first ? first : contactSheet(pictures, columns);
    writeAtomically(out, encodePng(scaleUp(sheet, scale)));
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
    .option('--truncation <t>', 'latent scale from 0.01 to 1 (default: the bundle’s own)')
    .option('--background <colour>', 'ground of transparent places: ff8800, white (default: as trained, else white)')
    .option('--columns <n>', 'columns of the grid', '8')
    .option('--scale <k>', 'each pixel becomes k x k', '1')
    .option('--dtype <name>', 'fp32, fp16 or int8 (default: the bundle’s own)')
    .addOption(new Option('--provider <name>', 'what runs it').choices(PROVIDERS).default('wasm'))
    .requiredOption('-o, --out <file>', 'PNG to write')
    .action(runComplete);
}
