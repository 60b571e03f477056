// The options that say how own pictures are read: the same ones for every command that loads pictures.
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../contract/errors.ts';
import {
  datasetNames,
  type LoadOptions,
  type PictureFit,
  type PictureSize,
  pictureFits,
  pictureSizes,
} from '../train/data/index.ts';
import { PICTURES } from '../train/data/packed.ts';

export interface DataFlags {
  size?: PictureSize;
  fit?: PictureFit;
  background?: string;
  transparent?: boolean;
  grey?: boolean;
  strict?: boolean;
}

/** What `--data` takes, for help texts. */
export const dataHelp = `${datasetNames.join(', ')}, a folder of pictures or a .zip of one`;

/** `--size 28` as a number, one of those that networks are made for. */
const sizeOption = (): Option =>
  new Option('--size <pixels>', `width and height: ${pictureSizes.join(', ')} (default: 32)`).argParser((text) => {
    const size = pictureSizes.find((known) => String(known) === text);
    if (size === undefined) throw new InvalidArgumentError(`expected ${pictureSizes.join(', ')}, got ${text}`);
    return size;
  });

/** Adds them as a group of their own in the command's help. */
export function addDataOptions(command: Command): Command {
  const options = [
    sizeOption(),
    new Option('--fit <how>', 'where they are not square: crop them (cover, default) or show all').choices(pictureFits),
    new Option('--background <colour>', 'CSS colour to lay transparent ones on (default: white)'),
    new Option('--transparent', 'keep their transparency'),
    new Option('--grey', 'make them grey'),
    new Option('--strict', 'refuse them all if one cannot be read, instead of leaving it out'),
  ];
  for (const option of options) command.addOption(option.helpGroup('Own pictures:'));
  return command;
}

/** Of a command's flags, those for pictures. */
export function dataFlagsOf({ size, fit, background, transparent, grey, strict }: DataFlags): DataFlags {
  const flags = { size, fit, background, transparent, grey, strict };
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** Throws UserError where no pictures are given and those that a model was trained on lie nowhere: of own ones a bundle knows only the name. */
export function checkPictures(
  model: string,
  dataset: { name: string; source: string },
  given: string | undefined,
): void {
  const { name, source } = dataset;
  if (given !== undefined || source === PICTURES || datasetNames.includes(source) || existsSync(source)) return;
  throw new UserError(
    `--data: expected the folder of pictures that ${model} was trained on (${name}), got none; name it`,
  );
}

/** Flags as loadDataset() takes them. @throws UserError for flags that would have no effect */
export function loadOptionsOf(flags: DataFlags, source: string): LoadOptions {
  const { size, fit, background, transparent, grey, strict } = flags;
  const [idle] = Object.keys(dataFlagsOf(flags));
  if (datasetNames.includes(source) && idle !== undefined)
    throw new UserError(
      `--${idle}: expected a folder or .zip of pictures with it, got ${source}, whose pictures are 28x28 and grey`,
    );
  if (transparent && (grey || background !== undefined))
    throw new UserError(
      `--transparent: expected it without --${grey ? 'grey' : 'background'}, got both; leave one of them out`,
    );
  return {
    ...(size === undefined ? {} : { size }),
    ...(fit === undefined ? {} : { fit }),
    ...(background === undefined ? {} : { background }),
    ...(transparent ? { channels: 4 as const } : grey ? { channels: 1 as const } : {}),
    ...(strict ? { strict } : {}),
  };
}
