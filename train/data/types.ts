// What a data set looks like once loaded: 8-bit pictures and one class index each, split into training and held-out test.
import { z } from 'zod';
import { type PictureSize, pictureSizes } from '../nn/spec.ts';

export interface PictureSet {
  name: string;
  /** Class names by label; empty for pictures without classes (all labels are then 0). */
  classes: string[];
  width: number;
  height: number;
  /** 1: grey, 3: RGB, 4: RGBA with colours already multiplied by alpha/255, so that invisible pixels are 0,0,0,0. */
  channels: number;
  count: number;
  /** [count, height, width, channels], 0..255. */
  pixels: Uint8Array;
  /** [count], index into `classes`. */
  labels: Uint8Array;
  /** SHA-256 (hex) of the pixel bytes followed by the label bytes. */
  sha256: string;
  /** One line saying where the pictures came from. */
  note: string;
  /** Own pictures: what decided their pixels besides the files. */
  options?: PictureOptions | undefined;
}

export interface DatasetSplits {
  train: PictureSet;
  /** Held out of training; `count` is 0 when there were too few pictures to hold any out. */
  test: PictureSet;
  /** Own pictures: what was found in the folder. */
  report?: DatasetReport;
}

/** What became of the files of a folder or zip. Paths are relative to it, with `/`. */
export interface DatasetReport {
  /** Pictures in the training and held-out sets together. */
  used: number;
  /** Pictures that cannot be read, folders without any, links that lead nowhere or in circles. */
  leftOut: { path: string; reason: string }[];
  /** Files that are no pictures; system files like `.DS_Store` are not counted. */
  otherFiles: number;
  /** Pictures with at least one pixel that lets the background through. */
  withAlpha: number;
  /** Pictures whose pixels are exactly those of another one before them. */
  exactCopies: number;
  /** Groups of pictures that are exact or near copies of each other, by path. */
  copies: string[][];
  /** `train`, `test`, …: folders that were used as the split; empty where we made it. */
  splitFolders: string[];
  /** Sentences on what else the person should know. */
  remarks: string[];
}

export type LoadProgress =
  | { kind: 'download'; file: string; received: number /** Undefined when the server does not say. */; total?: number }
  | { kind: 'decode'; done: number; total: number };

/** `cover`: cropped around the centre. `contain`: whole, with transparent bands. */
export const pictureFits = ['cover', 'contain'] as const;
export type PictureFit = (typeof pictureFits)[number];

/** What decides the pixels of own pictures besides the files. */
export const pictureOptionsSchema = z.strictObject({
  size: z.literal(pictureSizes),
  channels: z.literal([1, 3, 4]),
  fit: z.enum(pictureFits),
  /** `#rrggbb`; absent with 4 channels. */
  background: z
    .string()
    .regex(/^#[0-9a-f]{6}$/)
    .optional(),
});
export type PictureOptions = z.infer<typeof pictureOptionsSchema>;

export interface LoadOptions {
  /** Where downloads and decoded pictures are kept; default `$POCKETGEN_CACHE`, else `~/.cache/pocketgen`. */
  cacheDir?: string;
  /** False: never touch the network. */
  download?: boolean;
  /** Base URLs tried instead of the official mirrors. */
  mirrors?: readonly string[];
  onProgress?: (progress: LoadProgress) => void;
  /** Sentences that cannot wait for the end: that much memory will be needed. */
  onRemark?: (sentence: string) => void;
  /** Own pictures only, like all that follow: width and height in pixels, default 32. */
  size?: PictureSize;
  /** 1 (grey), 3 (colour) or 4 (colour and transparency); default 1 if every picture is grey, else 3. */
  channels?: 1 | 3 | 4;
  /** Default `cover`. */
  fit?: PictureFit;
  /** CSS colour under transparent pictures of 1 or 3 channels; default white. */
  background?: string | undefined;
  /** A picture that cannot be read is an error instead of being left out. */
  strict?: boolean;
  /** SHA-256 of the pictures that a model was trained on: where these are the same, they are split as they were for it. */
  trainedOn?: string;
}
