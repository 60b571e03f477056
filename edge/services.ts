// What the routes are given by their entry (Worker or Node): models, protection, a store of finished answers, a log.
import type { Context } from 'hono';
import type { Training } from '../contract/training.ts';
import type { OpenModels } from './models.ts';
import type { KeyCheck } from './protect/keys.ts';
import type { RateLimiter } from './protect/rate-limit.ts';
import type { Timing } from './timing.ts';

export interface AppEnv {
  Variables: {
    requestId: string;
    timing: Timing;
    /** Set once the model of the request is known to exist. */
    model: string;
    /** A file of the page, which brings its own headers. */
    page: boolean;
  };
}

/** Finished answers by ETag. `keep` must not delay the answer. */
export interface AnswerStore {
  find(c: Context<AppEnv>, etag: string): Promise<Response | undefined>;
  keep(c: Context<AppEnv>, etag: string, response: Response): void;
}

/** One line per request; no seed, class, prompt, address or key: nothing a user typed. */
export interface LogRecord {
  level: 'info' | 'error';
  requestId: string;
  method: string;
  /** The pattern, such as /v1/images/:model/:file. */
  route: string;
  model: string | undefined;
  status: number;
  ms: number;
  error?: string;
}

export interface Services {
  models: OpenModels;
  runtime: { name: string; onnxruntime: string; memoryBytes(): number };
  keys: KeyCheck | undefined;
  limiter: RateLimiter | undefined;
  store: AnswerStore | undefined;
  log: ((record: LogRecord) => void) | undefined;
  /** How the training of a model goes; undefined where nothing trains (Workers). */
  training: ((model: string) => Training | undefined) | undefined;
  /** Every request's work passes through it, so that a model that was replaced is not closed under one. */
  during: (<T>(work: () => Promise<T>) => Promise<T>) | undefined;
  /** Who is asking, for the rate limit: an address. */
  client(c: Context<AppEnv>): string;
}
