// @pocketgen/client: draws the pictures of a pocketgen bundle in a page, a worker or Node. Importing it does nothing.
export { UserError } from '../contract/errors.ts';
export type { Manifest, Variant } from '../contract/manifest.ts';
export type { Choice, Reason, Verdict } from './engine/ladder.ts';
export type { Provider } from './engine/protocol.ts';
export { RUNTIME_VERSION } from './files/runtime.ts';
export { clear, files, isCached, open } from './open.ts';
export type * from './types.ts';
