// What an app is made of (`pocketgen({ models, … })`) and what its routes are given.
import type { Context } from 'hono';
import type { ListedModel } from '../contract/model-list.ts';
import type { Training } from '../contract/training.ts';
import type { Addresses, AddressOptions } from './address.ts';
import type { Models } from './models.ts';
import type { PictureDecoder } from './pictures/decode.ts';
import type { KeyCheck } from './protect/keys.ts';
import type { RateLimiter } from './protect/rate-limit.ts';
import type { ObjectStore } from './store/objects.ts';
import type { Timing } from './timing.ts';

export interface AppEnv {
  /** An app that ours is mounted in has variables of its own, of any names. */
  Variables: {
    /** As hono/request-id has it, so that one id goes through both apps. */
    requestId: string;
    'pocketgen.timing': Timing;
    /** Where the app is mounted, as the request wrote it: `/art`; empty at the root. */
    'pocketgen.base': string;
    /** Set once the model of the request is known to exist. */
    'pocketgen.model': string;
    /** A file of the page, which brings its own headers. */
    'pocketgen.page': boolean;
  };
}

/** Finished answers by ETag. `keep` must not delay the answer. */
export interface AnswerStore {
  find(c: Context, etag: string): Promise<Response | undefined>;
  keep(c: Context, etag: string, response: Response): void;
}

/** One line per request; no seed, class, prompt, address or key: nothing a user typed. */
export interface LogRecord {
  level: 'info' | 'error';
  requestId: string;
  method: string;
  /** The pattern, such as /v1/images/:model/:file, with the path the app is mounted at. */
  route: string;
  model: string | undefined;
  status: number;
  ms: number;
  error?: string;
}

/** A file that is passed on as it comes. */
export interface FileStream {
  /** Stands for its bytes. */
  etag: string;
  /** Undefined if it has gone meanwhile. */
  body(): Promise<ReadableStream | undefined>;
}

/** The bundles' files, for a page that draws by itself. */
export interface ModelFiles {
  /** models/index.json, in the order in which they are offered. */
  pageList(): Promise<readonly ListedModel[]>;
  /**
   * models/NAME/PATH or models/NAME@VERSION/PATH: model.json, a network, preview.png, MODEL_CARD.md; undefined if there is none.
   * Under a version there is nothing of any other: who asks so keeps the answer for ever.
   */
  file(
    name: string,
    version: string | undefined,
    path: string,
  ): Promise<Uint8Array<ArrayBuffer> | FileStream | undefined>;
}

export interface PocketgenOptions extends AddressOptions {
  /** What is served: `bundledModels(…)`, `folderModels(…)`, or a store of your own. */
  models: Models;
  /** Bearer keys, separated by commas; absent or empty: anyone may ask. With keys answers are `private`. */
  keys?: string | undefined;
  /** How often a client may ask under /v1, and who a client is, usually its address. Absent: without limit. */
  rateLimit?: { limiter: RateLimiter; client(c: Context): string } | undefined;
  /** Finished answers, asked before anything is drawn: the Cache API. Absent: each is drawn anew. */
  store?: AnswerStore | undefined;
  /** Told of every request. Absent: nobody is. */
  log?: ((record: LogRecord) => void) | undefined;
  /** How the training of a model goes; absent where nothing trains (Workers). */
  training?: ((model: string) => Training | undefined) | undefined;
  /** Adds models/index.json and models/NAME/…; absent where they are files of a static host. */
  files?: ModelFiles | undefined;
  /** The compiled webp_dec.wasm of @jsquash/webp, to take WebP where pictures are sent. Absent: PNG and JPEG only. */
  webp?: WebAssembly.Module | undefined;
  /** Adds /store, where who has one of these tokens (separated by commas) publishes models. Absent: nobody does. */
  publishing?: { to: ObjectStore; tokens: string } | undefined;
}

export interface Services extends Pick<PocketgenOptions, 'models' | 'store' | 'training'> {
  keys: KeyCheck | undefined;
  addresses: Addresses;
  pictures: PictureDecoder;
}
