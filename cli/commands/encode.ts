// `pocketgen encode`: a picture to the latent that draws it again, as JSON.
import { type Command, Option } from 'commander';
import { PROVIDERS } from '../../export/open.ts';
import { writeAtomically } from '../../train/store/atomic.ts';
import { type EncodeFlags, encodeFile } from '../encoding.ts';
import { outFile } from '../out-file.ts';

export function encodeOptions(command: Command): Command {
  return command
    .argument('<bundle>', 'bundle folder, of a model with an encoder')
    .argument('<picture>', 'picture of any size: PNG, JPEG, WebP, GIF, AVIF, TIFF, SVG or BMP')
    .option('--class <name>', 'what the picture is of, label or index; required where the model has classes')
    .option('--background <colour>', 'ground of transparent places: ff8800, white (default: as trained, else white)')
    .option('--dtype <name>', 'fp32, fp16 or int8 (default: the bundle’s own)')
    .addOption(new Option('--provider <name>', 'what runs it').choices(PROVIDERS).default('wasm'));
}

async function runEncode(dir: string, path: string, flags: EncodeFlags & { out?: string }): Promise<void> {
  const out = flags.out === undefined ? undefined : outFile(flags.out);
  const { file } = await encodeFile(dir, path, flags);
  const text = `${JSON.stringify(file, null, 2)}\n`;
  if (out === undefined) process.stdout.write(text);
  else writeAtomically(out, new TextEncoder().encode(text));
}

export function registerEncode(command: Command): void {
  encodeOptions(command)
    .option('-o, --out <file>', 'JSON to write (default: standard output); pocketgen sample --latent draws it')
    .action(runEncode);
}
