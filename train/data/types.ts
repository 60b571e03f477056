// What a data set looks like once loaded: 8-bit pictures and one class index each, split into training and held-out test.

export interface PictureSet {
  name: string;
  /** Class names by label; empty for pictures without classes (all labels are then 0). */
  classes: string[];
  width: number;
  height: number;
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
}

export interface DatasetSplits {
  train: PictureSet;
  /** Held out of training; `count` is 0 when there were too few pictures to hold any out. */
  test: PictureSet;
}

export interface DownloadProgress {
  file: string;
  received: number;
  /** Undefined when the server does not say. */
  total: number | undefined;
}

export const pictureSizes = [28, 32, 64] as const;
export type PictureSize = (typeof pictureSizes)[number];

export interface LoadOptions {
  /** Where downloads are kept; default `$POCKETGEN_CACHE`, else `~/.cache/pocketgen`. */
  cacheDir?: string;
  /** False: never touch the network. */
  download?: boolean;
  /** Base URLs tried instead of the official mirrors. */
  mirrors?: readonly string[];
  onProgress?: (progress: DownloadProgress) => void;
  /** Own pictures only: width and height in pixels, default 32. */
  size?: PictureSize;
  /** Own pictures only: 1 (grey) or 3 (colour); default 1 if every picture is grey, else 3. */
  channels?: 1 | 3;
}
