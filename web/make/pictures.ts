// Pictures that a person brings to train on: files by class, read by the browser, cropped to squares of the size that is chosen.
import { WHITE } from '../../contract/background.ts';
import { UserError } from '../../contract/errors.ts';
import { intake } from '../../contract/intake.ts';
import { levelsOf } from '../../contract/pixels.ts';
import { readPhoto } from '../draw/photo.ts';
import type { NewRun } from '../train/protocol.ts';
import type { Given } from '../ui/files.ts';

export interface Brought {
  readonly blob: Blob;
  /** '' for pictures that nobody named. */
  readonly label: string;
}

/** A label is a byte. */
const MOST_CLASSES = 256;
/** Zip entries larger than this are no pictures to train on. */
const LARGEST = 64 * 1024 * 1024;
const PICTURE = /\.(png|jpe?g|webp|gif|avif|bmp|svg)$/i;
const TYPES: Readonly<Record<string, string>> = { svg: 'image/svg+xml', jpg: 'image/jpeg' };

type Entries = [path: string, bytes: Uint8Array<ArrayBuffer>][];

/** The folder that a picture lies in is its class, where there is one below the folder that was chosen. */
function labelOf(path: string, depth: number): string {
  const parts = partsOf(path);
  return parts.length > depth ? (parts.at(-2) ?? '') : '';
}

const partsOf = (path: string) => path.split(/[\\/]/);

/** Where all lies in one folder, that is the one that was chosen. */
const depthOf = (paths: readonly string[]) => (new Set(paths.map((path) => partsOf(path)[0])).size === 1 ? 2 : 1);

/** Files as chosen; those of a folder and a zip are of the class that their sub-folder names, others of `label`. */
export async function bring(files: readonly Given[], label: string): Promise<Brought[]> {
  const brought: Brought[] = [];
  const depth = depthOf(files.map(({ path }) => path));
  for (const { file, path } of files) {
    if (isZip(file)) brought.push(...(await unzipped(file, label)));
    else if (file.type.startsWith('image/') || PICTURE.test(file.name))
      brought.push({ blob: file, label: labelOf(path, depth) || label });
  }
  return brought;
}

/** Those that are a model: a zip of one, and what lies beside a model.json. */
export async function bundleIn(files: readonly Given[]): Promise<Given[]> {
  const folderOf = ({ path }: Given) => partsOf(path).slice(0, -1).join('/');
  const isManifest = (path: string) => partsOf(path).at(-1) === 'model.json';
  const folders = new Set(files.filter(({ file }) => isManifest(file.name)).map(folderOf));
  const bundle: Given[] = [];
  for (const given of files) {
    const { file } = given;
    if (folders.has(folderOf(given)) || (isZip(file) && (await entriesOf(file, isManifest)).length > 0))
      bundle.push(given);
  }
  return bundle;
}

const isZip = ({ name }: File) => /\.zip$/i.test(name);

async function entriesOf(file: File, wanted: (path: string, size: number) => boolean): Promise<Entries> {
  const { unzip } = await import('../../client/files/unzip.ts');
  try {
    return unzip(new Uint8Array(await file.arrayBuffer()), wanted);
  } catch (error) {
    throw new UserError(
      `${file.name}: expected a zip, got ${error instanceof Error ? error.message : 'something else'}`,
    );
  }
}

async function unzipped(file: File, label: string): Promise<Brought[]> {
  const wanted = (path: string, size: number) => size <= LARGEST && PICTURE.test(path) && !path.includes('__MACOSX');
  const entries = await entriesOf(file, wanted);
  const depth = depthOf(entries.map(([path]) => path));
  return entries.map(([path, bytes]) => {
    const kind = path.split('.').pop()?.toLowerCase() ?? '';
    return { blob: new Blob([bytes], { type: TYPES[kind] ?? `image/${kind}` }), label: labelOf(path, depth) || label };
  });
}

/**
 * Names in the order they came, and as the networks are told them; none where there is one class only. Throws UserError for more than
 * labels have numbers for.
 */
export function classesOf(pictures: readonly Pick<Brought, 'label'>[]): { labels: string[]; names: string[] } {
  const labels = [...new Set(pictures.map(({ label }) => label))];
  if (labels.length < 2) return { labels: [], names: [] };
  if (labels.length > MOST_CLASSES)
    throw new UserError(`classes: expected at most ${MOST_CLASSES}, got ${labels.length}; put some together`);
  // Pictures that nobody named are called by a number that no class has.
  const free = labels.findIndex((_, i) => !labels.includes(`${i + 1}`)) + 1;
  return { labels, names: labels.map((label) => label || `${free}`) };
}

type Pixels = Pick<NewRun, 'pixels' | 'labels' | 'channels' | 'classes'>;

/** Pictures looked at before the person waits for all. */
const LOOKED_AT = 16;

/** Whether what is around things is transparent in most of them. */
export async function areMostlyTransparent(brought: readonly Brought[]): Promise<boolean> {
  const count = Math.min(LOOKED_AT, brought.length);
  let clear = 0;
  let read = 0;
  for (let i = 0; i < count; i++) {
    try {
      const { blob } = brought[Math.floor((i * brought.length) / count)] ?? {};
      const { data } = (await readPhoto(blob ?? new Blob())).pixels;
      read += 1;
      if (data.some((level, at) => at % 4 === 3 && level < 255)) clear += 1;
    } catch {
      // No picture.
    }
  }
  return 2 * clear > read;
}

/**
 * As levels of so many channels (four: premultiplied); where that is left open, grey where all are grey, else colour. Without
 * transparency on white. `reading` is told of each.
 */
export async function readAll(
  brought: readonly Brought[],
  size: number,
  wanted: NewRun['channels'] | undefined,
  reading: (index: number) => void,
): Promise<Pixels & { unread: number }> {
  const image = { width: size, height: size, channels: wanted ?? 3 };
  const kept: { levels: Uint8Array; label: string }[] = [];
  for (const [i, { blob, label }] of brought.entries()) {
    reading(i);
    try {
      const { pixels } = await readPhoto(blob);
      kept.push({ levels: levelsOf(intake(pixels, image, { fit: 'cover', background: WHITE })), label });
    } catch {
      // No picture that this browser can read: counted below.
    }
  }
  const { labels, names } = classesOf(kept); // a class none of whose files could be read is none
  const isGrey =
    wanted === undefined && kept.every(({ levels }) => levels.every((level, at) => level === levels[at - (at % 3)]));
  const channels = isGrey ? 1 : image.channels;
  const each = size * size * channels;
  const pixels = new Uint8Array(kept.length * each);
  for (const [i, { levels }] of kept.entries())
    pixels.set(isGrey ? levels.filter((_, at) => at % 3 === 0) : levels, i * each);
  return {
    ...{ pixels, channels },
    labels: Uint8Array.from(kept, ({ label }) => Math.max(0, labels.indexOf(label))),
    classes: names,
    unread: brought.length - kept.length,
  };
}
