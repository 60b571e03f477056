// Between the page and the trainer's worker: calls by name, each answered once, and news while it trains.
import { UserError } from '../../contract/errors.ts';
import type { HistoryPoint } from '../../contract/manifest.ts';
import type { Picture } from '../../contract/picture.ts';
import type { FamilyName } from '../../train/families/family.ts';

export { FAMILIES, type FamilyName } from '../../train/families/family.ts';

/** Of ONNX Runtime: addresses of its scripts, and the wasm itself as the page has checked it. */
export interface RuntimeParts {
  script: string;
  loader: string;
  binary: Uint8Array<ArrayBuffer>;
  threads: number;
}

/** Pictures as they are trained on, and what is to be made of them. */
export interface NewRun {
  name: string;
  classes: string[];
  size: number;
  channels: 1 | 3 | 4;
  /** [count, size, size, channels]; RGBA is premultiplied. */
  pixels: Uint8Array;
  /** [count], index into `classes`; all 0 without any. */
  labels: Uint8Array;
  /** Channels of the networks at half the picture's resolution. */
  width: number;
  family: FamilyName;
  /** What it goes on from, with that one's networks: a bundle's trainer file, and the bundle's name. */
  from?: { name: string; trainer: Uint8Array };
}

export interface Outlook {
  imagesPerSecond: number;
  /** Images, and seconds on this device, until there are first shapes and until pictures are good. */
  first: { images: number; seconds: number };
  good: { images: number; seconds: number };
}

export interface RunSummary {
  id: string;
  name: string;
  size: number;
  pictures: number;
  classes: string[];
  /** Seen so far, and when it ends. */
  images: number;
  total: number;
  /** Why it cannot go on: it can be removed, and nothing else. */
  problem?: string;
}

/** How far it is, as numbers by name; the first two are the losses. */
export interface Progress {
  images: number;
  total: number;
  imagesPerSecond: number;
  statistics: Record<string, number>;
}

/** Another tab has locked the run. */
export class TrainedElsewhere extends UserError {}

/** What another tab that trains has written last. */
export interface Look {
  images: number;
  /** PNG. */
  sheet: Uint8Array<ArrayBuffer> | undefined;
}

export interface Ended {
  images: number;
  finished: boolean;
}

/** The worker's functions. */
export interface Calls {
  start(runtime: RuntimeParts): void;
  /** A GPU to try, or none. `asked`: it is taken where it is right, also if it is slower. */
  offerGpu(gpu: { runtime: RuntimeParts; asked: boolean } | undefined): void;
  runs(): RunSummary[];
  forecast(run: NewRun): Outlook;
  /** Its id. */
  create(run: NewRun, images: number): string;
  /** More images than it was planned for, if given. Answers when it has ended, or was told to. */
  train(id: string, images: number | undefined): Ended;
  pause(): void;
  /** Seconds of rest for each second of work: 0 is as fast as it can. */
  rest(share: number): void;
  look(id: string): Look;
  /** The bundle's files by name, of what was saved last. */
  bundle(id: string, about: { name: string; title: string }): Map<string, Uint8Array<ArrayBuffer>>;
  /** All of a run in one zip: for another device, or `pocketgen train --resume`. */
  pack(id: string): Uint8Array<ArrayBuffer>;
  /** A run from such a zip; its id. */
  unpack(zip: Uint8Array): string;
  remove(id: string): void;
}

export type CallName = keyof Calls;

export interface Call {
  id: number;
  name: CallName;
  args: unknown[];
}

export type FromTrainer =
  | { type: 'answer'; id: number; value: unknown }
  /** `plain`: the sentence is for people; `elsewhere`: it is, and another tab trains the run. */
  | { type: 'failed'; id: number; message: string; kind: 'plain' | 'elsewhere' | 'fault' }
  | { type: 'progress'; progress: Progress }
  /** `copies`: the share of them that are near copies of training pictures. */
  | { type: 'samples'; picture: Picture; images: number; copies: number }
  /** Before the first measurement it learns to judge pictures: that share of it is done. */
  | { type: 'judging'; share: number }
  /** All that was measured so far. */
  | { type: 'history'; history: HistoryPoint[] }
  | { type: 'said'; sentence: string };
