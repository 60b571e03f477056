// `pocketgen/edge`: the image API as a Hono app, for anybody's Hono app and any runtime. See docs/edge.md, "In an app of
// your own". Models from a folder are in `pocketgen/edge/node`.
export { UserError } from '../contract/errors.ts';
export type { Manifest } from '../contract/manifest.ts';
export { bundleVersion, splitVersion, versionedName } from '../contract/version.ts';
export { type AddressOptions, addressSettings } from './address.ts';
export { pocketgen } from './app.ts';
export { type BundledModel, type BundledOptions, bundledModels } from './bundled.ts';
export {
  type BundleSource,
  type Engine,
  entryOf,
  type Loan,
  type ModelEntry,
  type Models,
  openModel,
  type ServedModel,
} from './models.ts';
export {
  bindingLimiter,
  memoryLimiter,
  type RateDecision,
  type RateLimitBinding,
  type RateLimiter,
} from './protect/rate-limit.ts';
export { wasmEngine } from './runtime/wasm.ts';
export type { AnswerStore, AppEnv, FileStream, LogRecord, ModelFiles, PocketgenOptions } from './services.ts';
export { beside } from './store/beside.ts';
export { type Bucket, bucketStore } from './store/bucket.ts';
export type { ObjectStore, ServedStore } from './store/objects.ts';
export { type PublishedOptions, publishedModels } from './store/published.ts';
export { ISOLATE_ROOM, type ModelShelf, modelShelf, type ShelfOptions } from './store/shelved.ts';
