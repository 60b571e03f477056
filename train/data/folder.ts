// Own pictures: a folder of PNG, JPEG, WebP, GIF, AVIF or TIFF files, one sub-folder per class (or none: no classes),
// each cropped around its centre to a square and resized. Decoding and resizing are sharp's (https://sharp.pixelplumbing.com).
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve } from 'node:path';
import sharp from 'sharp';
import { UserError } from '../../contract/errors.ts';
import { idxSources } from './idx-sets.ts';
import { pickPictures, pictureSet } from './picture-set.ts';
import type { DatasetSplits, LoadOptions, PictureSize } from './types.ts';

const extensions = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.avif', '.tif', '.tiff']);
const maxClasses = 256; // a label is one byte
/** Fewer pictures than this and none is held out: every one is needed for training. */
const holdOutFrom = 100;
/** Classes smaller than this keep all their pictures for training. */
const holdOutClassFrom = 10;
const heldOutShare = 0.1;
const inFlight = 8;

interface FoundPicture {
  path: string;
  label: number;
}

export async function loadFolder(folder: string, options: LoadOptions): Promise<DatasetSplits> {
  const size = options.size ?? 32;
  const { classes, found, ignored } = await findPictures(folder);
  const rgb = await decodeAll(found, size, folder);
  const channels = options.channels === 1 || isGrey(rgb) ? 1 : 3;
  const pixels = channels === 1 ? toGrey(rgb) : rgb;
  const labels = Uint8Array.from(found, ({ label }) => label);
  const note =
    `${folder}: ${found.length} own pictures` +
    (classes.length > 0 ? ` in ${classes.length} ${classes.length === 1 ? 'class' : 'classes'}` : '') +
    `, cropped and resized to ${size}x${size}, ${channels === 1 ? 'grey' : 'colour'}` +
    (ignored > 0 ? `; ${ignored} other ${ignored === 1 ? 'file was' : 'files were'} left out` : '');
  const all = pictureSet({ name: nameOf(folder), classes, width: size, height: size, channels, pixels, labels, note });
  const { train, test } = holdOut(pixels, labels, size * size * channels, classes.length);
  const held = test.length > 0 ? `${test.length} held out` : 'too few to hold any out';
  return { train: pickPictures(all, train, `${note}; ${held}`), test: pickPictures(all, test, `${note}; ${held}`) };
}

/** The folder's own name: where it is on this machine is nobody else's business, and a known data set it is not. */
function nameOf(folder: string): string {
  const name = basename(resolve(folder));
  return Object.hasOwn(idxSources, name) ? `own ${name}` : name;
}

/** Lists pictures in an order that does not depend on the file system, so that a data set's hash does not either. */
async function findPictures(folder: string): Promise<{ classes: string[]; found: FoundPicture[]; ignored: number }> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  // stat() follows links: a class may be a link to a folder elsewhere.
  const kinds = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  const broken = names.find((_, i) => kinds[i] === undefined);
  if (broken !== undefined)
    throw new UserError(
      `${join(folder, broken)}: expected a file or a folder, got a link to nothing; remove or mend it`,
    );
  const isFolder = new Set(names.filter((_, i) => kinds[i]?.isDirectory()));
  const classFolders = names.filter((name) => isFolder.has(name)).sort();
  const files = names.filter((name) => !isFolder.has(name));
  const loose = files.filter(isPicture).sort();
  let ignored = files.length - loose.length;

  if (loose.length > 0 && classFolders.length > 0) {
    throw new UserError(
      `${folder}: expected pictures either in the folder itself or in one sub-folder per class, got both ` +
        `(${loose[0]} and ${classFolders[0]}/); move the loose pictures into a sub-folder`,
    );
  }
  if (classFolders.length === 0) {
    if (loose.length === 0) {
      throw new UserError(`${folder}: expected pictures (${[...extensions].join(' ')}), got none`);
    }
    return { classes: [], found: loose.map((name) => ({ path: join(folder, name), label: 0 })), ignored };
  }
  if (classFolders.length > maxClasses) {
    throw new UserError(`${folder}: expected at most ${maxClasses} sub-folders (classes), got ${classFolders.length}`);
  }
  const found: FoundPicture[] = [];
  for (const [label, name] of classFolders.entries()) {
    const inside = (await readdir(join(folder, name), { recursive: true, withFileTypes: true }))
      .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    const pictures = inside.filter(isPicture);
    ignored += inside.length - pictures.length;
    if (pictures.length === 0) {
      throw new UserError(
        `${join(folder, name)}: expected at least one picture in each class, got none; add some or delete the sub-folder`,
      );
    }
    for (const path of pictures) found.push({ path, label });
  }
  return { classes: classFolders.map((name) => name.normalize('NFC')), found, ignored };
}

const isPicture = (name: string): boolean => extensions.has(extname(name).toLowerCase());

/** All pictures as [count, size, size, 3]. UserError naming every file (up to five) that cannot be read. */
async function decodeAll(found: readonly FoundPicture[], size: PictureSize, folder: string): Promise<Uint8Array> {
  const bytes = size * size * 3;
  const pixels = new Uint8Array(found.length * bytes);
  const unreadable: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < found.length; i = next++) {
      const path = found[i]?.path ?? '';
      try {
        pixels.set(await decode(path, size), i * bytes);
      } catch (error) {
        unreadable.push(`${relative(folder, path)} (${(error as Error).message.split('\n')[0]})`);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  if (unreadable.length > 0) {
    const more = unreadable.length > 5 ? ` and ${unreadable.length - 5} more` : '';
    throw new UserError(
      `${folder}: expected readable pictures, got ${unreadable.length} unreadable: ` +
        `${unreadable.sort().slice(0, 5).join(', ')}${more}; repair or remove them`,
    );
  }
  return pixels;
}

async function decode(path: string, size: number): Promise<Uint8Array> {
  const image = sharp(path);
  const { width = 0, height = 0 } = await image.metadata();
  // Smaller pictures are usually pixel art: enlarge without blur.
  const kernel = Math.min(width, height) < size ? 'nearest' : 'lanczos3';
  return await image
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize(size, size, { fit: 'cover', kernel })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer();
}

function isGrey(rgb: Uint8Array): boolean {
  for (let i = 0; i < rgb.length; i += 3) if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) return false;
  return true;
}

/** Luma of ITU-R BT.601, in integers. */
function toGrey(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = (299 * (rgb[3 * i] ?? 0) + 587 * (rgb[3 * i + 1] ?? 0) + 114 * (rgb[3 * i + 2] ?? 0) + 500) / 1000;
  }
  return grey;
}

/**
 * Which pictures are held out depends on each picture's own bytes: adding pictures never moves another one from training
 * to test, and two copies of one picture land on the same side.
 */
function holdOut(
  pixels: Uint8Array,
  labels: Uint8Array,
  bytes: number,
  classes: number,
): Record<'train' | 'test', number[]> {
  const perClass = new Array<number>(Math.max(1, classes)).fill(0);
  for (const label of labels) perClass[label] = (perClass[label] ?? 0) + 1;
  const train: number[] = [];
  const test: number[] = [];
  for (const [i, label] of labels.entries()) {
    const digest = createHash('sha256')
      .update(pixels.subarray(i * bytes, (i + 1) * bytes))
      .digest();
    const enough = labels.length >= holdOutFrom && (perClass[label] ?? 0) >= holdOutClassFrom;
    (enough && digest.readUInt32BE(0) < heldOutShare * 2 ** 32 ? test : train).push(i);
  }
  return { train, test };
}
