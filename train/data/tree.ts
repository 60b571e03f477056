// A folder or a zip of pictures as one thing: folders that can be listed and files that can be read, names with `/`.

export interface TreeEntry {
  name: string;
  /** `dangling`: a link to nothing; `repeated`: in a zip before the file of that name; `other`: a device, a pipe, a link inside a zip, … */
  kind: 'folder' | 'file' | 'dangling' | 'repeated' | 'other';
}

export interface PictureTree {
  /** As the user wrote it. */
  readonly source: string;
  /** Of the folder, or of the zip without `.zip`. */
  readonly name: string;
  /** Entries of a folder; '' is the top. Rejects with an error of the system. */
  list(folder: string): Promise<TreeEntry[]>;
  /** The bytes of a file. @throws Unreadable */
  read(file: string): Promise<Buffer>;
  /** The same for two names of one folder: links are resolved. */
  identity(folder: string): Promise<string>;
  close(): Promise<void>;
}

/** Why one picture cannot be used, as the end of a sentence. It is left out; the others are used. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** A larger file is no picture that anybody trains on, and reading it might need more memory than there is. */
export const mostFileBytes = 512 * 2 ** 20;

/** sharp's own limit, 16,383 squared: 1 GiB as RGBA. */
export const mostPixels = 0x3fff ** 2;

export const tooManyPixels = (width: number, height: number): Unreadable =>
  new Unreadable(
    `${width}x${height} pixels, more than the ${Math.floor(mostPixels / 1e6)} million that are read; make it smaller`,
  );

export const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** In code units of the composed form: the same order on every file system and locale. */
export function byName(a: string, b: string): number {
  const [x, y] = [a.normalize('NFC'), b.normalize('NFC')];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** What is taken for a picture by its name. What cannot be decoded is named later, by what it really holds. */
const extensions = new Set(
  'png apng jpg jpeg jpe jfif webp gif avif tif tiff svg svgz heic heif hif jxl bmp psd jp2 ico'.split(' '),
);
export const isPicture = (name: string): boolean => extensions.has(/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '');

export const isZip = (name: string): boolean => /\.zip$/i.test(name);

const litter = new Set([
  '__macosx',
  '@eadir',
  '#recycle',
  '$recycle.bin',
  'system volume information',
  'lost+found',
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  'icon\r',
]);

/** What file managers leave in a folder that is looked at: nobody misses it. */
export const isLeftBehind = (name: string): boolean =>
  name === '.DS_Store' || name.startsWith('._') || litter.has(name.toLowerCase());

/** What systems leave in folders: neither a picture nor a class, and not worth a word. */
export const isLitter = (name: string): boolean => name.startsWith('.') || litter.has(name.toLowerCase());
