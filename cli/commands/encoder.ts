// `pocketgen encoder RUN|BUNDLE`: trains the way back for a finished generator; the same command again continues it.
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../../contract/errors.ts';
import { attachEncoder } from '../../export/attach.ts';
import { loadFinished } from '../../export/finished.ts';
import { checkBundleFolder } from '../../export/folder.ts';
import { loadEncoder } from '../../export/weights.ts';
import { encoderRecipe } from '../../train/families/encoder/recipe.ts';
import { prefixed } from '../../train/nn/tensors.ts';
import { stateHash } from '../../train/store/checkpoint.ts';
import { RUN } from '../../train/store/files.ts';
import { folderFiles } from '../../train/store/folder.ts';
import { checkPictures, dataHelp } from '../data-options.ts';
import { trainedPictures } from '../trained-pictures.ts';
import { asPlanned, describe, engineFor, trainAndTell } from '../training.ts';
import { addTrainingOptions, type TrainingFlags } from '../training-options.ts';

export interface EncoderFlags extends TrainingFlags {
  data?: string;
  out?: string;
}

export async function runEncoder(path: string, flags: EncoderFlags): Promise<void> {
  const say = (line: string): void => console.error(line);
  const { network, generator, discriminator, dataset, isBundle } = await loadFinished(path, say);
  if (isBundle) checkBundleFolder(path); // what cannot be written is told before the work
  checkPictures(path, dataset, flags.data);
  const dir = flags.out ?? (isBundle ? join('runs', `${basename(resolve(path))}-encoder`) : join(path, RUN.encoder));
  const source = flags.data ?? dataset.source;
  const { resolution: size, channels } = network;
  const splits = await trainedPictures(path, { dataset, size, channels }, flags);

  const { images, batch, seed, learningRate } = flags;
  const wanted = { images, ...(await asPlanned(flags, dir)), batch, seed, learningRate };
  const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
  const recipe = encoderRecipe(
    network,
    { generator: stateHash(generator), ...(discriminator ? {} : { features: 0 }) },
    Object.fromEntries(given),
  );
  say(describe(recipe));
  const result = await trainAndTell(
    {
      recipe,
      pictures: splits.train,
      heldOut: splits.test,
      source,
      dir,
      start: {
        ...prefixed('ema/generator', generator),
        ...(discriminator && prefixed('discriminator', discriminator)),
      },
      ...(flags.minutes === undefined ? {} : { minutes: flags.minutes }),
    },
    { engine: await engineFor(flags), json: flags.json === true },
  );
  if (result.interrupted) return;
  if (!isBundle) return say(`its encoder goes into the bundle with pocketgen export ${path}`);
  const encoder = await loadEncoder(folderFiles(dir), say);
  if (!encoder) throw new UserError(`encoder: expected a checkpoint in ${dir}, got none that is whole`);
  if (stateHash((await loadFinished(path, say)).generator) !== recipe.encoder?.generator)
    throw new UserError(
      `encoder: expected the generator of ${path} as it was when training began, got another, exported in the meantime; the same command trains one for it, with --out ANOTHER`,
    );
  const { files } = await attachEncoder(path, encoder);
  for (const { role, path: file, bytes } of files) if (role === 'encoder') say(`${path}/${file}: ${bytes} bytes`);
}

export function registerEncoder(command: Command): void {
  const described = command
    .argument('<model>', 'run folder or bundle of a finished generator')
    .option('--data <source>', `pictures that it was trained on: ${dataHelp} (default: those it names)`)
    .option('--out <dir>', 'run folder of the encoder (default: encoder/ in the run; runs/ and its name for a bundle)');
  addTrainingOptions(described).action(runEncoder);
}
