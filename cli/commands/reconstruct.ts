// `pocketgen reconstruct`: a picture as the model draws it, from the latent that `encode` gives.
import type { Command } from 'commander';
import { readLatentFile } from '../../contract/latent-file.ts';
import { LIMITS } from '../../contract/limits.ts';
import { contactSheet, scaleUp } from '../../contract/picture.ts';
import { encodePng } from '../../contract/png.ts';
import { openBundle } from '../../export/open.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { type EncodeFlags, encodeFile } from '../encoding.ts';
import { wholeFrom } from '../numbers.ts';
import { outPng } from '../out-file.ts';
import { encodeOptions } from './encode.ts';

interface ReconstructFlags extends EncodeFlags {
  beside: boolean;
  scale: number;
  out: string;
}

async function runReconstruct(dir: string, path: string, flags: ReconstructFlags): Promise<void> {
  const out = outPng(flags.out);
  const { file, picture, variant } = await encodeFile(dir, path, flags);
  const bundle = await openBundle(dir, { provider: flags.provider, ...(variant ? { variant } : {}) });
  try {
    const { latent, weights } = readLatentFile(file, bundle.manifest, file.version);
    const drawn = await bundle.generator.decode([latent], weights.length > 0 ? [weights] : []);
    const sheet = contactSheet(flags.beside ? [picture, ...drawn] : drawn, 2);
    writeAtomically(out, encodePng(scaleUp(sheet, flags.scale)));
  } finally {
    await bundle.close();
  }
}

export function registerReconstruct(command: Command): void {
  encodeOptions(command)
    .option('--beside', 'on the left, the picture as the model was given it', false)
    .option('--scale <k>', 'each pixel becomes k x k', wholeFrom(1, LIMITS.scale), 1)
    .requiredOption('-o, --out <file>', 'PNG to write')
    .action(runReconstruct);
}
